import { linkSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, hexOf, type Random, readPrivateFile, syncToDisk } from '../../base/index.ts'
import { decodeCertificate } from '../certificate.ts'
import { certified, type DeviceKeys, type IdentityInit, identityFromKeys } from '../device-identity.ts'
import { IdentityError, type IdentityErrorCode } from '../errors.ts'
import { decodeKeyFile, encodeKeyFile, IDENTITY_FILE_MAX_BYTES, type KeyFileContent } from '../identity-text.ts'
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

/** The keys of a profile and how they are changed: each change is on disk, whole, before it counts. */
export interface KeyFile {
  /** Follows a linking at once; after a rotation, which gives the device another key, the peer has to start anew. */
  readonly identity: Identity
  /** What is to take over, while a rotation or a linking is under way; it survives the process. */
  readonly next: Identity | undefined
  /** New keys of this device for the same principal. Throws `ERR_KEY_LINKED` where that principal's key lies elsewhere. */
  prepareRotation(): Identity
  /** The certificate that another principal issued for this device. */
  prepareLink(certificate: Uint8Array): void
  /** `next` takes the place of what was. */
  takeOver(): void
  /** `next` comes to nothing. */
  abandon(): void
}

/** The identity in `folder`, made and written there on first use: see `openKeyFile`. */
export function loadOrCreateIdentity(init: LoadIdentityInit): Identity {
  return openKeyFile(init).identity
}

/**
 * The key file in `folder`, made on first use; `name` and `kind` count only then.
 *
 * Throws `IdentityError`: `ERR_KEY_PERMISSIONS`, `ERR_KEY_CORRUPT`, `ERR_KEY_UNREADABLE`, `ERR_KEY_UNWRITABLE`. A file
 * that is there is never replaced, whatever is in it, but by what was read from it: a lost key is a lost member of every space.
 */
export function openKeyFile(init: LoadIdentityInit): KeyFile {
  const path = join(init.folder, IDENTITY_FILE)
  prepareFolder(init.folder)
  return keyFile(path, loadOrCreate(path, init), init.random)
}

function loadOrCreate(path: string, init: LoadIdentityInit): KeyFileContent {
  const text = read(path)
  if (text !== undefined) return decodeKeyFile(text, path)
  const { random } = init
  const seeds = {
    device: random.bytes(SEED_BYTES),
    principal: random.bytes(SEED_BYTES),
    sealing: random.bytes(SEED_BYTES),
  }
  const content: KeyFileContent = { keys: certified(seeds, init), next: undefined }
  if (create(path, unfinished(path, random), encodeKeyFile(content))) return content
  // Another process was faster; its file stands.
  const theirs = read(path)
  if (theirs !== undefined) return decodeKeyFile(theirs, path)
  throw new IdentityError('ERR_KEY_UNREADABLE', `the key file ${path} is a link that leads nowhere`, {
    fix: 'Put back the file that it leads to, or remove the link to start as a new peer.',
  })
}

function keyFile(path: string, loaded: KeyFileContent, random: Random): KeyFile {
  let { keys, next } = loaded
  let current = identityFromKeys(keys)
  const write = (content: KeyFileContent): void => {
    replace(path, random, encodeKeyFile(content))
    if (content.keys !== keys) current = identityFromKeys(content.keys)
    keys = content.keys
    next = content.next
  }
  const { device } = current
  return {
    identity: {
      device,
      exportDeviceSeed: current.exportDeviceSeed,
      openBox: current.openBox,
      sealingKey: current.sealingKey,
      get principal() {
        return current.principal
      },
      get certificate() {
        return current.certificate
      },
      get certify() {
        return current.certify
      },
    },
    get next() {
      return next === undefined ? undefined : identityFromKeys(next)
    },
    prepareRotation: () => {
      const rotated = rotatedFrom(keys, random)
      write({ keys, next: rotated })
      return identityFromKeys(rotated)
    },
    prepareLink: (certificate) => write({ keys, next: { ...keys, principal: undefined, certificate } }),
    takeOver: () => void (next !== undefined && write({ keys: next, next: undefined })),
    abandon: () => void (next !== undefined && write({ keys, next: undefined })),
  }
}

function rotatedFrom({ principal, certificate }: DeviceKeys, random: Random): DeviceKeys {
  if (principal === undefined) {
    throw new IdentityError(
      'ERR_KEY_LINKED',
      'this device was linked: the key that certifies it lies on another device',
      {
        fix: 'Remove this device there with `plexus revoke`, move its key file away, and link it again.',
      },
    )
  }
  const { name, kind } = decodeCertificate(certificate)
  const seeds = { device: random.bytes(SEED_BYTES), principal, sealing: random.bytes(SEED_BYTES) }
  return certified(seeds, { name, kind })
}

function unfinished(path: string, random: Random): string {
  return `${path}.${hexOf(random.bytes(8))}.tmp`
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

/** Writes all or nothing over the file that is there; a link goes on leading to it. */
function replace(link: string, random: Random, text: string): void {
  attempt('ERR_KEY_UNWRITABLE', `the key file ${link} cannot be written`, () => {
    const path = realpathSync(link)
    const fresh = unfinished(path, random)
    try {
      writeFileSync(fresh, text, { flag: 'wx', mode: 0o600, flush: true })
      renameSync(fresh, path)
    } finally {
      rmSync(fresh, { force: true })
    }
    if (POSIX) syncToDisk(dirname(path))
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
