import { BaseError } from '../base/index.ts'
import type { Database, Migration, Schema } from './database.ts'
import { StoreError } from './errors.ts'

export interface MigrateOptions {
  /** The version of this program, kept beside what it wrote. */
  readonly appVersion: string
  /** Copies the database as it is now; called before a module that has data is changed. */
  readonly backup: () => void
}

interface Step {
  readonly module: string
  readonly from: number
  readonly pending: readonly Migration[]
}

/**
 * Brings the tables of each module up to date: all pending steps in one transaction, or none.
 *
 * Throws `ERR_STORE_NEWER`, before anything is changed, when a newer program wrote the data.
 */
export function migrate(database: Database, schemas: readonly Schema[], options: MigrateOptions): void {
  for (const schema of schemas) assertComplete(schema)
  database.exec(
    'CREATE TABLE IF NOT EXISTS meta (module TEXT PRIMARY KEY, version INTEGER NOT NULL, app_version TEXT NOT NULL) STRICT',
  )
  const steps = schemas.map((schema) => stepOf(database, schema)).filter((step) => step.pending.length > 0)
  if (steps.length === 0) return
  if (steps.some((step) => step.from > 0)) options.backup()
  database.transaction(() => {
    for (const step of steps) apply(database, step, options.appVersion)
  })
}

function stepOf(database: Database, schema: Schema): Step {
  const row = database.prepare('SELECT version, app_version FROM meta WHERE module = ?').get(schema.module)
  const from = Number(row?.version ?? 0)
  const newest = schema.migrations.length
  if (from > newest) {
    throw new StoreError(
      'ERR_STORE_NEWER',
      `Plexus ${row?.app_version} wrote this data (${schema.module} has version ${from}); this program knows ${newest}`,
      { fix: `Install Plexus ${row?.app_version} or later, or start with another profile.` },
    )
  }
  return { module: schema.module, from, pending: schema.migrations.slice(from) }
}

function apply(database: Database, step: Step, appVersion: string): void {
  for (const { up } of step.pending) {
    if (typeof up === 'string') database.exec(up)
    else up(database)
  }
  database
    .prepare(
      `INSERT INTO meta (module, version, app_version) VALUES (?, ?, ?)
       ON CONFLICT (module) DO UPDATE SET version = excluded.version, app_version = excluded.app_version`,
    )
    .run(step.module, step.from + step.pending.length, appVersion)
}

function assertComplete(schema: Schema): void {
  const gap = schema.migrations.findIndex((migration, index) => migration.version !== index + 1)
  if (gap !== -1) {
    throw new BaseError('ERR_INVALID_ARGUMENT', `the schema of ${schema.module} lacks version ${gap + 1}`)
  }
}
