import type { CborValue } from '../../../src/base/index.ts'
import type { Domain, DomainComponents } from '../../../src/node/index.ts'
import { type BodyMap, KIND_RANGES, type StoredRecord, type View } from '../../../src/records/index.ts'

const [FIRST_KIND] = KIND_RANGES.application

/** `put` and `wipe` are a register in which the last writer wins, `add` is a counter beside it. */
export const NOTE_KIND: Readonly<Record<'put' | 'add' | 'wipe', number>> = {
  put: FIRST_KIND,
  add: FIRST_KIND + 1,
  wipe: FIRST_KIND + 2,
}

interface Note {
  readonly value: string | undefined
  readonly sum: number
  /** Who has had a hand in it, in the order of their last words. */
  readonly authors: string
  readonly records: number
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS view_notes_note (
  space TEXT NOT NULL, key TEXT NOT NULL, value TEXT, sum INTEGER NOT NULL, authors TEXT NOT NULL, records INTEGER NOT NULL,
  PRIMARY KEY (space, key)) STRICT, WITHOUT ROWID;`

/** Every entity is folded from many records of many authors, and what comes out depends on their order: a hard test of a view. */
const view: View<Note> = {
  domain: 'notes',
  version: 1,
  kinds: Object.values(NOTE_KIND),
  schema: SCHEMA,
  tables: ['view_notes_note'],
  entitiesOf: ({ space, body }) => (body === undefined ? [] : [`${space}/${textOf(body.key)}`]),
  fold: (_entity, records) => records.reduce<Note | undefined>(folded, undefined),
  write: (database, entity, note) => {
    const [space = '', key = ''] = entity.split('/')
    database.prepare('DELETE FROM view_notes_note WHERE space = ? AND key = ?').run(space, key)
    if (note === undefined) return
    database
      .prepare('INSERT INTO view_notes_note VALUES (?, ?, ?, ?, ?, ?)')
      .run(space, key, note.value ?? null, note.sum, note.authors, note.records)
  },
}

function folded(note: Note | undefined, { kind, body, author }: StoredRecord): Note {
  const { value, sum = 0, authors = '', records = 0 } = note ?? {}
  const by = author.slice(-6)
  return {
    value: kind === NOTE_KIND.put ? textOf(body?.value) : kind === NOTE_KIND.wipe ? undefined : value,
    sum: kind === NOTE_KIND.add && typeof body?.n === 'number' ? (sum * 3 + body.n) % 1_000_003 : sum,
    authors: [...authors.split(' ').filter((other) => other !== by && other !== ''), by].join(' '),
    records: records + 1,
  }
}

function textOf(value: CborValue | undefined): string {
  return typeof value === 'string' ? value.replaceAll('/', '|') : ''
}

export function noteBody(key: string, value: string | number): BodyMap {
  return typeof value === 'number' ? { key, n: value } : { key, value }
}

/** A domain as a program of one's own would bring it. */
export function notes(): (components: DomainComponents) => Domain {
  return () => ({ name: 'notes', views: [view] })
}
