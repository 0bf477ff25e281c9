import { type PeerId, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { createBus, openAdmission } from '../../src/bus/index.ts'
import { libp2pTransport } from '../../src/network/index.ts'
import type { Contender, Ears } from './contender.ts'

const TOPIC = 'bench.topic'
const READY_TIMEOUT_MS = 20_000

/** The bus over libp2p: TCP, TLS 1.3, yamux. */
export async function plexus({ onMessage, onBulk }: Ears): Promise<Contender> {
  const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
  const transport = await libp2pTransport({ deviceSeed: random.bytes(32) })({ clock, log })
  const bus = createBus({ name: 'bench' })({ transport, admission: openAdmission, clock, random, log })
  await transport.start()
  await bus.start()
  bus.respond('echo', async (body) => body)
  bus.receive('bulk', ({ body }) => onBulk(body))
  let first: PeerId | undefined
  const known = (): PeerId => {
    if (first === undefined) throw new Error('not connected')
    return first
  }
  return {
    addresses: transport.addresses(),
    connect: async (peers) => {
      for (const addresses of peers) {
        const peer = addresses[0]?.split('/').at(-1) as PeerId
        const ready = bus.events.next('peer:ready', { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })
        await transport.dial(peer, addresses)
        await ready
        first ??= peer
      }
    },
    subscribe: async () => void bus.subscribe(TOPIC, {}, onMessage),
    publish: (body) => bus.publish(TOPIC, 'bench', body),
    request: (body, options) =>
      bus.request(known(), 'echo', body, { priority: options?.critical === true ? 'critical' : 'normal' }),
    bulk: (body) => bus.send(known(), 'bulk', body, { priority: 'low', ttlMs: 60_000 }),
  }
}
