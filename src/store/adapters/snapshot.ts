import { DatabaseSync } from 'node:sqlite'
import { createPrivateFile, syncToDisk } from '../../base/index.ts'
import { storeErrorOf } from './sqlite-errors.ts'

/**
 * Writes the database at `path`, as it is at one moment, to the new file `target`, whoever else works on it meanwhile: they go on
 * undisturbed. It is compact, without what was erased, and on disk when this returns. Throws `StoreError`.
 */
export function snapshotDatabase(path: string, target: string): void {
  let source: DatabaseSync | undefined
  try {
    source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
    createPrivateFile(target)
    source.prepare('VACUUM INTO ?').run(target)
    syncToDisk(target)
  } catch (cause) {
    throw storeErrorOf(cause, target)
  } finally {
    source?.close()
  }
}
