import { bytesOfHex, hexOf, type SpaceId } from '../../base/index.ts'
import { blob, type Database, integer, type Schema, type Statement } from '../../store/index.ts'
import type { EpochKey } from './epoch-key.ts'

const TABLES = `
  CREATE TABLE epoch_key (
    space BLOB NOT NULL,
    id BLOB NOT NULL,
    n INTEGER NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (space, id)
  ) STRICT, WITHOUT ROWID;
`

/** The tables of spaces, for `openDatabase`: the keys of encrypted ones, which are secrets. */
export const spaceSchema: Schema = { module: 'space', migrations: [{ version: 1, up: TABLES }] }

/**
 * The epoch keys that this device holds. Most could be opened again from the control records; but a record may come to count
 * no more, and what was written under its key is to be read all the same.
 */
export class KeyTable {
  readonly #insert: Statement
  readonly #select: Statement

  constructor(database: Database) {
    this.#insert = database.prepare('INSERT OR REPLACE INTO epoch_key (space, id, n, key) VALUES (?, ?, ?, ?)')
    this.#select = database.prepare('SELECT id, n, key FROM epoch_key WHERE space = ? ORDER BY n, id')
  }

  add(space: SpaceId, { n, id, key }: EpochKey): void {
    this.#insert.run(bytesOfHex(space), bytesOfHex(id), n, key)
  }

  of(space: SpaceId): readonly EpochKey[] {
    return this.#select
      .all(bytesOfHex(space))
      .map((row) => ({ n: integer(row.n), id: hexOf(blob(row.id)), key: blob(row.key) }))
  }
}
