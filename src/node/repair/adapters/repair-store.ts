import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hexOf, type Random, silentLogger, syncToDisk, systemClock } from '../../../base/index.ts'
import { loadOrCreateIdentity, verifier } from '../../../identity/index.ts'
import { acquireOwnerLock, type Database, inspectDatabase, openDatabase, StoreError } from '../../../store/index.ts'
import { durablePillar, STORE_SCHEMAS } from '../../durable-pillar.ts'
import { NodeError } from '../../errors.ts'
import { LOCK_FILE, STORE_FILE } from '../../store-file.ts'
import { type RebuildReport, rebuild } from '../rebuild.ts'
import { repairMark } from './repair-mark.ts'

export interface RepairOptions {
  /** Of the profile. */
  readonly folder: string
  /** Of this program. */
  readonly version: string
  /** Rebuild even what shows no damage. */
  readonly force: boolean
  readonly random: Random
  readonly signal?: AbortSignal
  readonly onStep?: (step: string, done: number) => void
}

export interface RepairReport {
  /** SQLite's first finding, or `ok`. */
  readonly found: string
  /** Undefined when nothing was wrong and nothing was done. */
  readonly rebuilt: RebuildReport | undefined
  /** Where the damaged database is now. */
  readonly aside: string | undefined
}

/**
 * Makes a new database of everything in the old one that can be read and proves to be genuine; the old one is kept aside. What is
 * lost comes back from other members. Until the new one takes its place in one step, nothing has changed.
 *
 * Rejects with `StoreError` (`ERR_PROFILE_LOCKED` while the peer runs) or `NodeError` (`ERR_NOT_FOUND` without a database).
 */
export async function repairStore(options: RepairOptions): Promise<RepairReport> {
  const { folder, random } = options
  const path = join(folder, STORE_FILE)
  if (!existsSync(path)) throw new NodeError('ERR_NOT_FOUND', 'this profile has no database to repair')
  using _held = acquireOwnerLock({ path: join(folder, LOCK_FILE) })
  options.onStep?.('looking at the database', 0)
  const found = integrityOf(path)
  if (found === 'ok' && !options.force) return { found, rebuilt: undefined, aside: undefined }
  const name = hexOf(random.bytes(4))
  const fresh = `${path}.${name}.repairing`
  try {
    const rebuilt = await rebuildInto(fresh, path, options)
    const aside = `${path}.damaged-${name}`
    keepAside(path, aside)
    renameSync(fresh, path)
    repairMark(folder).clear()
    if (process.platform !== 'win32') syncToDisk(folder)
    return { found, rebuilt, aside }
  } finally {
    for (const part of ['', '-wal', '-shm']) rmSync(`${fresh}${part}`, { force: true })
  }
}

/** There is a database at the path at any moment: after a power cut in between, a peer that starts must not begin an empty one. */
function keepAside(path: string, aside: string): void {
  try {
    linkSync(path, aside)
  } catch {
    // A file system without links: it is copied.
    copyFileSync(path, aside)
  }
  for (const part of ['-wal', '-shm']) {
    if (existsSync(`${path}${part}`)) renameSync(`${path}${part}`, `${aside}${part}`)
  }
}

function integrityOf(path: string): string {
  try {
    using database = openDatabase({ path, readOnly: true })
    return inspectDatabase(database).integrity
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}

async function rebuildInto(fresh: string, damaged: string, options: RepairOptions): Promise<RebuildReport> {
  const { folder, version, random } = options
  using target = openDatabase({ path: fresh, schemas: STORE_SCHEMAS, appVersion: version })
  using source = readable(damaged)
  const identity = loadOrCreateIdentity({ folder, random, name: 'peer' })
  const ground = {
    database: target,
    identity,
    signatures: verifier(),
    clock: systemClock(),
    random,
    log: silentLogger(),
    // What is held is kept, whatever the bound for new records.
    quota: { bytes: 0, authorShare: 1 },
  }
  return await rebuild({
    source,
    target,
    pillar: () => durablePillar('peer', ground),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
  })
}

/** `undefined` for a file of which nothing at all can be read. */
function readable(path: string): Database | undefined {
  try {
    return openDatabase({ path, readOnly: true })
  } catch (error) {
    if (error instanceof StoreError) return undefined
    throw error
  }
}
