import { linkSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, hexOf, type Random, readPrivateFile, syncToDisk } from '../../base/index.ts'
import { type IdentityInit, type IdentitySeeds, identityFromSeeds } from '../device-identity.ts'
import { IdentityError, type IdentityErrorCode } from '../errors.ts'
import { decodeIdentity, encodeIdentity, IDENTITY_FILE_MAX_BYTES } from '../identity-text.ts'
import { SEED_BYTES } from '../keys.ts'
import type { Identity } from '../types.ts'

/** The name of the key file in its folder. */
export const IDENTITY_FILE = 'identity.json'

const POSIX: boolean = process.platform !== 'win32'
const STICKY = 0o1000

export interface LoadIdentityInit extends IdentityInit {
  /** Made with mode 0700 when missing. */
  readonly folder: string
  /** Fit for keys. */
  readonly random: Random
}

/**
 * The identity in `folder`, made and written there on first use; `name` and `kind` count only then.
 *
 * Throws `IdentityError`: `ERR_KEY_PERMISSIONS`, `ERR_KEY_CORRUPT`, `ERR_KEY_UNREADABLE`, `ERR_KEY_UNWRITABLE`. A file
 * that is there is never replaced, whatever is in it: a lost key is a lost member of every space.
 */
export function loadOrCreateIdentity(init: LoadIdentityInit): Identity {
  const path = join(init.folder, IDENTITY_FILE)
  prepareFolder(init.folder)
  const text = read(path)
  if (text !== undefined) return decodeIdentity(text, path)
  const seeds: IdentitySeeds = {
    device: init.random.bytes(SEED_BYTES),
    principal: init.random.bytes(SEED_BYTES),
    sealing: init.random.bytes(SEED_BYTES),
  }
  const identity = identityFromSeeds(seeds, init)
  const unfinished = `${path}.${hexOf(init.random.bytes(8))}.tmp`
  if (create(path, unfinished, encodeIdentity(seeds, identity))) return identity
  // Another process was faster; its file stands.
  const theirs = read(path)
  if (theirs !== undefined) return decodeIdentity(theirs, path)
  throw new IdentityError('ERR_KEY_UNREADABLE', `the key file ${path} is a link that leads nowhere`, {
    fix: 'Put back the file that it leads to, or remove the link to start as a new peer.',
  })
}

function prepareFolder(folder: string): void {
  attempt('ERR_KEY_UNWRITABLE', `the folder ${folder} cannot be made`, () =>
    mkdirSync(folder, { recursive: true, mode: 0o700 }),
  )
  const { mode } = attempt('ERR_KEY_UNREADABLE', `the folder ${folder} cannot be read`, () => statSync(folder))
  if (POSIX && (mode & 0o022) !== 0 && (mode & STICKY) === 0) {
    throw new IdentityError('ERR_KEY_PERMISSIONS', `other users may replace files in ${folder}`, {
      fix: `Run \`chmod 700 '${folder}'\`.`,
    })
  }
}

/** The text of the file, or `undefined` if there is none. */
function read(path: string): string | undefined {
  const what = `the key file ${path} cannot be read`
  const found = attempt('ERR_KEY_UNREADABLE', what, () => readPrivateFile(path, IDENTITY_FILE_MAX_BYTES))
  if (typeof found !== 'object') return found
  switch (found.fault) {
    case 'not-a-file':
      throw new IdentityError('ERR_KEY_UNREADABLE', `the key file ${path} is no regular file`, {
        fix: 'Something else stands in its place. Put a backup of the key file there.',
      })
    case 'open-to-others':
      throw new IdentityError('ERR_KEY_PERMISSIONS', `other users may read the key file ${path}`, {
        fix: `Run \`chmod 600 '${path}'\`. If somebody may have read it, move it away and start as a new peer.`,
      })
    case 'too-large':
      throw new IdentityError('ERR_KEY_CORRUPT', `the key file ${path} is larger than any: something else is in it`, {
        fix: 'Put a backup of the key file in its place.',
      })
  }
}

/** Writes all or nothing, and never over a file that is there. False if there is one. */
function create(path: string, unfinished: string, text: string): boolean {
  return attempt('ERR_KEY_UNWRITABLE', `the key file ${path} cannot be written`, () => {
    try {
      writeFileSync(unfinished, text, { flag: 'wx', mode: 0o600, flush: true })
      linkSync(unfinished, path) // a rename would replace the file of a process that was faster
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      throw error
    } finally {
      rmSync(unfinished, { force: true })
    }
    if (POSIX) syncToDisk(dirname(path))
    return true
  })
}

function attempt<T>(code: IdentityErrorCode, what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause
    throw new IdentityError(code, `${what}: ${errnoOf(cause) ?? String(cause)}`, {
      cause,
      fix: 'Check that the folder belongs to you, and that its disk is neither full nor write-protected.',
    })
  }
}
