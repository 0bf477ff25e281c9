import { type SpaceId, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { type Bus, createBus } from '../../src/bus/index.ts'
import { type Identity, identityFromSeeds, verifier } from '../../src/identity/index.ts'
import { libp2pTransport, type Transport } from '../../src/network/index.ts'
import { admissionOf } from '../../src/node/admission.ts'
import { durablePillar, STORE_SCHEMAS } from '../../src/node/durable-pillar.ts'
import type { Journal } from '../../src/records/index.ts'
import type { Spaces } from '../../src/space/index.ts'
import { type Database, openDatabase } from '../../src/store/index.ts'
import { createSync, type Sync } from '../../src/sync/index.ts'

export interface Half extends Disposable {
  readonly database: Database
  readonly journal: Journal
  readonly spaces: Spaces
}

/** Everything of a peer that needs no network. */
export function openHalf(identity: Identity, path: string): Half {
  const database = openDatabase({ path, schemas: STORE_SCHEMAS })
  const parts = { clock: systemClock(), random: systemRandom(), log: silentLogger() }
  const { spaces, journal } = durablePillar('bench', { database, identity, signatures: verifier(), ...parts })
  spaces.load()
  return { database, journal, spaces, [Symbol.dispose]: () => database.close() }
}

export function newIdentity(): Identity {
  const random = systemRandom()
  const seeds = { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) }
  return identityFromSeeds(seeds, { name: 'bench' })
}

export interface Machine extends Half {
  readonly identity: Identity
  readonly transport: Transport
  readonly bus: Bus
  readonly sync: Sync
}

/** A peer over TLS on a free port of the loopback interface, put together as a node does it. */
export async function startMachine(path: string): Promise<Machine> {
  const identity = newIdentity()
  const half = openHalf(identity, path)
  const parts = { clock: systemClock(), random: systemRandom(), log: silentLogger() }
  const transport = await libp2pTransport({ deviceSeed: identity.exportDeviceSeed() })(parts)
  const signer = identity.device
  const bus = createBus({ name: 'bench' })({ transport, admission: admissionOf(half.spaces), signer, ...parts })
  const sync = createSync()({ transport, bus, ...half, ...parts })
  await transport.start()
  await bus.start()
  await sync.start()
  return { ...half, identity, transport, bus, sync }
}

/** How many records of data are held. */
export function dataRecords(journal: Journal, space: SpaceId): number {
  const data = journal.heads(space).filter(({ log }) => !log.startsWith('00'))
  return data.reduce((sum, { base, seq }) => sum + seq - base + 1, 0)
}
