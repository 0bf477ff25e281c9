/** Two peers that know nothing of records or agents: the bus over an encrypted, authenticated network, and nothing else. */
import { silentLogger, systemClock, systemRandom } from 'plexus/base'
import { type Bus, createBus } from 'plexus/bus'
import { libp2pTransport, type Transport } from 'plexus/network'

const parts = { clock: systemClock(), random: systemRandom(), log: silentLogger() }
// Who may take part is up to the program. Here: everybody who finds us.
const admission = { mayTakePart: () => ({ allowed: true }) as const, mayUseTopic: () => true, mayIntroduce: () => true }

async function start(name: string): Promise<{ readonly transport: Transport; readonly bus: Bus }> {
  const transport = await libp2pTransport({ deviceSeed: parts.random.bytes(32) })(parts)
  await transport.start()
  const bus = createBus({ name })({ transport, admission, ...parts })
  await bus.start()
  return { transport, bus }
}

const [ada, bohr] = [await start('ada'), await start('bohr')]
const ready = bohr.bus.events.next('peer:ready', { signal: AbortSignal.timeout(10_000) })
bohr.bus.respond('greet', async (body) => Buffer.concat([Buffer.from('hello '), body]))
const heard = Promise.withResolvers<string>()
bohr.bus.subscribe('lab.*', {}, (message) => heard.resolve(`${message.topic}: ${Buffer.from(message.body)}`))

await ada.transport.dial(bohr.bus.self, bohr.transport.addresses())
await ready
await ada.bus.publish('lab.alerts', 'note', Buffer.from('the run has diverged'))
console.log(await heard.promise)
console.log(Buffer.from(await ada.bus.request(bohr.bus.self, 'greet', Buffer.from('bohr'))).toString())

for (const { bus, transport } of [ada, bohr]) {
  await bus.stop()
  await transport.stop()
}
