import type { Database } from './database.ts'
import { integer, text } from './row.ts'

/** What can be said of a database without what stands in it. */
export interface StoreReport {
  /** `ok`, or SQLite's first finding. Reads the whole file. */
  readonly integrity: string
  readonly bytes: number
  /** Of these, pages that are free to be used again. */
  readonly freeBytes: number
  readonly pragmas: Readonly<Record<string, string | number>>
  readonly schemas: readonly { readonly module: string; readonly version: number; readonly appVersion: string }[]
  /** The largest first; indexes by their own name. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[]
}

const PRAGMAS = [
  'journal_mode',
  'synchronous',
  'page_size',
  'page_count',
  'freelist_count',
  'secure_delete',
  'user_version',
]

/** Reads only. Throws `StoreError` for a file that cannot be read at all. */
export function inspectDatabase(database: Database): StoreReport {
  const pragma = (name: string): string | number => {
    const value = Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    return typeof value === 'string' || typeof value === 'number' ? value : ''
  }
  const pageBytes = Number(pragma('page_size'))
  const tables = database
    .prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC')
    .all()
  const hasMeta = tables.some(({ name }) => name === 'meta')
  const schemas = hasMeta ? database.prepare('SELECT module, version, app_version FROM meta ORDER BY module').all() : []
  return {
    integrity: String(pragma('quick_check(1)')),
    bytes: pageBytes * Number(pragma('page_count')),
    freeBytes: pageBytes * Number(pragma('freelist_count')),
    pragmas: Object.fromEntries(PRAGMAS.map((name) => [name, pragma(name)])),
    schemas: schemas.map((row) => ({
      module: text(row.module),
      version: integer(row.version),
      appVersion: text(row.app_version),
    })),
    tables: tables.map((row) => ({ name: text(row.name), bytes: integer(row.bytes) })),
  }
}
