import { type Database, integer, text } from '../store/index.ts'
import { RecordsError } from './errors.ts'
import type { View } from './types.ts'

/** Stands in the place of a version when records changed behind a view's back: it is rebuilt when it is registered. */
const STALE = -1
const IDENTIFIER = /^[a-z][a-z0-9_]*$/

/** A view as the database knows it. */
export interface ViewRow {
  readonly n: number
  /** All records up to this one are in its tables. */
  readonly through: number
}

/** Throws `ERR_VIEW_INVALID` for what could not be put into SQL or compared. */
export function assertView(view: View): void {
  const bad = [view.domain, ...view.tables].find((name) => !IDENTIFIER.test(name))
  if (bad !== undefined) throw new RecordsError('ERR_VIEW_INVALID', `not a name of a table: ${JSON.stringify(bad)}`)
  if (!Number.isSafeInteger(view.version) || view.version < 1) {
    throw new RecordsError('ERR_VIEW_INVALID', `the version of the view ${view.domain} is not a positive integer`)
  }
}

/** The row of this view; its tables are made anew unless they are of this version. */
export function prepareView(database: Database, view: View): ViewRow {
  const row = database.prepare('SELECT n, version, through FROM view WHERE domain = ?').get(view.domain)
  if (row !== undefined && row.version === view.version) return { n: integer(row.n), through: integer(row.through) }
  dropTables(database, view)
  database.exec(view.schema)
  if (row === undefined) {
    const { lastInsertRowid } = database
      .prepare('INSERT INTO view (domain, version, through) VALUES (?, ?, 0)')
      .run(view.domain, view.version)
    return { n: lastInsertRowid, through: 0 }
  }
  const n = integer(row.n)
  database.prepare('DELETE FROM touch WHERE view = ?').run(n)
  database.prepare('DELETE FROM view_failure WHERE view = ?').run(n)
  database.prepare('UPDATE view SET version = ?, through = 0 WHERE n = ?').run(view.version, n)
  return { n, through: 0 }
}

/** Virtual tables go first and take their shadow tables along. */
function dropTables(database: Database, view: View): void {
  const rows = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC, name`)
    .all()
  const prefix = `view_${view.domain}_`
  for (const name of rows.map((row) => text(row.name))) {
    if (name.startsWith(prefix) || view.tables.includes(name)) database.exec(`DROP TABLE IF EXISTS "${name}"`)
  }
}

export function setThrough(database: Database, n: number, rid: number): void {
  database.prepare('UPDATE view SET through = ? WHERE n = ? AND through <> ?').run(rid, n, rid)
}

/** The views that nobody registered will be rebuilt when somebody does. */
export function makeStale(database: Database, registered: readonly { readonly n: number }[]): void {
  const kept = registered.map(({ n }) => n).join(', ')
  database.exec(`UPDATE view SET version = ${STALE} WHERE n NOT IN (${kept})`)
}

/** Entities without rows because their reducer threw. */
export function failedEntities(database: Database, n: number): readonly string[] {
  return database
    .prepare('SELECT entity FROM view_failure WHERE view = ?')
    .all(n)
    .map((row) => text(row.entity))
}

export function addFailure(database: Database, n: number, entity: string, reason: string): void {
  database.prepare('INSERT OR REPLACE INTO view_failure (view, entity, reason) VALUES (?, ?, ?)').run(n, entity, reason)
}

export function removeFailure(database: Database, n: number, entity: string): void {
  database.prepare('DELETE FROM view_failure WHERE view = ? AND entity = ?').run(n, entity)
}
