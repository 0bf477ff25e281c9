/** A journal in which everybody may write, and a view of one row a record. */
import { silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { signer, verifier } from '../../src/identity/index.ts'
import {
  type Authority,
  type BodyCipher,
  createJournal,
  endOfTurn,
  type Journal,
  NO_RULE,
  recordsSchema,
  type View,
} from '../../src/records/index.ts'
import { openDatabase } from '../../src/store/index.ts'
import { KIND } from './sample.ts'

const ALLOW_ALL: Authority = {
  mayWrite: () => ({ allowed: true }),
  digest: () => new Uint8Array(8),
  observe: () => undefined,
  reload: () => undefined,
  ruleOf: () => NO_RULE,
  takeChangedRules: () => new Set(),
  takeErased: () => [],
  isErased: () => false,
}

/** One row for each record: the least that a domain keeps. */
export const ROW_VIEW: View = {
  domain: 'bench',
  version: 1,
  kinds: [KIND],
  schema: 'CREATE TABLE view_bench_rows (id TEXT PRIMARY KEY, text TEXT)',
  tables: ['view_bench_rows'],
  entitiesOf: ({ id }) => [id],
  fold: (_entity, [record]) => record?.body?.text,
  write: (database, entity, state) => {
    if (typeof state === 'string') {
      database.prepare('INSERT OR REPLACE INTO view_bench_rows VALUES (?, ?)').run(entity, state)
    } else {
      database.prepare('DELETE FROM view_bench_rows WHERE id = ?').run(entity)
    }
  },
}

export interface OpenJournal {
  readonly journal: Journal
  readonly close: () => void
}

export function openJournal(path: string, view?: View, cipher?: BodyCipher): OpenJournal {
  const database = openDatabase({ path, schemas: [recordsSchema] })
  const random = systemRandom()
  const journal = createJournal({ endOfTurn })({
    database,
    signer: signer(random.bytes(32)),
    verifier: verifier(),
    authority: ALLOW_ALL,
    ...(cipher === undefined ? {} : { cipher }),
    clock: systemClock(),
    random,
    log: silentLogger(),
  })
  if (view !== undefined) journal.register(view)
  return { journal, close: () => database.close() }
}
