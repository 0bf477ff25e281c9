import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { delay, peerIdOfKey, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import {
  type Channel,
  runFor,
  runUntil,
  SimulatedNetwork,
  type SimulatedNetworkInit,
  simulatedTransport,
  type Transport,
} from '../../../src/network/index.ts'

const ECHO = '/test/echo/1'

function world(
  init: SimulatedNetworkInit = {},
  seed = 1,
): { clock: VirtualClock; network: SimulatedNetwork; peer: () => Promise<Transport> } {
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const network = new SimulatedNetwork(init, { clock, random, log: silentLogger() })
  const peer = async (): Promise<Transport> => {
    const transport = simulatedTransport(network, peerIdOfKey(random.bytes(32)))
    transport.handle(ECHO, { maxInboundStreams: 64 }, echoBack)
    await transport.start()
    return transport
  }
  return { clock, network, peer }
}

async function echoBack(channel: Channel): Promise<void> {
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
  await channel.close()
}

async function ping(channel: Channel): Promise<void> {
  await channel.send(Uint8Array.of(1))
  await channel.read()
}

describe('the simulated network', () => {
  test('takes the time that its latency says', async () => {
    const { clock, peer } = world({ latencyMs: 50, latencySpread: 0 })
    const [a, b] = [await peer(), await peer()]
    const channel = await runUntil(
      clock,
      a.dial(b.self, b.addresses()).then(() => a.open(b.self, ECHO)),
    )
    const before = clock.monotonic()
    await runUntil(clock, ping(channel))
    assert.equal(clock.monotonic() - before, 100)
  })

  test('carries no more than its bandwidth', async () => {
    const { clock, peer } = world({ latencyMs: 1, bytesPerSecond: 1_000_000 })
    const [a, b] = [await peer(), await peer()]
    const channel = await runUntil(
      clock,
      a.dial(b.self, b.addresses()).then(() => a.open(b.self, ECHO)),
    )
    const before = clock.monotonic()
    const block = new Uint8Array(100_000)
    const echoed = async (): Promise<void> => {
      const reading = (async () => {
        for (let read = 0; read < 2_000_000; ) read += (await channel.read())?.byteLength ?? Number.NaN
      })()
      for (let sent = 0; sent < 20; sent++) await channel.send(block)
      await reading
    }
    await runUntil(clock, echoed())
    const elapsed = clock.monotonic() - before
    assert.ok(elapsed >= 2_000 && elapsed < 2_500, `${elapsed} ms for 2 MB`)
  })

  test('a partition is silence, and its end brings what was held back', async () => {
    const { clock, network, peer } = world()
    const [a, b, c] = [await peer(), await peer(), await peer()]
    await runUntil(clock, Promise.all([a.dial(b.self, b.addresses()), a.dial(c.self, c.addresses())]))
    const channel = await runUntil(clock, a.open(b.self, ECHO))
    network.partition([a.self], [b.self])
    let answered = false
    const pinging = ping(channel).then(() => {
      answered = true
    })
    await runFor(clock, 60_000)
    assert.equal(answered, false)
    assert.equal(a.links().length, 2, 'nobody is told')
    await runUntil(clock, a.open(c.self, ECHO).then(ping))
    await runUntil(clock, assert.rejects(a.open(b.self, ECHO), { code: 'ERR_TIMEOUT' }))
    network.heal()
    await runUntil(clock, pinging)
  })

  test('what one side closed during a partition the other learns after it', async () => {
    const { clock, network, peer } = world()
    const [a, b] = [await peer(), await peer()]
    await runUntil(clock, a.dial(b.self, b.addresses()))
    network.partition([a.self], [b.self])
    await runUntil(clock, a.disconnect(b.self, 'it is silent'))
    await runFor(clock, 1_000)
    assert.equal(b.links().length, 1)
    network.heal()
    await runFor(clock, 1_000)
    assert.equal(b.links().length, 0)
  })

  test('a frozen peer neither hears nor speaks until it is thawed', async () => {
    const { clock, network, peer } = world()
    const [a, b] = [await peer(), await peer()]
    network.freeze(b.self)
    await runUntil(clock, assert.rejects(a.dial(b.self, b.addresses()), { code: 'ERR_TIMEOUT' }))
    network.thaw(b.self)
    await runUntil(clock, a.dial(b.self, b.addresses()))
    assert.equal(a.links().length, 1)
  })

  test('a killed peer is missed, refuses calls, and comes back with a new transport', async () => {
    const { clock, network, peer } = world()
    const [a, b] = [await peer(), await peer()]
    const addresses = b.addresses()
    await runUntil(clock, a.dial(b.self, addresses))
    const channel = await runUntil(clock, a.open(b.self, ECHO))
    network.kill(b.self)
    await runUntil(clock, assert.rejects(channel.read(), { code: 'ERR_CHANNEL_CLOSED' }))
    await runFor(clock, 100)
    assert.deepEqual(a.links(), [])
    await runUntil(clock, assert.rejects(a.dial(b.self, addresses), { code: 'ERR_UNREACHABLE' }))
    const back = simulatedTransport(network, b.self)
    await back.start()
    assert.equal((await runUntil(clock, a.dial(b.self, addresses))).peer, b.self)
  })

  test('a cut is seen by both ends at once', async () => {
    const { clock, network, peer } = world()
    const [a, b] = [await peer(), await peer()]
    await runUntil(clock, a.dial(b.self, b.addresses()))
    network.cut(a.self, b.self)
    assert.deepEqual([a.links(), b.links()], [[], []])
  })

  test('the same seed gives the same run, another seed another', async () => {
    const run = async (seed: number): Promise<string> => {
      const { clock, peer } = world({}, seed)
      const peers = await Promise.all(Array.from({ length: 8 }, peer))
      const log: string[] = []
      const index = new Map(peers.map((one, number) => [one.self, number]))
      for (const one of peers) {
        one.events.on('peer:connect', ({ peer }) =>
          log.push(`${clock.monotonic()} ${index.get(one.self)} ${index.get(peer)}`),
        )
      }
      const talk = async (from: Transport, to: Transport): Promise<void> => {
        await from.dial(to.self, to.addresses())
        await ping(await from.open(to.self, ECHO))
        log.push(`${clock.monotonic()} ${index.get(from.self)} done`)
      }
      await runUntil(clock, Promise.all(peers.map((one, number) => talk(one, peers[(number + 3) % 8] ?? one))))
      return log.join('\n')
    }
    const first = await run(5)
    assert.equal(await run(5), first)
    assert.notEqual(await run(6), first)
  })

  test('three hundred peers talk to each other', async () => {
    const { clock, peer } = world()
    const peers = await Promise.all(Array.from({ length: 300 }, peer))
    const talk = async (from: Transport, number: number): Promise<void> => {
      for (let step = 1; step <= 4; step++) {
        const to = peers[(number + step * 37) % peers.length] ?? from
        await from.dial(to.self, to.addresses())
        const channel = await from.open(to.self, ECHO)
        for (let round = 0; round < 5; round++) {
          await ping(channel)
          await delay(clock, 100)
        }
      }
    }
    await runUntil(clock, Promise.all(peers.map(talk)))
    for (const one of peers) assert.equal(one.links().length, 8)
  })

  test('waiting for what can never happen ends with an error', async () => {
    const clock = new VirtualClock()
    await assert.rejects(runUntil(clock, new Promise(() => undefined)), { code: 'ERR_LIFECYCLE' })
    const later = delay(clock, 10_000)
    await assert.rejects(runUntil(clock, later, 1_000), { code: 'ERR_TIMEOUT' })
  })
})
