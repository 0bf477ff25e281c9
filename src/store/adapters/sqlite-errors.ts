import { PlexusError } from '../../base/index.ts'
import { StoreError, type StoreErrorCode } from '../errors.ts'

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_READONLY = 8
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26

interface Meaning {
  readonly code: StoreErrorCode
  readonly message: string
  readonly fix: string
}

const CORRUPT: Meaning = {
  code: 'ERR_STORE_CORRUPT',
  message: 'the database is damaged or is no database',
  fix: 'Start the peer again with `plexus up`, or run `plexus repair`: what is sound is kept, the rest comes back from the other members.',
}

const LOCKED: Meaning = {
  code: 'ERR_STORE_LOCKED',
  message: 'another program holds the database',
  fix: 'Close the other program that has it open and try again.',
}

const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [
    SQLITE_FULL,
    {
      code: 'ERR_STORE_FULL',
      message: 'the disk is full',
      fix: 'Free some disk space; what was stored before is safe, and writing goes on by itself.',
    },
  ],
  [SQLITE_BUSY, LOCKED],
  [SQLITE_LOCKED, LOCKED],
  [
    SQLITE_IOERR,
    {
      code: 'ERR_STORE_FAILED',
      message: 'the disk could not be read or written',
      fix: 'Check that the disk has free space and is sound; what was stored before is safe.',
    },
  ],
  [SQLITE_CORRUPT, CORRUPT],
  [SQLITE_NOTADB, CORRUPT],
  [
    SQLITE_READONLY,
    {
      code: 'ERR_STORE_READ_ONLY',
      message: 'the database cannot be written',
      fix: 'Check that the file and its folder belong to you and that the disk is not mounted read-only.',
    },
  ],
  [
    SQLITE_CANTOPEN,
    {
      code: 'ERR_STORE_FAILED',
      message: 'the database cannot be opened',
      fix: 'Check that its folder exists, belongs to you, and is not on a disk that became read-only.',
    },
  ],
])

/** What the file system said, in SQLite's words. */
const ERRNO_CODES: ReadonlyMap<string, number> = new Map([
  ['ENOSPC', SQLITE_FULL],
  ['EDQUOT', SQLITE_FULL],
  ['EACCES', SQLITE_READONLY],
  ['EPERM', SQLITE_READONLY],
  ['EROFS', SQLITE_READONLY],
  ['ENOENT', SQLITE_CANTOPEN],
  ['ENOTDIR', SQLITE_CANTOPEN],
  ['EISDIR', SQLITE_CANTOPEN],
])

/** What node:sqlite or node:fs threw, as an error of ours that says what to do; anything else stays as it is. */
export function storeErrorOf(cause: unknown, what: string): unknown {
  if (!(cause instanceof Error) || cause instanceof PlexusError) return cause
  const { code = '', errcode = 0 } = cause as Error & { readonly code?: string; readonly errcode?: number }
  if (code === 'ERR_INVALID_STATE') return new StoreError('ERR_STORE_CLOSED', `${what}: ${cause.message}`, { cause })
  const result = code === 'ERR_SQLITE_ERROR' ? errcode & 0xff : ERRNO_CODES.get(code)
  if (result === undefined) return cause
  const meaning = MEANINGS.get(result)
  if (meaning === undefined) return new StoreError('ERR_STORE_FAILED', `${what}: ${cause.message}`, { cause })
  return new StoreError(meaning.code, `${what}: ${meaning.message}`, { cause, fix: meaning.fix })
}
