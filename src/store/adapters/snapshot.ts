import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { createPrivateFile, syncToDisk } from '../../base/index.ts'
import { storeErrorOf } from './sqlite-errors.ts'

const BUSY_TIMEOUT_MS = 5_000
/** SQLITE_READONLY, SQLITE_CANTOPEN. */
const READ_ONLY_CODES: ReadonlySet<number> = new Set([8, 14])

/**
 * Writes the database at `path`, as it is at one moment, to the new file `target`, whoever else works on it meanwhile: they go on
 * undisturbed. It is compact, without what was erased, and on disk when this returns. Throws `StoreError`.
 */
export function snapshotDatabase(path: string, target: string): void {
  let source: DatabaseSync | undefined
  try {
    source = openForReading(path)
    createPrivateFile(target)
    source.prepare('VACUUM INTO ?').run(target)
    syncToDisk(target)
  } catch (cause) {
    throw storeErrorOf(cause, target)
  } finally {
    source?.close()
  }
}

/**
 * On a disk that became read-only SQLite cannot make the file through which processes share a write-ahead log. Where there is no
 * such log, the database is all there is, and nobody can change it: then it is read as it lies.
 */
function openForReading(path: string): DatabaseSync {
  const source = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    source.exec('SELECT count(*) FROM sqlite_schema')
    return source
  } catch (error) {
    source.close()
    const { errcode = 0 } = error as { readonly errcode?: number }
    const wal = statSync(`${path}-wal`, { throwIfNoEntry: false })
    if (!READ_ONLY_CODES.has(errcode & 0xff) || (wal !== undefined && wal.size > 0)) throw error
    const url = pathToFileURL(path)
    url.searchParams.set('immutable', '1')
    return new DatabaseSync(url, { readOnly: true })
  }
}
