import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type PeerId, seededRandom, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { type Channel, libp2pTransport, type Transport } from '../../../src/network/index.ts'

const ECHO = '/plexus-test/echo/1'
const MIB = 1024 * 1024

async function peer(): Promise<Transport> {
  const make = libp2pTransport({ deviceSeed: systemRandom().bytes(32) })
  const transport = await make({ clock: systemClock(), log: silentLogger() })
  transport.handle(ECHO, { maxInboundStreams: 8 }, async (channel) => {
    for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
    await channel.close()
  })
  await transport.start()
  return transport
}

/** A libp2p node that is none of ours and does as it likes, until the test ends. */
async function stranger(t: TestContext, options: Parameters<typeof createLibp2p>[0] = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
  })
  t.after(() => node.stop())
  return node
}

function dialled(from: Libp2p, to: Transport): Promise<Connection> {
  return from.dial(to.addresses().map((address) => multiaddr(address)))
}

/** The next event of that name, whatever it brings. */
function next<E>(target: object, name: string): Promise<E> {
  return new Promise((resolve) => {
    ;(target as EventTarget).addEventListener(name, (event) => resolve(event as E), { once: true })
  })
}

/** Below the muxer of a stranger's connection: the encrypted line itself. */
function lineOf(connection: Connection): MessageStream {
  return (connection as unknown as { readonly muxer: { readonly maConn: MessageStream } }).muxer.maConn
}

async function tcpTo(transport: Transport): Promise<Socket> {
  const [, host = '', port = ''] = /\/ip4\/([^/]+)\/tcp\/(\d+)/.exec(transport.addresses()[0] ?? '') ?? []
  const socket = connect(Number(port), host)
  // The other side may reset it; that is what these tests are about.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function assertServes(transport: Transport): Promise<void> {
  const visitor = await peer()
  await visitor.dial(transport.self, transport.addresses())
  const channel = await visitor.open(transport.self, ECHO)
  await channel.send(Uint8Array.of(7))
  assert.deepEqual([...((await channel.read()) ?? [])], [7])
  await visitor.stop()
}

describe('a peer under attack', () => {
  test('garbage on the TCP port ends that connection only', { timeout: 30_000 }, async () => {
    await using transport = await peer()
    const random = seededRandom(11)
    const openings = [
      '',
      '\x13/multistream/1.0.0\n',
      '\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n',
      '\x13/multistream/1.0.0\n\x07/noise\n',
    ]
    for (const opening of openings) {
      const socket = await tcpTo(transport)
      const gone = new Promise((resolve) => socket.once('close', resolve))
      socket.write(opening)
      socket.end(random.bytes(4096))
      socket.resume()
      await gone
    }
    await assertServes(transport)
  })

  test('a connection that says nothing holds nobody up, stop neither', { timeout: 30_000 }, async () => {
    const transport = await peer()
    const sockets = await Promise.all(Array.from({ length: 20 }, () => tcpTo(transport)))
    const gone = sockets.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)))
    await assertServes(transport)
    await transport.stop()
    await Promise.all(gone)
  })

  test('a frame longer than the window ends the connection before it is collected', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const attacker = await stranger(t)
    const connection = await dialled(attacker, transport)
    const header = new DataView(new ArrayBuffer(12))
    header.setUint32(4, 99)
    header.setUint32(8, 1024 * MIB)
    const gone = next(connection, 'close')
    lineOf(connection).send(new Uint8Array(header.buffer))
    await gone
    assert.equal(transport.status().figures?.oversizedFrames, 1)
    await assertServes(transport)
  })

  test('garbage after a correct handshake ends that connection only', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const attacker = await stranger(t, { connectionEncrypters: [tls()] })
    const connection = await dialled(attacker, transport)
    const gone = next(connection, 'close')
    lineOf(connection).send(seededRandom(5).bytes(2000))
    await gone
    await assertServes(transport)
  })

  test('streams without end are reset beyond the limit of the connection', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const attacker = await stranger(t)
    const connection = await dialled(attacker, transport)
    const opened = await Promise.allSettled(
      Array.from({ length: 100 }, () => connection.newStream(ECHO, { maxOutboundStreams: 1000 })),
    )
    await assertServes(transport)
    const alive = opened.filter((result) => result.status === 'fulfilled' && result.value.status === 'open')
    assert.ok(alive.length <= 8, `${alive.length} streams are open`)
  })

  test('a peer whose key is not Ed25519 is refused and counted', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const odd = await stranger(t, { privateKey: await generateKeyPair('secp256k1') })
    const connection = await dialled(odd, transport).catch(() => undefined)
    if (connection?.status === 'open') await next(connection, 'close')
    assert.equal(transport.status().figures?.refusedPeers, 1)
    assert.deepEqual(transport.links(), [])
  })

  test('a peer that only knows noise can talk to us, both ways round', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const other = await stranger(t)
    const heard = Promise.withResolvers<Uint8Array>()
    await other.handle('/plexus-test/noise/1', (stream) => {
      stream.addEventListener('message', ({ data }) => heard.resolve(data.subarray()))
    })
    const id = other.peerId.toString() as PeerId
    const link = await transport.dial(id, other.getMultiaddrs().map(String))
    assert.equal(link.encryption, 'noise')
    const channel = await transport.open(id, '/plexus-test/noise/1')
    await channel.send(Uint8Array.of(1, 2, 3))
    assert.deepEqual([...(await heard.promise)], [1, 2, 3])
    const gone = next(other, 'peer:disconnect')
    await transport.disconnect(id, 'other way round')
    await gone
    const back = await dialled(other, transport)
    const stream = await back.newStream(ECHO)
    const echoed = next<StreamMessageEvent>(stream, 'message')
    stream.send(Uint8Array.of(4))
    assert.deepEqual([...(await echoed).data.subarray()], [4])
  })

  test('the wrong peer is recognised through noise as well', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    await using another = await peer()
    const other = await stranger(t)
    const [address = ''] = other.getMultiaddrs().map((known) => String(known).replace(/\/p2p\/.*/, ''))
    await assert.rejects(transport.dial(another.self, [address]), { code: 'ERR_WRONG_PEER' })
  })

  test('a reader that never reads bounds what its peer keeps', { timeout: 30_000 }, async (t) => {
    await using transport = await peer()
    const unread = Promise.withResolvers<Channel>()
    transport.handle('/plexus-test/unread/1', { maxInboundStreams: 1 }, async (channel) => unread.resolve(channel))
    const attacker = await stranger(t)
    const connection = await dialled(attacker, transport)
    const stream = await connection.newStream('/plexus-test/unread/1')
    for (let sent = 0; sent < 64; sent++) stream.send(new Uint8Array(MIB / 4))
    await unread.promise
    await assertServes(transport)
    assert.ok(stream.writeBufferLength > 12 * MIB, `only ${stream.writeBufferLength} bytes wait at the sender`)
  })
})
