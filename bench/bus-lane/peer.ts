/** The other process of the benchmark: counts what is published, answers requests, echoes and swallows raw streams. */
import { silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { createBus } from '../../src/bus/index.ts'
import { libp2pTransport } from '../../src/network/index.ts'
import { ECHO, OPEN_DOOR, SINK } from './terms.ts'

const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
const transport = await libp2pTransport({ deviceSeed: random.bytes(32) })({ clock, log })
const bus = createBus({ name: 'bench' })({ transport, admission: OPEN_DOOR, clock, random, log })

let counted = 0
let awaited: { readonly count: number; readonly reached: () => void } | undefined
bus.subscribe('bench.topic', {}, () => {
  if (++counted === awaited?.count) awaited.reached()
})
bus.respond('reached', async (body) => {
  const count = Number(Buffer.from(body))
  if (counted < count) await new Promise<void>((reached) => (awaited = { count, reached }))
  counted = 0
  return body
})
bus.receive('bulk', () => undefined)
bus.respond('echo', async (body) => body)

transport.handle(ECHO, { maxInboundStreams: 1 }, async (channel) => {
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
  await channel.close()
})
transport.handle(SINK, { maxInboundStreams: 1 }, async (channel) => {
  while ((await channel.read()) !== undefined);
  await channel.close()
})

await transport.start()
await bus.start()
process.send?.({ peer: transport.self, addresses: transport.addresses() })
process.on('disconnect', () => process.exit(0))
