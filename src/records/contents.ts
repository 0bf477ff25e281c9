import { bytesEqual, type Random, type SpaceId, spaceIdOf } from '../base/index.ts'
import { blob, type Database, integer } from '../store/index.ts'
import { decodeBody } from './body.ts'
import { STORE_ID_BYTES } from './schema.ts'
import type { BodyMap } from './types.ts'

/** What a store holds of one space. */
export interface SpaceContents {
  readonly space: SpaceId
  /** The body of its genesis. */
  readonly genesis: BodyMap | undefined
  readonly records: number
  /** Devices of which at least one record is held. */
  readonly authors: number
}

const SPACES = `
  SELECT s.id, count(r.rid) AS records, count(DISTINCT l.device) AS authors
  FROM space s LEFT JOIN log l ON l.space = s.n LEFT JOIN record r ON r.log = l.n
  GROUP BY s.n ORDER BY s.n`
const BODY = `
  SELECT r.id, b.bytes FROM record r JOIN body b USING (rid) WHERE substr(r.id, 1, 6) = substr(?, 1, 6)`

/** Reads the tables of a journal that nobody need have opened. */
export function storeContents(database: Database): readonly SpaceContents[] {
  return database
    .prepare(SPACES)
    .all()
    .map((row) => {
      const id = blob(row.id)
      const genesis = database
        .prepare(BODY)
        .all(id)
        .find((found) => bytesEqual(blob(found.id), id))
      return {
        space: spaceIdOf(id),
        genesis: genesis === undefined ? undefined : decodeBody(blob(genesis.bytes)),
        records: integer(row.records),
        authors: integer(row.authors),
      }
    })
}

/**
 * Makes an old copy of a store fit to be written: what this device wrote since the copy was made may be with others, so none of
 * its logs is continued, and peers' notes about the original do not hold for the copy.
 */
export function beginIncarnation(database: Database, random: Random): void {
  database.transaction(() => {
    database.exec('DELETE FROM own_log')
    database.prepare('UPDATE journal SET store_id = ?').run(random.bytes(STORE_ID_BYTES))
  })
}
