/** Two peers that know nothing of records or agents: the bus over an encrypted, authenticated network, and nothing else. */
import { silentLogger, systemClock, systemRandom } from 'plexus/base'
import { type Bus, createBus } from 'plexus/bus'
import { libp2pTransport, type Transport } from 'plexus/network'

const parts = { clock: systemClock(), random: systemRandom(), log: silentLogger() }
// Who may take part is up to the program. Here: everybody who finds us.
const admission = { mayTakePart: () => ({ allowed: true }) as const, mayUseTopic: () => true, mayIntroduce: () => true }
// Whatever is started below is stopped in reverse order when the program ends, by an error too.
await using started = new AsyncDisposableStack()

async function peer(name: string): Promise<{ readonly transport: Transport; readonly bus: Bus }> {
  const transport = started.use(await libp2pTransport({ deviceSeed: parts.random.bytes(32) })(parts))
  const bus = started.use(createBus({ name })({ transport, admission, ...parts }))
  await transport.start()
  await bus.start()
  return { transport, bus }
}

const [ada, bohr] = [await peer('ada'), await peer('bohr')]
const alerts = bohr.bus.subscribe('lab.*')
bohr.bus.respond('greet', async (name) => Buffer.concat([Buffer.from('hello '), name]))

const signal = AbortSignal.timeout(10_000)
const ready = Promise.all([ada, bohr].map(({ bus }) => bus.events.next('peer:ready', { signal })))
await ada.transport.dial(bohr.bus.self, bohr.transport.addresses())
await ready

await ada.bus.publish('lab.alerts', 'note', Buffer.from('the run has diverged'))
for await (const { topic, body } of alerts) {
  console.log(`${topic}: ${Buffer.from(body)}`)
  break // one message is all we wait for
}
console.log(`${Buffer.from(await ada.bus.request(bohr.bus.self, 'greet', Buffer.from('ada')))}`)
