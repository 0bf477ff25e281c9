/**
 * `bus-peer.ts SEED LISTEN`: a bus in a process of its own that does what its parent says over IPC, and tells it every event.
 * Started with --expose-gc.
 */
import { type PeerId, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { type BusEvents, createBus } from '../../src/bus/index.ts'
import { signer } from '../../src/identity/index.ts'
import { libp2pTransport } from '../../src/network/index.ts'
import { everyone } from '../integration/bus/everyone.ts'

const MIB = 1024 * 1024
const EVENTS: readonly (keyof BusEvents)[] = [
  'peer:ready',
  'peer:lost',
  'peer:refused',
  'peer:suspected',
  'peer:recovered',
  'link:changed',
  'overload',
]

const [, , seed = '', listen = ''] = process.argv
const deviceSeed = new Uint8Array(Buffer.from(seed, 'hex'))
const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
const transport = await libp2pTransport({ deviceSeed, listen: [listen] })({ clock, log })
const bus = createBus({ name: 'bus-peer' })({
  transport,
  admission: everyone(),
  signer: signer(deviceSeed),
  clock,
  random,
  log,
})
let heard = 0
let awaited: { readonly count: number; readonly resolve: () => void } | undefined
bus.subscribe('count.*', {}, () => {
  heard++
  if (awaited !== undefined && heard >= awaited.count) awaited.resolve()
})
bus.respond('echo', async (body) => body)
for (const name of EVENTS) bus.events.on(name, (detail) => process.send?.({ event: name, detail }))

export interface Commands {
  dial: { peer: PeerId; addresses: readonly string[] }
  /** To `count.all`, one awaited after the other; returns how many each peer did not get. */
  publish: { count: number; bytes: number }
  /** Resolves once so many were heard since the start. */
  heard: { count: number }
  echo: { peer: PeerId; timeoutMs: number }
  presence: { peer: PeerId }
  figures: Record<never, never>
  /** MiB that are in use after garbage collection, on and off the heap. */
  memory: Record<never, never>
}

const handlers: { readonly [Name in keyof Commands]: (input: Commands[Name]) => unknown } = {
  dial: async ({ peer, addresses }) => void (await transport.dial(peer, addresses)),
  publish: async ({ count, bytes }) => {
    const skipped: Record<string, number> = {}
    for (let n = 0; n < count; n++) {
      const report = await bus.publish('count.all', 'k', new Uint8Array(bytes))
      for (const { peer } of report.skipped) skipped[peer] = (skipped[peer] ?? 0) + 1
    }
    return skipped
  },
  heard: ({ count }) => {
    if (heard >= count) return
    const { promise, resolve } = Promise.withResolvers<void>()
    awaited = { count, resolve }
    return promise
  },
  echo: ({ peer, timeoutMs }) => bus.request(peer, 'echo', new Uint8Array(1), { timeoutMs }).then(() => 'answered'),
  presence: ({ peer }) => bus.presence().find((one) => one.peer === peer),
  figures: () => bus.status().figures,
  memory: async () => {
    // Buffers are freed behind a collection, and then another finds what they held.
    for (let n = 0; n < 3; n++) {
      globalThis.gc?.()
      await new Promise(setImmediate)
    }
    const { heapUsed, external } = process.memoryUsage()
    return (heapUsed + external) / MIB
  },
}

async function obey({ id, command, input }: { id: number; command: keyof Commands; input: never }): Promise<void> {
  try {
    process.send?.({ id, result: await handlers[command](input) })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    process.send?.({ id, error: `${code}: ${message}` })
  }
}

await transport.start()
await bus.start()
process.on('message', (order) => void obey(order as never))
process.on('disconnect', () => process.exit(0))
process.send?.({ peer: transport.self, addresses: transport.addresses() })
