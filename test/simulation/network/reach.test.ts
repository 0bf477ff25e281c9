import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  encodeCbor,
  type PeerId,
  peerIdOfKey,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import {
  dialBack,
  type Reachability,
  reachability,
  runFor,
  runUntil,
  SimulatedNetwork,
  simulatedTransport,
  type Transport,
} from '../../../src/network/index.ts'
import { DIAL_BACK_PACE_MS } from '../../../src/network/reach/dial-back.ts'
import { DIAL_BACK_PROTOCOL, encodeDialBackAnswer } from '../../../src/network/reach/dial-back-messages.ts'
import { REACH_FRESH_MS } from '../../../src/network/reach/reachability.ts'
import { MessageChannel } from '../../../src/network/wire/message-channel.ts'

const MINUTE_MS = 60_000

class Scene {
  readonly clock = new VirtualClock()
  readonly random = seededRandom(5)
  readonly log = silentLogger()
  readonly network = new SimulatedNetwork({}, this)
  readonly members = new Set<PeerId>()
  changes = 0

  async peer(): Promise<Transport> {
    const peer = simulatedTransport(this.network, peerIdOfKey(this.random.bytes(32)))
    await peer.start()
    this.members.add(peer.self)
    return peer
  }

  /** One that dials back. */
  async helper(): Promise<Transport> {
    const transport = await this.peer()
    await dialBack({ mayAsk: (peer) => this.members.has(peer) })({ ...this, transport }).start()
    return transport
  }

  /** One that says so, whatever it is asked. */
  async liar(answer: Uint8Array): Promise<Transport> {
    const transport = await this.peer()
    transport.handle(DIAL_BACK_PROTOCOL, { maxInboundStreams: 1 }, async (channel) => {
      const messages = new MessageChannel(channel, 4096)
      await messages.read()
      await messages.send(answer)
      await channel.close()
    })
    return transport
  }

  async asker(transport: Transport): Promise<Reachability> {
    const asker = reachability({ mayAsk: (peer) => this.members.has(peer), onChange: () => void this.changes++ })({
      ...this,
      transport,
    })
    await asker.start()
    return asker
  }

  link(from: Transport, to: Transport): Promise<unknown> {
    return runUntil(this.clock, from.dial(to.self, to.addresses()))
  }

  pass(ms: number): Promise<void> {
    return runFor(this.clock, ms)
  }
}

function seen(host: string, reason: string): Uint8Array {
  return encodeDialBackAnswer({ host, tried: [{ layer: '/tcp/4001', reason }] })
}

describe('reachability', () => {
  test('is unknown until a member has tried, then what that member found', async () => {
    const scene = new Scene()
    const [a, b] = [await scene.peer(), await scene.helper()]
    const asker = await scene.asker(a)
    await scene.pass(MINUTE_MS)
    assert.equal(asker.reach().from, 'unknown')
    assert.match(asker.reach().fix ?? '', /first member/)
    await scene.link(a, b)
    await scene.pass(MINUTE_MS)
    assert.equal(asker.reach().from, 'network')
    assert.deepEqual(asker.reach().addresses, [scene.network.addressOf(a.self)])
    assert.match(asker.reach().reason ?? '', /outside this network/)
    assert.equal(scene.changes, 1)
    // The connection that proved it is gone again.
    assert.equal(a.status().figures?.connections, 1)
  })

  test('the widest that anybody found counts, and a failure says what was tried', async () => {
    const scene = new Scene()
    const a = await scene.peer()
    const asker = await scene.asker(a)
    await scene.link(a, await scene.liar(seen('/ip4/203.0.113.7', 'no answer within 5000 ms')))
    await scene.pass(10_000)
    const { from, reason, fix } = asker.reach()
    assert.deepEqual(
      [from, reason],
      ['nowhere', 'a member dialled /ip4/203.0.113.7/tcp/4001: no answer within 5000 ms'],
    )
    assert.match(fix ?? '', /TCP port 4001 .* --relay/)
    await scene.link(a, await scene.liar(seen('/ip4/192.168.1.2', '')))
    await scene.pass(10_000)
    assert.equal(asker.reach().from, 'network')
    await scene.link(a, await scene.liar(seen('/ip4/203.0.113.9', '')))
    await scene.pass(10_000)
    assert.deepEqual([asker.reach().from, asker.reach().reason], ['anywhere', undefined])
    assert.equal(scene.changes, 3)
    // It has moved: whoever is met next says so.
    await scene.pass(REACH_FRESH_MS)
    for (const { peer } of a.links()) scene.members.delete(peer)
    await scene.link(a, await scene.liar(seen('/ip4/198.51.100.1', 'connection refused')))
    await scene.pass(10_000)
    assert.equal(asker.reach().from, 'nowhere')
  })

  test('a member that answers nonsense, or nothing, changes nothing', async () => {
    const scene = new Scene()
    const a = await scene.peer()
    const asker = await scene.asker(a)
    for (const nonsense of [[1, 2], ['/ip4/1.2.3.4', [['/udp/1', '']]], ['/dns4/x', [['/tcp/1', '']]], 'x']) {
      await scene.link(a, await scene.liar(encodeCbor(nonsense)))
      await scene.pass(10_000)
    }
    const mute = await scene.peer()
    mute.handle(DIAL_BACK_PROTOCOL, { maxInboundStreams: 1 }, (channel) => channel.closed)
    await scene.link(a, mute)
    await scene.pass(MINUTE_MS)
    assert.equal(asker.reach().from, 'unknown')
  })

  test('strangers are neither asked nor answered, and nobody too often', async () => {
    const scene = new Scene()
    const [a, b] = [await scene.peer(), await scene.helper()]
    scene.members.delete(a.self)
    const asker = await scene.asker(a)
    await scene.link(a, b)
    await scene.pass(MINUTE_MS)
    assert.equal(asker.reach().from, 'unknown')
    scene.members.add(a.self)
    asker.reconsider()
    await scene.pass(DIAL_BACK_PACE_MS)
    assert.equal(asker.reach().from, 'network')
    const again = await runUntil(scene.clock, a.open(b.self, DIAL_BACK_PROTOCOL))
    await assert.rejects(runUntil(scene.clock, again.read()), { code: 'ERR_CHANNEL_CLOSED' })
  })

  test('only the host that the asker comes from is dialled', async () => {
    const scene = new Scene()
    const [a, b] = [await scene.peer(), await scene.helper()]
    await scene.link(a, b)
    const channel = await runUntil(scene.clock, a.open(b.self, DIAL_BACK_PROTOCOL))
    await new MessageChannel(channel, 4096).send(encodeCbor(['/ip4/203.0.113.1/tcp/22']))
    await assert.rejects(runUntil(scene.clock, channel.read()), { code: 'ERR_CHANNEL_CLOSED' })
  })

  test('stop and start', async () => {
    const scene = new Scene()
    const [a, b] = [await scene.peer(), await scene.helper()]
    const asker = await scene.asker(a)
    await scene.link(a, b)
    await scene.pass(MINUTE_MS)
    await asker.stop()
    assert.deepEqual([asker.status().state, asker.reach().from], ['stopped', 'unknown'])
    await asker.start()
    await scene.pass(MINUTE_MS)
    assert.equal(asker.reach().from, 'network')
  })
})
