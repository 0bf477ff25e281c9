import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hexOf, type Random, syncToDisk } from '../../../base/index.ts'
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../../identity/index.ts'
import { beginIncarnation } from '../../../records/index.ts'
import { acquireOwnerLock, inspectDatabase, openDatabase, StoreError } from '../../../store/index.ts'
import { NodeError } from '../../errors.ts'
import { LOCK_FILE, STORE_FILE } from '../../store-file.ts'
import { damaged } from '../backup-format.ts'
import { type Part, piecesOf } from './file-parts.ts'
import type { CheckedBackup } from './read-backup.ts'

export interface RestoreOptions {
  /** Of the profile. */
  readonly folder: string
  /** What stands in the folder is moved aside; without it, restoring over a store or key is refused. */
  readonly replace: boolean
  readonly random: Random
  readonly signal?: AbortSignal
  readonly onStep?: (step: string) => void
}

export interface RestoreReport {
  readonly folder: string
  /** Where what was there before is now. */
  readonly aside: string | undefined
}

/**
 * Makes a profile of a backup. The new folder takes its place in one step, complete and on disk; until then nothing has changed.
 * Rejects with `NodeError`: `ERR_RESTORE_OCCUPIED`, `ERR_RESTORE_KEY`, `ERR_BACKUP_DAMAGED`; or with `StoreError`, `ERR_PROFILE_LOCKED`
 * when the peer runs.
 */
export async function restoreBackup(backup: CheckedBackup, options: RestoreOptions): Promise<RestoreReport> {
  const { folder, replace, random } = options
  mkdirSync(dirname(folder), { recursive: true })
  using _held = existsSync(folder) ? acquireOwnerLock({ path: join(folder, LOCK_FILE) }) : undefined
  const isOccupied = holdsPeer(folder)
  if (isOccupied && !replace) {
    throw new NodeError('ERR_RESTORE_OCCUPIED', 'this profile has a key or a store already', {
      fix: 'Restore into another --profile, or add --replace: what is there is moved aside, not removed.',
    })
  }
  const fresh = `${folder}.${hexOf(random.bytes(6))}.restoring`
  try {
    mkdirSync(fresh, { mode: 0o700 })
    await fill(fresh, backup, options)
    const aside = existsSync(folder) ? `${folder}.before-${hexOf(random.bytes(4))}` : undefined
    if (aside !== undefined) renameSync(folder, aside)
    try {
      renameSync(fresh, folder)
    } catch (cause) {
      // What was there must not be lost sight of.
      if (aside !== undefined) renameSync(aside, folder)
      throw cause
    }
    if (process.platform !== 'win32') syncToDisk(dirname(folder))
    if (aside !== undefined && !isOccupied) rmSync(aside, { recursive: true, force: true })
    return { folder, aside: isOccupied ? aside : undefined }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function holdsPeer(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name === STORE_FILE || name === IDENTITY_FILE)
}

async function fill(fresh: string, backup: CheckedBackup, options: RestoreOptions): Promise<void> {
  const { file, layout, manifest } = backup
  const { databaseBytes, keyBytes } = layout
  options.onStep?.('restoring the database')
  const store = join(fresh, STORE_FILE)
  await extract(file, { from: 0, to: databaseBytes }, store, options.signal)
  const key = join(fresh, IDENTITY_FILE)
  if (keyBytes > 0) await extract(file, { from: databaseBytes, to: databaseBytes + keyBytes }, key, options.signal)
  else await takeKey(join(options.folder, IDENTITY_FILE), key)
  const { device } = loadOrCreateIdentity({ folder: fresh, random: options.random, name: 'peer' })
  if (device.peer !== manifest.peer) throw noKey(`the key that is here is of another device than ${manifest.peer}`)
  options.onStep?.('checking the database')
  using database = openDatabase({ path: store })
  const { integrity } = inspectDatabase(database)
  if (integrity !== 'ok') throw damaged(integrity)
  beginIncarnation(database, options.random)
}

/** A backup without a key goes with the one that is there. */
async function takeKey(from: string, to: string): Promise<void> {
  if (!existsSync(from)) throw noKey('it was made without the key of its device, and there is none here')
  await using file = await open(from, 'r')
  await extract(file, { from: 0, to: (await file.stat()).size }, to)
}

function noKey(why: string): NodeError {
  return new NodeError('ERR_RESTORE_KEY', `the backup cannot be used: ${why}`, {
    fix: 'Put the key file of that device, identity.json, into the folder of the profile first.',
  })
}

async function extract(file: FileHandle, part: Part, target: string, signal?: AbortSignal): Promise<void> {
  await using out = await open(target, 'wx', 0o600)
  try {
    for await (const piece of piecesOf(file, part, signal)) await out.writeFile(piece)
    await out.sync()
  } catch (cause) {
    if ((cause as { readonly code?: string }).code !== 'ENOSPC') throw cause
    throw new StoreError('ERR_STORE_FULL', `${basename(target)}: the disk is full`, {
      cause,
      fix: 'Make room and restore again.',
    })
  }
}
