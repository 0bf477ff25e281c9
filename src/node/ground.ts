import { join } from 'node:path'
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '../base/index.ts'
import {
  type Identity,
  type KeyFile,
  loadOrCreateIdentity,
  openKeyFile,
  type Verifier,
  verifier,
} from '../identity/index.ts'
import { beginIncarnation } from '../records/index.ts'
import {
  acquireOwnerLock,
  type Database,
  inlineSearcher,
  openDatabase,
  type Searcher,
  startSearchThread,
  ThreadedSearcher,
} from '../store/index.ts'
import { type AddressBook, addressBook } from './address-book.ts'
import { durablePillar, STORE_SCHEMAS } from './durable-pillar.ts'
import { EventLog } from './event-log/event-log.ts'
import { handOver, isRotation } from './key-change.ts'
import type { Lifetime } from './lifetime.ts'
import { repairMark } from './repair/adapters/repair-mark.ts'
import { repairStore } from './repair/adapters/repair-store.ts'
import { LOCK_FILE, STORE_FILE } from './store-file.ts'
import type { NodeInit } from './types.ts'

const NAME_MAX_CHARS = 64

/** What every layer is made with. */
export interface Ground {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly eventLog: EventLog
  /** The files that are ours alone while we run. */
  readonly files: readonly string[]
  /** What was found to be damaged in this run, and what was done about that of the last. */
  readonly damage: () => string | undefined
  readonly repaired: string | undefined
  readonly database: Database
  readonly searcher: Searcher
  readonly addresses: AddressBook
  readonly keys: KeyFile
  readonly identity: Identity
  readonly signatures: Verifier
  readonly name: string
}

/** What was done for a database that the last run found damaged: one sentence. */
export async function repairIfMarked({
  folder,
  version = '0',
  random = systemRandom(),
}: NodeInit): Promise<string | undefined> {
  const mark = repairMark(folder)
  const { reason } = mark
  if (reason === undefined) return undefined
  const { rebuilt, aside } = await repairStore({ folder, version, force: true, random })
  mark.clear()
  return `the database was damaged (${reason}) and was rebuilt: ${rebuilt?.records ?? 0} records are whole, what was lost is asked of other members; the damaged one is ${aside}`
}

/** Takes the folder, its keys and its database for this process alone; throws what keeps it from that. */
export function openGround(init: NodeInit, { resources }: Lifetime, repaired: string | undefined): Ground {
  const { folder, clock = systemClock(), random = systemRandom() } = init
  const eventLog = new EventLog({ clock })
  const log = eventLog.logger(init.log ?? silentLogger())
  const asked = (init.name ?? init.defaultName ?? 'peer').slice(0, NAME_MAX_CHARS)
  // The identity comes first: it makes the folder, private to its owner, that everything else lies in.
  loadOrCreateIdentity({ folder, random, name: asked })
  const [lock, path] = [join(folder, LOCK_FILE), join(folder, STORE_FILE)]
  resources.use(acquireOwnerLock({ path: lock }))
  // Who had the lock before may have changed the keys.
  const keys = openKeyFile({ folder, random, name: asked })
  const { openStore = openDatabase } = init
  let damage: string | undefined
  const onCorrupt = ({ message }: Error): void => {
    damage = message
    repairMark(folder).set(message)
    log.error({ reason: message }, 'the database is damaged')
  }
  const appVersion = init.version ?? '0'
  let hasLostCommits = false
  const onLostCommits = (): void => {
    hasLostCommits = true
  }
  const database = resources.use(openStore({ path, schemas: STORE_SCHEMAS, appVersion, onCorrupt, onLostCommits }))
  if (hasLostCommits) {
    // What is gone may be with others already: none of our logs may be continued.
    beginIncarnation(database, random)
    log.error({ path }, 'the write-ahead log was damaged: the last changes are gone, unless others have them')
  }
  const searcher =
    (init.searchThread ?? (init.clock === undefined && init.openStore === undefined))
      ? resources.use(new ThreadedSearcher({ startThread: () => startSearchThread(path) }, { clock }))
      : inlineSearcher(database)
  const addresses = addressBook({ database, clock })
  const name = init.name === undefined ? (addresses.setting('name') ?? asked) : asked
  addresses.keepSetting('name', name)
  return {
    clock,
    random,
    log,
    eventLog,
    files: [lock, path],
    damage: () => damage,
    repaired,
    database,
    searcher,
    addresses,
    keys,
    identity: keys.identity,
    signatures: verifier(),
    name,
  }
}

/** Finishes a rotation that was begun: from here on the peer is the one of the new key. */
export async function withKeysInPlace(ground: Ground, { folder }: NodeInit): Promise<Ground> {
  if (!isRotation(ground.keys)) return ground
  const { spaces } = durablePillar(ground.name, ground)
  spaces.load()
  await handOver(ground.keys, spaces, ground.log.child({ module: 'node' }))
  ground.keys.takeOver()
  const keys = openKeyFile({ folder, random: ground.random, name: ground.name })
  ground.eventLog.note('node', 'identity:rotated', { from: ground.identity.device.peer, to: keys.identity.device.peer })
  return { ...ground, keys, identity: keys.identity }
}
