import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { peerIdOfKey, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import {
  type ConnectionKeeper,
  connectionKeeper,
  runFor,
  runUntil,
  SimulatedNetwork,
  simulatedTransport,
  type Transport,
} from '../../../src/network/index.ts'

interface Scene {
  readonly clock: VirtualClock
  readonly network: SimulatedNetwork
  readonly peers: readonly Transport[]
  keep(peer: Transport): ConnectionKeeper
}

async function scene(count: number): Promise<Scene> {
  const clock = new VirtualClock()
  const random = seededRandom(7)
  const log = silentLogger()
  const network = new SimulatedNetwork({}, { clock, random, log })
  const peers = Array.from({ length: count }, () => simulatedTransport(network, peerIdOfKey(random.bytes(32))))
  for (const peer of peers) await peer.start()
  return {
    clock,
    network,
    peers,
    keep: (transport) => connectionKeeper()({ transport, clock, random, log }),
  }
}

function stateOf(keeper: ConnectionKeeper): string | undefined {
  return keeper.contacts()[0]?.state
}

describe('the connection keeper', () => {
  test('links to who is wanted, and again when the line is cut', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    await using keeper = keep(a)
    await keeper.start()
    keeper.setWanted(new Map([[b.self, b.addresses()]]))
    await runFor(clock, 100)
    assert.equal(stateOf(keeper), 'linked')
    network.cut(a.self, b.self)
    assert.equal(stateOf(keeper), 'waiting')
    assert.equal(keeper.contacts()[0]?.reason, 'the line was cut')
    await runFor(clock, 1_000)
    assert.equal(stateOf(keeper), 'linked')
    assert.equal(keeper.status().figures?.linked, 1)
  })

  test('both sides may keep the link', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    await using one = keep(a)
    await using two = keep(b)
    await one.start()
    await two.start()
    one.setWanted(new Map([[b.self, b.addresses()]]))
    two.setWanted(new Map([[a.self, a.addresses()]]))
    await runFor(clock, 20_000)
    assert.deepEqual([stateOf(one), stateOf(two)], ['linked', 'linked'])
    assert.equal(a.status().figures?.connections, 1)
    network.cut(a.self, b.self)
    await runFor(clock, 20_000)
    assert.deepEqual([stateOf(one), stateOf(two)], ['linked', 'linked'])
  })

  test('waits longer and longer for a peer that is down, and is quick when it tells a new address', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    await using keeper = keep(a)
    await keeper.start()
    keeper.setWanted(new Map([[b.self, ['/ip4/10.9.9.9/tcp/1']]]))
    await runFor(clock, 300_000)
    assert.equal(stateOf(keeper), 'waiting')
    assert.match(keeper.contacts()[0]?.reason ?? '', /connection refused/)
    const next = keeper.contacts()[0]?.nextAttemptAt ?? 0
    assert.ok(next > clock.now() && next <= clock.now() + 60_000)
    keeper.learn(b.self, [network.addressOf(b.self)])
    await runFor(clock, 1_100)
    assert.equal(stateOf(keeper), 'linked')
  })

  test('is told of discovered peers, and takes those that are wanted', async () => {
    const { clock, peers, keep } = await scene(3)
    const [a, b, stranger] = peers as [Transport, Transport, Transport]
    await using keeper = keep(a)
    await keeper.start()
    keeper.setWanted(new Map([[b.self, []]]))
    assert.equal(stateOf(keeper), 'no-address')
    a.events.emit('peer:discovered', { peer: stranger.self, addresses: stranger.addresses(), by: 'mdns' })
    a.events.emit('peer:discovered', { peer: b.self, addresses: b.addresses(), by: 'mdns' })
    await runFor(clock, 1_000)
    assert.deepEqual(
      a.links().map(({ peer }) => peer),
      [b.self],
    )
  })

  test('tells which addresses are worth keeping', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    await using keeper = keep(a)
    const told: (readonly string[])[] = []
    keeper.events.on('address:learned', ({ addresses }) => told.push(addresses))
    await keeper.start()
    const good = network.addressOf(b.self)
    keeper.setWanted(new Map([[b.self, [good]]]))
    keeper.learn(b.self, ['/ip4/10.9.9.9/tcp/1'])
    await runFor(clock, 2_000)
    assert.deepEqual(told, [
      ['/ip4/10.9.9.9/tcp/1', good],
      [good, '/ip4/10.9.9.9/tcp/1'],
    ])
  })

  test('a nudge tries at once', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    await using keeper = keep(a)
    await keeper.start()
    const address = network.addressOf(b.self)
    await runUntil(clock, b.stop())
    keeper.setWanted(new Map([[b.self, [address]]]))
    await runFor(clock, 100_000)
    await b.start()
    keeper.nudge(b.self)
    await runFor(clock, 100)
    assert.equal(stateOf(keeper), 'linked')
  })

  test('stops its dials and may start again', async () => {
    const { clock, network, peers, keep } = await scene(2)
    const [a, b] = peers as [Transport, Transport]
    const keeper = keep(a)
    await keeper.start()
    network.freeze(b.self)
    keeper.setWanted(new Map([[b.self, b.addresses()]]))
    await runFor(clock, 100)
    assert.equal(stateOf(keeper), 'dialing')
    await keeper.stop()
    await keeper.stop()
    network.thaw(b.self)
    await runFor(clock, 60_000)
    assert.deepEqual(a.links(), [])
    assert.equal(keeper.status().state, 'stopped')
    await keeper.start()
    await runFor(clock, 1_000)
    assert.equal(stateOf(keeper), 'linked')
    await keeper.stop()
  })

  test('a peer is reached over a relay, and directly as soon as that works', async () => {
    const { clock, network, peers, keep } = await scene(3)
    const [a, b, relay] = peers as [Transport, Transport, Transport]
    await using keeper = keep(a)
    await keeper.start()
    const relayed = `${network.addressOf(relay.self)}/p2p/${relay.self}/p2p-circuit`
    const changes: string[] = []
    a.events.on('link:changed', ({ link, previous }) => changes.push(`${previous.kind} to ${link.kind}`))
    keeper.setWanted(new Map([[b.self, ['/ip4/10.9.9.9/tcp/1', relayed]]]))
    await runFor(clock, 20_000)
    assert.equal(stateOf(keeper), 'relayed')
    assert.match(keeper.contacts()[0]?.reason ?? '', /10\.9\.9\.9.*refused/)
    assert.equal(keeper.status().figures?.relayed, 1)
    keeper.learn(b.self, b.addresses())
    await runFor(clock, 2_000)
    assert.deepEqual([stateOf(keeper), changes], ['linked', ['relayed to direct']])
    await runFor(clock, 60_000)
    assert.equal(a.status().figures?.connections, 1)
  })
})
