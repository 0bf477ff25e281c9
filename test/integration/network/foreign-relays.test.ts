import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type PeerId, seededRandom, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { libp2pTransport, relayOffer, relayReservations, type Transport } from '../../../src/network/index.ts'

import { HOP_PROTOCOL, STOP_PROTOCOL } from '../../../src/network/relay/circuit-messages.ts'

const ECHO = '/plexus-test/echo/1'
const GROUND = { clock: systemClock(), log: silentLogger(), random: seededRandom(1) }

async function ours(t: TestContext, listen: readonly string[]): Promise<Transport> {
  const transport = await libp2pTransport({ deviceSeed: systemRandom().bytes(32), listen })(GROUND)
  t.after(() => transport.stop())
  await transport.start()
  transport.handle(ECHO, { maxInboundStreams: 8 }, async (channel) => {
    for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
    await channel.close()
  })
  return transport
}

async function foreign(t: TestContext, services: Record<string, never> = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [tls()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ...services },
  })
  t.after(() => node.stop())
  return node
}

/** Holds a place for `peer` at a relay it is linked to; resolves with where others reach it. */
async function placed(t: TestContext, peer: Transport, relay: PeerId, addresses: readonly string[]): Promise<string> {
  const found = Promise.withResolvers<string>()
  const places = relayReservations({
    mayUse: (other) => other === relay,
    isNeeded: () => true,
    addressesOf: () => [],
    onAddresses: (through) => {
      peer.alsoAt(through)
      if (through[0] !== undefined) found.resolve(through[0])
    },
  })({ ...GROUND, transport: peer })
  t.after(() => places.stop())
  await places.start()
  await peer.dial(relay, addresses)
  return found.promise
}

describe('relays and other programs of libp2p', () => {
  test('a node of libp2p reaches a peer of ours over a relay of ours', { timeout: 30_000 }, async (t) => {
    const relay = await ours(t, ['/ip4/127.0.0.1/tcp/0'])
    const target = await ours(t, [])
    const offer = relayOffer({ mayRelay: (peer) => peer === target.self })({ ...GROUND, transport: relay })
    t.after(() => offer.stop())
    await offer.start()
    const where = await placed(t, target, relay.self, relay.addresses())
    const node = await foreign(t)
    const connection = await node.dial(multiaddr(`${where}/p2p/${target.self}`))
    assert.equal(connection.remotePeer.toString(), target.self)
    const stream = await connection.newStream(ECHO, { runOnLimitedConnection: true })
    const heard = new Promise<string>((resolve) => {
      stream.addEventListener('message', ({ data }) => resolve(Buffer.from(data.subarray()).toString()), { once: true })
    })
    stream.send(Buffer.from('hello'))
    assert.equal(await heard, 'hello')
    assert.equal(offer.status().figures?.circuits, 1)
  })

  test('peers of ours reach each other over a relay of libp2p', { timeout: 30_000 }, async (t) => {
    const relay = await foreign(t, { relay: circuitRelayServer() as never })
    const self = relay.peerId.toString() as PeerId
    const addresses = relay.getMultiaddrs().map(String)
    const [a, b] = [await ours(t, []), await ours(t, [])]
    const where = await placed(t, b, self, addresses)
    const link = await a.dial(b.self, [where])
    assert.deepEqual([link.kind, link.via], ['relayed', self])
    const channel = await a.open(b.self, ECHO)
    await channel.send(Buffer.from('hello'))
    assert.equal(Buffer.from((await channel.read()) ?? []).toString(), 'hello')
    channel.abort(new Error('done'))
  })

  test('a stranger that speaks the protocols of relays badly ends its own streams only', {
    timeout: 30_000,
  }, async (t) => {
    const target = await ours(t, ['/ip4/127.0.0.1/tcp/0'])
    const offer = relayOffer({ mayRelay: () => false })({ ...GROUND, transport: target })
    t.after(() => offer.stop())
    await offer.start()
    const node = await foreign(t)
    const connection = await node.dial(multiaddr(target.addresses()[0]))
    const self = node.peerId.toMultihash().bytes
    const ofPeer = [0x12, self.byteLength + 2, 0x0a, self.byteLength, ...self]
    const nonsense: readonly (readonly number[])[] = [
      [],
      [0],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [3, 0x08, 0x07, 0x12],
      [4, 0x08, 0x00, 0x12, 0x00],
      [ofPeer.length + 2, 0x08, 0x00, ...ofPeer],
      [ofPeer.length + 2, 0x08, 0x01, ...ofPeer],
    ]
    for (const protocol of [STOP_PROTOCOL, HOP_PROTOCOL, '/libp2p/dcutr', '/plexus/dial-back/1.0.0']) {
      for (const bytes of nonsense) {
        const stream = await connection.newStream(protocol).catch(() => undefined)
        // Refused at once.
        if (stream?.status !== 'open') continue
        const over = new Promise<void>((resolve) => {
          for (const name of ['close', 'remoteCloseWrite'] as const) {
            stream.addEventListener(name, () => resolve(), { once: true })
          }
        })
        try {
          if (bytes.length > 0) stream.send(Uint8Array.from(bytes))
          await stream.close()
        } catch {
          // Reset meanwhile, which is an end too.
          continue
        }
        await over
      }
    }
    assert.equal(connection.status, 'open')
    assert.deepEqual(
      target.links().map(({ kind }) => kind),
      ['direct'],
    )
  })
})
