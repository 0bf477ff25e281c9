import { createHash, type Hash } from 'node:crypto'
import { existsSync, linkSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errnoOf, hexOf, PlexusError, type Random, readPrivateFile, syncToDisk, utf8 } from '../../../base/index.ts'
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../../identity/index.ts'
import { GENESIS_KIND, storeContents } from '../../../records/index.ts'
import { readControl } from '../../../space/index.ts'
import { openDatabase, StoreError, snapshotDatabase } from '../../../store/index.ts'
import { NodeError } from '../../errors.ts'
import { STORE_FILE } from '../../store-file.ts'
import {
  type BackupLayout,
  type BackupManifest,
  encodeFooterHead,
  encodeManifest,
  KEY_MAX_BYTES,
} from '../backup-format.ts'
import { addToHash } from './file-parts.ts'

export interface WriteBackupOptions {
  /** Of the profile; a daemon may work on it. */
  readonly folder: string
  /** The new file. */
  readonly target: string
  readonly withKey: boolean
  /** Of this program. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly random: Random
  readonly signal?: AbortSignal
  readonly onStep?: (step: string) => void
}

export interface BackupReport {
  readonly path: string
  readonly bytes: number
  /** Whether the file lets whoever has it be this device. */
  readonly withKey: boolean
  readonly sha256: string
  readonly manifest: BackupManifest
}

/**
 * Writes one file with the store of a profile as it is at one moment, and its key: all of it, on disk, under its name, or
 * nothing. Needs room for one copy of the database. Rejects with `NodeError` (`ERR_BACKUP_EMPTY`, `ERR_BACKUP_EXISTS`) or `StoreError`.
 */
export async function writeBackup(options: WriteBackupOptions): Promise<BackupReport> {
  const { folder, target, random, withKey } = options
  const key = keyOf(folder)
  if (!existsSync(dirname(target))) {
    throw new StoreError('ERR_STORE_FAILED', `${target}: its folder does not exist`, {
      fix: 'Make the folder first, or choose another.',
    })
  }
  const part = `${target}.${hexOf(random.bytes(6))}.part`
  try {
    options.onStep?.('copying the database')
    snapshotDatabase(join(folder, STORE_FILE), part)
    if (hexOf(key) !== hexOf(keyOf(folder))) throw changedMeanwhile()
    options.signal?.throwIfAborted()
    const manifest = manifestOf(part, options)
    options.onStep?.('adding its checksum')
    const report = await finish(part, withKey ? key : new Uint8Array(0), manifest, options)
    publish(part, target)
    return report
  } catch (cause) {
    if (cause instanceof PlexusError || options.signal?.aborted === true) throw cause
    const reason = errnoOf(cause)
    if (reason === undefined) throw cause
    throw new StoreError(reason === 'ENOSPC' ? 'ERR_STORE_FULL' : 'ERR_STORE_FAILED', `${target}: ${reason}`, {
      cause,
      fix: 'Choose a place that you may write to and that has room for a copy of the store.',
    })
  } finally {
    rmSync(part, { force: true })
  }
}

function keyOf(folder: string): Uint8Array {
  const text = readPrivateFile(join(folder, IDENTITY_FILE), KEY_MAX_BYTES)
  if (typeof text === 'string') return utf8(text)
  const why =
    text === undefined ? 'there is nothing to back up: the profile has no key file' : `its key file is ${text.fault}`
  throw new NodeError('ERR_BACKUP_EMPTY', why, {
    fix: 'Name another profile with --profile, or start this one with `plexus up`.',
  })
}

function changedMeanwhile(): NodeError {
  return new NodeError('ERR_BACKUP_EMPTY', 'the keys of this device changed while they were copied', {
    fix: 'Try again.',
  })
}

function manifestOf(snapshot: string, { folder, version, now, random }: WriteBackupOptions): BackupManifest {
  using database = openDatabase({ path: snapshot, readOnly: true })
  const spaces = storeContents(database).map(({ space, genesis, records, authors }) => {
    const body = readControl(GENESIS_KIND, genesis)
    const [name, personal] = body?.type === 'genesis' ? [body.name, body.personal] : ['', false]
    return { id: space, name, personal, records, authors }
  })
  // It is there: its bytes were read before.
  const { device } = loadOrCreateIdentity({ folder, random, name: 'peer' })
  return { format: 1, created: now, version, peer: device.peer, spaces }
}

/** Appends what follows the database. */
async function finish(
  part: string,
  key: Uint8Array,
  manifest: BackupManifest,
  { signal, target }: WriteBackupOptions,
): Promise<BackupReport> {
  const described = encodeManifest(manifest)
  const layout: BackupLayout = {
    databaseBytes: statSync(part).size,
    keyBytes: key.length,
    manifestBytes: described.length,
  }
  await using file = await open(part, 'r+')
  const hash = createHash('sha256')
  await addToHash(hash, file, { from: 0, to: layout.databaseBytes }, signal)
  const sha256 = await append(file, hash, layout, [key, described, encodeFooterHead(layout)])
  await file.sync()
  const { size } = await file.stat()
  return { path: target, bytes: size, withKey: key.length > 0, sha256, manifest }
}

async function append(
  file: FileHandle,
  hash: Hash,
  { databaseBytes }: BackupLayout,
  parts: readonly Uint8Array[],
): Promise<string> {
  let at = databaseBytes
  for (const bytes of parts) {
    hash.update(bytes)
    await file.write(bytes, 0, bytes.length, at)
    at += bytes.length
  }
  const digest = hash.digest()
  await file.write(digest, 0, digest.length, at)
  return digest.toString('hex')
}

/** Gives the finished file its name, and never takes it from another. */
function publish(part: string, target: string): void {
  try {
    linkSync(part, target)
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause
    throw new NodeError('ERR_BACKUP_EXISTS', `${target} is there already`, { cause, fix: 'Choose another name.' })
  }
  if (process.platform !== 'win32') syncToDisk(dirname(target))
}
