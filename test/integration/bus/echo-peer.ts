/** A peer in a process of its own: says where it is, answers `echo`, counts what is published, tells the count on request. */
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { createBus } from '../../../src/bus/index.ts'
import { libp2pTransport } from '../../../src/network/index.ts'
import { everyone } from './everyone.ts'

const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
const transport = await libp2pTransport({ deviceSeed: random.bytes(32) })({ clock, log })
const bus = createBus({ name: 'echo' })({ transport, admission: everyone(), clock, random, log })
const counts = new Map<string, number>()
bus.subscribe('count.*', {}, ({ topic }) => void counts.set(topic, (counts.get(topic) ?? 0) + 1))
bus.respond('echo', async (body) => body)
bus.respond('count', async (body) => new Uint8Array(Buffer.from(String(counts.get(Buffer.from(body).toString()) ?? 0))))
await transport.start()
await bus.start()
process.send?.({ peer: transport.self, addresses: transport.addresses() })
process.on('disconnect', () => process.exit(0))
