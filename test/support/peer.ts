import { type Clock, type Logger, type PeerId, silentLogger } from '../../src/base/index.ts'
import { type Bus, createBus } from '../../src/bus/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import type { Transport } from '../../src/network/index.ts'
import { admissionOf } from '../../src/node/admission.ts'
import type { Journal } from '../../src/records/index.ts'
import type { Spaces } from '../../src/space/index.ts'
import { createSync, type Sync } from '../../src/sync/index.ts'
import { durableHalf } from './durable-half.ts'

export interface PeerInit {
  readonly name: string
  /** Makes the keys: the same device for the same seed. */
  readonly seed: number
  readonly clock: Clock
  readonly transportOf: (identity: Identity) => Transport | Promise<Transport>
  /** The database: a file that survives a restart, or in memory. */
  readonly path?: string
  readonly log?: Logger
  /** As of the bus. */
  readonly directMembersMax?: number
}

export interface Peer extends AsyncDisposable {
  readonly id: PeerId
  readonly name: string
  readonly journal: Journal
  readonly spaces: Spaces
  readonly transport: Transport
  readonly bus: Bus
  readonly sync: Sync
}

/** A whole peer from its parts, in the order in which a node puts them together. */
export async function startPeer(init: PeerInit): Promise<Peer> {
  const { name, clock, log = silentLogger() } = init
  // 1. The durable pillar: spaces, the journal with the spaces as its authority, `attach`, views, `load`.
  const { identity, random, journal, spaces, [Symbol.dispose]: close } = durableHalf({ ...init, log })
  // 2. The live pillar: the transport, and the bus with the spaces as its admission.
  const transport = await init.transportOf(identity)
  const { directMembersMax = 32 } = init
  const { device: signer } = identity
  const busOf = createBus({ name, directMembersMax })
  const bus = busOf({ transport, admission: admissionOf(spaces), signer, clock, random, log })
  // 3. The beam.
  const sync = createSync()({ transport, bus, journal, spaces, clock, random, log })
  await transport.start()
  await bus.start()
  await sync.start()
  return {
    id: identity.device.peer,
    name,
    journal,
    spaces,
    transport,
    bus,
    sync,
    [Symbol.asyncDispose]: async () => {
      await sync.stop()
      await bus.stop()
      await transport.stop()
      close()
    },
  }
}
