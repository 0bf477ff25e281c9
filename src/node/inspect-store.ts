import { inspectDatabase, openDatabase, type StoreReport } from '../store/index.ts'

/** Reads a whole database file with a connection of its own, whoever else has it open. Throws `StoreError`. */
export function inspectStore(path: string): StoreReport {
  using database = openDatabase({ path, readOnly: true })
  return inspectDatabase(database)
}
