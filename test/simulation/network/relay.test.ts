import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type PeerId,
  peerIdOfKey,
  type Random,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import {
  type Channel,
  type RelayOffer,
  type RelayReservations,
  relayOffer,
  relayReservations,
  runFor,
  runUntil,
  SimulatedNetwork,
  simulatedTransport,
  type Transport,
} from '../../../src/network/index.ts'
import {
  decodeHopAnswer,
  encodeHopRequest,
  HOP_PROTOCOL,
  type HopRequest,
  RELAY_STATUS,
  STOP_PROTOCOL,
} from '../../../src/network/relay/circuit-messages.ts'
import {
  CIRCUITS_PER_SOURCE,
  MEMBER_CIRCUIT,
  RESERVATION_MS,
  STRANGER_CIRCUIT,
} from '../../../src/network/relay/relay-offer.ts'
import { MessageChannel } from '../../../src/network/wire/message-channel.ts'
import { encodeProtobuf } from '../../../src/network/wire/protobuf.ts'

const MIB = 1024 * 1024
const STOP_OK = encodeProtobuf([
  [1, 1],
  [4, RELAY_STATUS.ok],
])

/** A relay, peers linked to it, and who of them is a member. */
class Scene {
  readonly clock = new VirtualClock()
  readonly members = new Set<PeerId>()
  readonly relay: Transport
  readonly offer: RelayOffer
  readonly #random: Random = seededRandom(3)
  readonly #network = new SimulatedNetwork({}, { clock: this.clock, random: this.#random, log: silentLogger() })

  constructor() {
    this.relay = this.make()
    this.offer = relayOffer({ mayRelay: (peer) => this.members.has(peer) })({ ...this.parts, transport: this.relay })
  }

  static async open(): Promise<Scene> {
    const scene = new Scene()
    await scene.relay.start()
    await scene.offer.start()
    return scene
  }

  get parts(): {
    readonly clock: VirtualClock
    readonly random: Random
    readonly log: ReturnType<typeof silentLogger>
  } {
    return { clock: this.clock, random: this.#random, log: silentLogger() }
  }

  make(): Transport {
    return simulatedTransport(this.#network, peerIdOfKey(this.#random.bytes(32)))
  }

  async linked(as: 'member' | 'stranger'): Promise<Transport> {
    const peer = this.make()
    await peer.start()
    if (as === 'member') this.members.add(peer.self)
    await this.run(peer.dial(this.relay.self, this.relay.addresses()))
    return peer
  }

  run<T>(work: Promise<T>): Promise<T> {
    return runUntil(this.clock, work)
  }

  pass(ms: number): Promise<void> {
    return runFor(this.clock, ms)
  }

  /** What the relay answers, and the channel on which it did. */
  async ask(
    from: Transport,
    request: HopRequest,
  ): Promise<{ status: number; expires: number | undefined; channel: Channel }> {
    return await this.run(
      (async () => {
        const channel = await from.open(this.relay.self, HOP_PROTOCOL)
        const messages = new MessageChannel(channel, 4096)
        await messages.send(encodeHopRequest(request))
        const { status, reservation } = decodeHopAnswer(await messages.read())
        return { status, expires: reservation?.expires, channel }
      })(),
    )
  }

  /** A member with a place, which takes every circuit and hands it to `use`. */
  async target(use: (channel: Channel) => Promise<void>): Promise<Transport> {
    const peer = await this.linked('member')
    peer.handle(STOP_PROTOCOL, { maxInboundStreams: 64 }, async (channel) => {
      const messages = new MessageChannel(channel, 4096)
      await messages.read()
      await messages.send(STOP_OK)
      await use(channel)
    })
    const { status } = await this.ask(peer, { is: 'reserve' })
    assert.equal(status, RELAY_STATUS.ok)
    return peer
  }

  figure(name: string): number {
    return this.offer.status().figures?.[name] ?? Number.NaN
  }
}

async function echo(channel: Channel): Promise<void> {
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
  await channel.close()
}

/** Holds the circuit open and reads nothing. */
function silent(channel: Channel): Promise<void> {
  return channel.closed
}

async function sink(channel: Channel): Promise<void> {
  while ((await channel.read()) !== undefined);
}

async function flood(channel: Channel, bytes: number): Promise<void> {
  const block = new Uint8Array(64 * 1024)
  for (let sent = 0; sent < bytes; sent += block.byteLength) await channel.send(block)
}

describe('a relay', () => {
  test('gives places to members and to nobody else, for two hours', async () => {
    const scene = await Scene.open()
    const [member, stranger] = [await scene.linked('member'), await scene.linked('stranger')]
    assert.equal((await scene.ask(stranger, { is: 'reserve' })).status, RELAY_STATUS.permissionDenied)
    const { status, expires } = await scene.ask(member, { is: 'reserve' })
    assert.equal(status, RELAY_STATUS.ok)
    assert.ok(Math.abs((expires ?? 0) * 1000 - scene.clock.now() - RESERVATION_MS) < 2_000)
    assert.equal(scene.figure('reservations'), 1)
    await scene.pass(RESERVATION_MS)
    assert.equal(scene.figure('reservations'), 0)
  })

  test('joins a member to a member, byte by byte, to the end', async () => {
    const scene = await Scene.open()
    const target = await scene.target(echo)
    const source = await scene.linked('member')
    const { status, channel } = await scene.ask(source, { is: 'connect', peer: target.self })
    assert.equal(status, RELAY_STATUS.ok)
    const said = scene.run(
      (async () => {
        await channel.send(Buffer.from('hello'))
        await channel.close()
        let heard = ''
        for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read())
          heard += Buffer.from(chunk)
        return heard
      })(),
    )
    assert.equal(await said, 'hello')
    assert.deepEqual([scene.figure('circuits'), scene.figure('bytesRelayed')], [0, 10])
  })

  test('does not know whoever has no place, or is gone, or itself', async () => {
    const scene = await Scene.open()
    const [member, target] = [await scene.linked('member'), await scene.target(echo)]
    const connect = async (peer: PeerId): Promise<number> => (await scene.ask(member, { is: 'connect', peer })).status
    assert.equal(await connect(member.self), RELAY_STATUS.noReservation)
    assert.equal(await connect(scene.relay.self), RELAY_STATUS.noReservation)
    const stopping = target.stop()
    await scene.pass(1_000)
    await stopping
    assert.equal(await connect(target.self), RELAY_STATUS.noReservation)
  })

  test('says so when the target does not answer', async () => {
    const scene = await Scene.open()
    const [member, target] = [await scene.linked('member'), await scene.linked('member')]
    await scene.ask(target, { is: 'reserve' })
    const { status } = await scene.ask(member, { is: 'connect', peer: target.self })
    assert.equal(status, RELAY_STATUS.connectionFailed)
  })

  test('carries so many circuits of one source', async () => {
    const scene = await Scene.open()
    const [member, target] = [await scene.linked('member'), await scene.target(silent)]
    const open = async (): Promise<number> => (await scene.ask(member, { is: 'connect', peer: target.self })).status
    for (let count = 0; count < CIRCUITS_PER_SOURCE; count++) assert.equal(await open(), RELAY_STATUS.ok)
    assert.equal(await open(), RELAY_STATUS.resourceLimitExceeded)
  })

  test('lets a stranger knock at a member, once at a time, for two minutes', async () => {
    const scene = await Scene.open()
    const [stranger, target] = [await scene.linked('stranger'), await scene.target(silent)]
    const knock = (): Promise<{ status: number; channel: Channel }> =>
      scene.ask(stranger, { is: 'connect', peer: target.self })
    const { status, channel } = await knock()
    assert.equal(status, RELAY_STATUS.ok)
    assert.equal((await knock()).status, RELAY_STATUS.resourceLimitExceeded)
    await scene.pass(STRANGER_CIRCUIT.seconds * 1000 + 1_000)
    await assert.rejects(scene.run(channel.read()), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(scene.figure('circuits'), 0)
  })

  test('gives a stranger that has joined what members have', async () => {
    const scene = await Scene.open()
    const [joiner, target] = [await scene.linked('stranger'), await scene.target(silent)]
    await scene.ask(joiner, { is: 'connect', peer: target.self })
    await scene.pass(STRANGER_CIRCUIT.seconds * 500)
    scene.members.add(joiner.self)
    scene.offer.reconsider()
    await scene.pass(MEMBER_CIRCUIT.seconds * 1000 - STRANGER_CIRCUIT.seconds * 500 - 1_000)
    assert.equal(scene.figure('circuits'), 1)
    await scene.pass(2_000)
    assert.equal(scene.figure('circuits'), 0)
  })

  test('holds no more than two windows of a circuit whose end does not read', async () => {
    const scene = await Scene.open()
    const [member, target] = [await scene.linked('member'), await scene.target(silent)]
    const { channel } = await scene.ask(member, { is: 'connect', peer: target.self })
    flood(channel, 64 * MIB).catch(() => undefined)
    await scene.pass(60_000)
    assert.ok(scene.figure('bytesRelayed') < 4 * MIB, `${scene.figure('bytesRelayed')} bytes`)
    channel.abort(new Error('enough'))
    await scene.pass(1_000)
    assert.equal(scene.figure('circuits'), 0)
  })

  test('ends a circuit at its limit of bytes, and of time', async () => {
    const scene = await Scene.open()
    const [stranger, member] = [await scene.linked('stranger'), await scene.linked('member')]
    const target = await scene.target(sink)
    const short = await scene.ask(stranger, { is: 'connect', peer: target.self })
    await assert.rejects(scene.run(flood(short.channel, 2 * STRANGER_CIRCUIT.bytes)), { code: 'ERR_CHANNEL_CLOSED' })
    assert.ok(scene.figure('bytesRelayed') < STRANGER_CIRCUIT.bytes + MIB)
    const long = await scene.ask(member, { is: 'connect', peer: target.self })
    await scene.pass(MEMBER_CIRCUIT.seconds * 1000 - 5_000)
    assert.equal(scene.figure('circuits'), 1)
    await scene.pass(6_000)
    await assert.rejects(scene.run(long.channel.read()), { code: 'ERR_CHANNEL_CLOSED' })
  })

  test('ends the circuits of a member that is removed, and its own when it stops', async () => {
    const scene = await Scene.open()
    const [one, two, target] = [await scene.linked('member'), await scene.linked('member'), await scene.target(silent)]
    const [first, second] = [
      await scene.ask(one, { is: 'connect', peer: target.self }),
      await scene.ask(two, { is: 'connect', peer: target.self }),
    ]
    scene.members.delete(one.self)
    scene.offer.reconsider()
    await scene.pass(100)
    await assert.rejects(scene.run(first.channel.read()), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(scene.figure('circuits'), 1)
    await scene.offer.stop()
    await scene.pass(100)
    await assert.rejects(scene.run(second.channel.read()), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(scene.offer.status().state, 'stopped')
  })

  test('is not confused by what is no message', async () => {
    const scene = await Scene.open()
    const member = await scene.linked('member')
    const channel = await scene.run(member.open(scene.relay.self, HOP_PROTOCOL))
    await scene.run(channel.send(Uint8Array.of(3, 0x08, 9, 0x12)))
    const { status } = decodeHopAnswer(await scene.run(new MessageChannel(channel, 4096).read()))
    assert.equal(status, RELAY_STATUS.malformedMessage)
    const mute = await scene.run(member.open(scene.relay.self, HOP_PROTOCOL))
    await scene.pass(11_000)
    await assert.rejects(scene.run(mute.read()), { code: 'ERR_CHANNEL_CLOSED' })
  })
})

describe('places at relays', () => {
  interface Client {
    readonly transport: Transport
    readonly places: RelayReservations
    readonly told: (readonly string[])[]
    needed: boolean
    known: readonly string[]
  }

  async function client(scene: Scene): Promise<Client> {
    const transport = scene.make()
    scene.members.add(transport.self)
    await transport.start()
    const told: (readonly string[])[] = []
    const one: Client = {
      transport,
      told,
      needed: true,
      known: ['/ip4/203.0.113.7/tcp/4001'],
      places: relayReservations({
        mayUse: () => true,
        isNeeded: () => one.needed,
        addressesOf: () => one.known,
        onAddresses: (addresses) => told.push(addresses),
      })({ ...scene.parts, transport }),
    }
    await one.places.start()
    return one
  }

  test('are asked of linked peers, told, and renewed before they end', async () => {
    const scene = await Scene.open()
    const { transport, places, told } = await client(scene)
    await scene.run(transport.dial(scene.relay.self, scene.relay.addresses()))
    await scene.pass(100)
    assert.deepEqual(places.held(), [scene.relay.self])
    const [direct = ''] = scene.relay.addresses()
    assert.deepEqual(told, [[`/ip4/203.0.113.7/tcp/4001/p2p/${scene.relay.self}/p2p-circuit`, `${direct}/p2p-circuit`]])
    await scene.pass(24 * 3_600_000)
    assert.equal(scene.figure('reservations'), 1)
    assert.ok(scene.figure('reserved') > 10)
    assert.equal(told.length, 1)
  })

  test('are given up when they are not needed, and asked again when they are', async () => {
    const scene = await Scene.open()
    const one = await client(scene)
    await scene.run(one.transport.dial(scene.relay.self, scene.relay.addresses()))
    await scene.pass(100)
    one.needed = false
    one.places.reconsider()
    assert.deepEqual([one.places.held(), one.told.at(-1), one.places.status().state], [[], [], 'ok'])
    one.needed = true
    one.places.reconsider()
    await scene.pass(100)
    assert.equal(one.places.held().length, 1)
  })

  test('are told anew when more is known of where the relay is', async () => {
    const scene = await Scene.open()
    const one = await client(scene)
    one.known = []
    await scene.run(scene.relay.dial(one.transport.self, one.transport.addresses()))
    await scene.pass(100)
    assert.deepEqual([one.places.held().length, one.told], [1, []])
    one.known = ['/ip4/203.0.113.8/tcp/4001']
    one.places.reconsider()
    assert.deepEqual(one.told, [[`/ip4/203.0.113.8/tcp/4001/p2p/${scene.relay.self}/p2p-circuit`]])
  })

  test('a relay that is gone is reported, until there is one again', async () => {
    const scene = await Scene.open()
    const { transport, places, told } = await client(scene)
    await scene.run(transport.dial(scene.relay.self, scene.relay.addresses()))
    await scene.pass(100)
    const stopping = scene.relay.stop()
    await scene.pass(4_000)
    await stopping
    assert.equal(places.status().state, 'degraded')
    assert.match(places.status().reason ?? '', /^the relay \S+ is gone: /)
    assert.deepEqual(told.at(-1), [])
    await scene.relay.start()
    await scene.run(transport.dial(scene.relay.self, scene.relay.addresses()))
    await scene.pass(100)
    assert.deepEqual([places.status().state, places.held().length], ['ok', 1])
  })

  test('a peer that does not relay is left alone for a while', async () => {
    const scene = await Scene.open()
    await scene.offer.stop()
    const { transport, places } = await client(scene)
    await scene.run(transport.dial(scene.relay.self, scene.relay.addresses()))
    await scene.pass(60_000)
    assert.equal(places.status().figures?.resting, 1)
    await scene.offer.start()
    await scene.pass(16 * 60_000)
    assert.equal(places.status().figures?.held, 1)
  })
})
