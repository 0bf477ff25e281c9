import type { StoredRecord, View } from '../../../src/records/index.ts'
import { KIND } from './fixture.ts'

export interface Tally {
  readonly records: number
  readonly sum: number
  /** Order matters here: `n` of each record, oldest first. */
  readonly trail: string
}

const TABLE = 'view_tally_entities'

/**
 * A view for tests. Record bodies are `{ n, about: string[] }`; each string is an entity. The fold throws for an entity with
 * two records whose `n` is 13.
 */
export function tallyView(version = 1, fold: (records: readonly StoredRecord[]) => Tally = tallyOf): View<Tally> {
  return {
    domain: 'tally',
    version,
    kinds: [KIND, KIND + 1],
    schema: `CREATE TABLE ${TABLE} (entity TEXT PRIMARY KEY, records INTEGER, sum INTEGER, trail TEXT, version INTEGER)`,
    tables: [TABLE],
    entitiesOf: ({ body }) => (Array.isArray(body?.about) ? body.about.map(String) : []),
    fold: (_entity, records) => fold(records),
    write: (database, entity, state) => {
      database.prepare(`DELETE FROM ${TABLE} WHERE entity = ?`).run(entity)
      if (state === undefined) return
      const { records, sum, trail } = state
      database.prepare(`INSERT INTO ${TABLE} VALUES (?, ?, ?, ?, ?)`).run(entity, records, sum, trail, version)
    },
  }
}

function tallyOf(records: readonly StoredRecord[]): Tally {
  const numbers = records.map(({ body }) => Number(body?.n))
  if (numbers.filter((n) => n === 13).length >= 2) throw new Error('two unlucky records')
  return { records: records.length, sum: numbers.reduce((a, b) => a + b, 0), trail: numbers.join(' ') }
}
