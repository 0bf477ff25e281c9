import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOfKey, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { CarriedConnection } from '../../../src/network/adapters/libp2p/connection.ts'
import { DCUTR_PROTOCOL, HolePunch, type Source } from '../../../src/network/adapters/libp2p/hole-punch.ts'
import type { StreamChannel } from '../../../src/network/channel.ts'
import { NetworkError, runUntil, SimulatedNetwork, simulatedTransport } from '../../../src/network/index.ts'
import { MessageChannel } from '../../../src/network/wire/message-channel.ts'
import { encodeProtobuf } from '../../../src/network/wire/protobuf.ts'

const LATENCY_MS = 40
const OURS: Source = { localPort: 50_001, observed: '/ip4/203.0.113.1/tcp/61001' }
const THEIRS: Source = { localPort: 50_002, observed: '/ip4/203.0.113.2/tcp/61002' }
const SIGNAL = new AbortController().signal

interface Dial {
  readonly address: string
  readonly localPort: number
  readonly asServer: boolean
  readonly at: number
}

/** Two ends of a relayed connection. `succeedAt`: the attempt that gets through. */
class Ends {
  readonly clock = new VirtualClock()
  readonly dials = { lead: [] as Dial[], follow: [] as Dial[] }
  readonly #log = silentLogger()
  readonly #network = new SimulatedNetwork(
    { latencyMs: LATENCY_MS, latencySpread: 0 },
    { clock: this.clock, random: seededRandom(1), log: this.#log },
  )
  readonly #leader = simulatedTransport(this.#network, peerIdOfKey(new Uint8Array(32).fill(1)))
  readonly #follower = simulatedTransport(this.#network, peerIdOfKey(new Uint8Array(32).fill(2)))

  async open(): Promise<void> {
    await Promise.all([this.#leader.start(), this.#follower.start()])
    await runUntil(this.clock, this.#leader.dial(this.#follower.self, this.#follower.addresses()))
  }

  /** What answers at the other end. */
  answer(by: (channel: StreamChannel) => Promise<void>): void {
    this.#follower.handle(DCUTR_PROTOCOL, { maxInboundStreams: 1 }, (channel) => by(channel as StreamChannel))
  }

  follow(source: Source | undefined, succeedAt: number): void {
    const punch = this.#punch('follow', source, succeedAt)
    this.answer((channel) => punch.follow(channel, this.#relayed, SIGNAL))
  }

  lead(source: Source | undefined, succeedAt = 1): Promise<CarriedConnection> {
    return runUntil(this.clock, this.#punch('lead', source, succeedAt).lead(this.#relayed, SIGNAL))
  }

  get #relayed(): CarriedConnection {
    const peer = this.#follower.self
    const openChannel = (): Promise<unknown> => this.#leader.open(peer, DCUTR_PROTOCOL)
    return { link: { peer }, openChannel } as unknown as CarriedConnection
  }

  #punch(who: 'lead' | 'follow', source: Source | undefined, succeedAt: number): HolePunch {
    const { clock } = this
    const dial = async (
      relayed: CarriedConnection,
      address: string,
      { localPort, asServer }: { readonly localPort: number; readonly asServer: boolean },
    ): Promise<CarriedConnection> => {
      this.dials[who].push({ address, localPort, asServer, at: clock.monotonic() })
      if (this.dials[who].length >= succeedAt) return relayed
      throw new NetworkError('ERR_UNREACHABLE', 'connection refused')
    }
    return new HolePunch({ sourceFor: () => source, dial }, { clock, log: this.#log })
  }
}

describe('hole punching', () => {
  test('both ends dial where the other is seen, from their own port, at about the same moment', async () => {
    const ends = new Ends()
    await ends.open()
    ends.follow(THEIRS, 1)
    await ends.lead(OURS)
    const [led] = ends.dials.lead
    const [followed] = ends.dials.follow
    assert.deepEqual([led?.address, led?.localPort, led?.asServer], [THEIRS.observed, OURS.localPort, true])
    assert.deepEqual(
      [followed?.address, followed?.localPort, followed?.asServer],
      [OURS.observed, THEIRS.localPort, false],
    )
    assert.ok(Math.abs((led?.at ?? 0) - (followed?.at ?? 0)) <= LATENCY_MS / 4)
  })

  test('is tried again when one was too early, and given up after five seconds', async () => {
    const ends = new Ends()
    await ends.open()
    ends.follow(THEIRS, 1)
    await ends.lead(OURS, 3)
    assert.equal(ends.dials.lead.length, 3)
    const hopeless = new Ends()
    await hopeless.open()
    hopeless.follow(THEIRS, Number.POSITIVE_INFINITY)
    await assert.rejects(hopeless.lead(OURS, Number.POSITIVE_INFINITY), {
      code: 'ERR_UNREACHABLE',
      message: 'connection refused',
    })
    const tries = hopeless.dials.lead
    assert.ok((tries.at(-1)?.at ?? 0) - (tries[0]?.at ?? 0) <= 5_000)
  })

  test('needs to know how either end is seen', async () => {
    const ends = new Ends()
    await ends.open()
    ends.follow(undefined, 1)
    await assert.rejects(ends.lead(undefined), { message: 'how others see us is not known' })
    await assert.rejects(ends.lead(OURS), { message: 'how others see the peer is not known' })
    assert.deepEqual(ends.dials, { lead: [], follow: [] })
  })

  test('dials nothing that cannot be the peer', async () => {
    for (const address of [
      multiaddr('/ip4/127.0.0.1/tcp/22').bytes,
      multiaddr('/ip6/2001:db8::1/tcp/4001').bytes,
      multiaddr('/ip4/203.0.113.9/udp/4001').bytes,
      Uint8Array.of(9, 9, 9),
    ]) {
      const ends = new Ends()
      await ends.open()
      ends.answer(async (channel) => {
        const messages = new MessageChannel(channel, 4096)
        await messages.read()
        await messages.send(
          encodeProtobuf([
            [1, 100],
            [2, address],
          ]),
        )
        await channel.closed
      })
      await assert.rejects(ends.lead(OURS), { message: 'how others see the peer is not known' })
      assert.deepEqual(ends.dials.lead, [])
    }
  })

  test('a peer that says nothing, or something else, is left alone', async () => {
    const mute = new Ends()
    await mute.open()
    mute.answer((channel) => channel.closed)
    await assert.rejects(mute.lead(OURS), { code: 'ERR_TIMEOUT' })
    const odd = new Ends()
    await odd.open()
    odd.answer(async (channel) => {
      await new MessageChannel(channel, 4096).send(encodeProtobuf([[1, 300]]))
      await channel.closed
    })
    await assert.rejects(odd.lead(OURS), { code: 'ERR_MALFORMED_MESSAGE' })
  })
})
