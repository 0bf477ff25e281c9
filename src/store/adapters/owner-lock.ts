import { DatabaseSync } from 'node:sqlite'
import { createPrivateFile } from '../../base/index.ts'
import { StoreError } from '../errors.ts'
import { storeErrorOf } from './sqlite-errors.ts'

/** Held until it is released or the process ends, in whatever way. */
export interface OwnerLock extends Disposable {
  readonly path: string
  release(): void
}

/**
 * Makes this process the only owner of a profile. Throws `ERR_PROFILE_LOCKED` when it has one, be it this process.
 *
 * The lock is SQLite's own lock on an empty database, which the operating system takes back when the process dies: there
 * are no stale locks. Never open the file by other means: on POSIX, closing any handle of it drops the lock.
 */
export function acquireOwnerLock(init: { readonly path: string }): OwnerLock {
  const { path } = init
  let database: DatabaseSync | undefined
  try {
    createPrivateFile(path)
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    const cause = storeErrorOf(error, path)
    if (!(cause instanceof StoreError) || cause.code !== 'ERR_STORE_LOCKED') throw cause
    throw new StoreError('ERR_PROFILE_LOCKED', 'this profile is in use by another Plexus process', {
      cause,
      fix: 'Use the peer that runs already (`plexus status`), stop it with `plexus down`, or choose another `--profile`.',
    })
  }
  const held = database
  const release = (): void => {
    if (held.isOpen) held.close()
  }
  return { path, release, [Symbol.dispose]: release }
}
