/** Two peers that know nothing of records or agents: the bus over an encrypted, authenticated network, and nothing else. */
import { createBus, openAdmission } from 'plexus/bus'
import { libp2pTransport } from 'plexus/network'

await using started = new AsyncDisposableStack() // whatever is in it stops in reverse order when the program ends
async function peer(name: string) {
  const transport = started.use(await libp2pTransport()())
  const bus = started.use(createBus({ name })({ transport, admission: openAdmission })) // everybody who finds us is let in
  await transport.start()
  await bus.start()
  return { transport, bus }
}
const [ada, bohr] = [await peer('ada'), await peer('bohr')]
bohr.bus.subscribe('lab.*', {}, ({ topic, body }) => console.log(`${topic}: ${Buffer.from(body)}`))
bohr.bus.respond('greet', async (name) => Buffer.concat([Buffer.from('hello '), name]))
await ada.transport.dial(bohr.bus.self, bohr.transport.addresses())
await ada.bus.events.next('peer:ready', { signal: AbortSignal.timeout(10_000) })
await ada.bus.publish('lab.alerts', 'note', Buffer.from('the run has diverged'))
console.log(`${Buffer.from(await ada.bus.request(bohr.bus.self, 'greet', Buffer.from('ada')))}`)
