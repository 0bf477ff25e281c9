import { closeSync, fsyncSync, openSync } from 'node:fs'

/**
 * Makes the file, readable by its owner only, unless it is there. One that is there is not even opened: closing a handle
 * of a file drops all POSIX locks that this process has on it, SQLite's among them.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Waits until a file, or the names in a folder, are on disk. */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
