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
  /** The largest first; indexes by their own name. Empty where SQLite cannot tell. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[]
}

/** Those that belong to the file; others are of a connection. */
const PRAGMAS = ['journal_mode', 'page_size', 'page_count', 'freelist_count', 'auto_vacuum', 'encoding', 'user_version']

/** Not every build of SQLite can tell the sizes of tables. */
const HAS_DBSTAT = "SELECT 1 AS hit FROM pragma_module_list WHERE name = 'dbstat'"
const TABLES = 'SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC'

/** Reads only. Throws `StoreError` for a file that cannot be read at all. */
export function inspectDatabase(database: Database): StoreReport {
  const pragma = (name: string): string | number => {
    const value = Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    return typeof value === 'string' || typeof value === 'number' ? value : ''
  }
  const pageBytes = Number(pragma('page_size'))
  const has = (sql: string): boolean => database.prepare(sql).get() !== undefined
  const tables = has(HAS_DBSTAT) ? database.prepare(TABLES).all() : []
  const hasMeta = has("SELECT 1 AS hit FROM sqlite_schema WHERE name = 'meta'")
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
