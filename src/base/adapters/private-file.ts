import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync } from 'node:fs'
import { errnoOf } from '../errors.ts'

const POSIX: boolean = process.platform !== 'win32'

/** Why the file of a secret is not read. Windows knows no modes: there nothing is open to others. */
export type PrivateFileFault = 'not-a-file' | 'open-to-others' | 'too-large'

/**
 * The text of a file that is meant for its owner alone, or what is wrong with it; `undefined` if there is none. Looks at the
 * open file, so that it cannot be exchanged between. Throws what node:fs throws.
 */
export function readPrivateFile(
  path: string,
  maxBytes: number,
): string | { readonly fault: PrivateFileFault } | undefined {
  const file = openExisting(path)
  if (file === undefined) return undefined
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) return { fault: 'not-a-file' }
    if (POSIX && (stat.mode & 0o077) !== 0) return { fault: 'open-to-others' }
    return stat.size > maxBytes ? { fault: 'too-large' } : readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function openExisting(path: string): number | undefined {
  try {
    // Without waiting, should it be a pipe.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Makes the file, readable by its owner only, unless it is there. One that is there is not even opened: closing a handle
 * of a file drops all POSIX locks that this process has on it, SQLite's among them.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

/** Waits until a file, or the names in a folder, are on disk. Windows does not open folders. */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
