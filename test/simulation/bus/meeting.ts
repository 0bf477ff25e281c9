import { type PeerId, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { type Admission, type AdmissionVerdict, type Bus, createBus } from '../../../src/bus/index.ts'
import { signer } from '../../../src/identity/index.ts'
import { runFor, SimulatedNetwork, simulatedTransport, type Transport } from '../../../src/network/index.ts'

const ALLOWED: AdmissionVerdict = { allowed: true }

/** Admission that lets everyone in, unless a peer is banned. */
export class OpenDoor implements Admission {
  readonly banned: Set<PeerId> = new Set<PeerId>()
  readonly mutedTopics: Set<string> = new Set<string>()
  readonly secret: Set<PeerId> = new Set<PeerId>()

  mayTakePart(peer: PeerId): AdmissionVerdict {
    return this.banned.has(peer) ? { allowed: false, reason: 'no space in common' } : ALLOWED
  }

  mayUseTopic(_peer: PeerId, topic: string): boolean {
    return !this.mutedTopics.has(topic)
  }

  mayIntroduce(_to: PeerId, about: PeerId): boolean {
    return !this.secret.has(about)
  }
}

export interface Attendant {
  readonly peer: PeerId
  readonly transport: Transport
  readonly bus: Bus
  readonly door: OpenDoor
}

export interface Meeting extends AsyncDisposable {
  readonly clock: VirtualClock
  readonly network: SimulatedNetwork
  readonly all: readonly Attendant[]
  /** Dials `from` every peer of `to`, and lets virtual time pass until lanes are up. */
  connect(from: Attendant, ...to: Attendant[]): Promise<void>
  pass(ms: number): Promise<void>
  link(a: Attendant, b: Attendant): void
}

/** `size` peers with a bus each, on one simulated network; everything follows from the seed. */
export async function meeting(size: number, seed = 1, network: { readonly latencyMs?: number } = {}): Promise<Meeting> {
  const clock = new VirtualClock()
  const log = silentLogger()
  const random = seededRandom(seed)
  const net = new SimulatedNetwork(network, { clock, random, log })
  const all = Array.from({ length: size }, (_, index): Attendant => {
    const device = signer(random.bytes(32))
    const { peer } = device
    const transport = simulatedTransport(net, peer)
    const door = new OpenDoor()
    const bus = createBus({ name: `peer ${index}` })({ transport, admission: door, signer: device, clock, random, log })
    return { peer, transport, bus, door }
  })
  for (const { transport, bus } of all) {
    await transport.start()
    await bus.start()
  }
  const link = (a: Attendant, b: Attendant): void => {
    a.transport.dial(b.peer, b.transport.addresses()).catch(() => undefined)
  }
  const pass = (ms: number): Promise<void> => runFor(clock, ms)
  return {
    clock,
    network: net,
    all,
    link,
    pass,
    connect: async (from, ...to) => {
      for (const other of to) link(from, other)
      await pass(500)
    },
    [Symbol.asyncDispose]: async () => {
      const stopping = Promise.all(all.map(({ bus }) => bus.stop()))
      await pass(3000)
      await stopping
      const down = Promise.all(all.map(({ transport }) => transport.stop()))
      await pass(5000)
      await down
    },
  }
}

export function stateOf(at: Attendant, about: Attendant): string | undefined {
  return at.bus.presence().find(({ peer }) => peer === about.peer)?.state
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const read = (body: Uint8Array): string => new TextDecoder().decode(body)
