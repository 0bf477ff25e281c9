import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { serviceCapabilities } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { concatBytes, sha256, silentLogger, systemClock, systemRandom, utf8 } from '../../../src/base/index.ts'
import { ANNOUNCEMENTS_PER_PEER, KAD_PROTOCOL } from '../../../src/network/adapters/libp2p/kad-service.ts'
import { type KadDiscovery, kadDiscovery, libp2pTransport, type Transport } from '../../../src/network/index.ts'

const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]

interface Server extends AsyncDisposable {
  readonly transport: Transport
  readonly discovery: KadDiscovery
}

async function server(): Promise<Server> {
  const discovery = kadDiscovery({ bootstrap: [], server: true })({ clock, random, log })
  const transport = await libp2pTransport({ extras: [discovery] })({ clock, log })
  await transport.start()
  return { transport, discovery, [Symbol.asyncDispose]: () => transport.stop() }
}

/** Another program of libp2p, which does with the protocol what it likes. */
async function stranger(to: Transport): Promise<Libp2p<{ dht: KadDHT }> & AsyncDisposable> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [tls()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: () => ({ ping: async () => 0, [serviceCapabilities]: ['@libp2p/ping'] }),
      dht: kadDHT({
        protocol: KAD_PROTOCOL,
        clientMode: true,
        peerInfoMapper: passthroughMapper,
        initialQuerySelfInterval: 50,
        validators: { plexus: async () => undefined },
        selectors: { plexus: () => 0 },
      }),
    },
  })
  await node.dial(to.addresses().map((address) => multiaddr(address)))
  return Object.assign(node, { [Symbol.asyncDispose]: async () => await node.stop() }) as Libp2p<{ dht: KadDHT }> &
    AsyncDisposable
}

type Cid = Parameters<KadDHT['provide']>[0]
const cidOf = (key: Uint8Array): Cid => ({ multihash: { bytes: concatBytes(Uint8Array.of(0x12, 0x20), key) } }) as Cid

test('a server keeps announcements and nothing else', { timeout: 60_000 }, async (t) => {
  await using there = await server()
  await using other = await stranger(there.transport)
  const { dht } = other.services
  const ownKey = concatBytes(utf8('/pk/'), other.peerId.toMultihash().bytes)
  assert.ok(other.peerId.type === 'Ed25519')
  const values: readonly (readonly [Uint8Array, Uint8Array])[] = [
    [utf8('/plexus/anything'), random.bytes(64)],
    [utf8('no-namespace-at-all'), random.bytes(64)],
    [ownKey, publicKeyToProtobuf(other.peerId.publicKey)],
  ]
  let sent = 0
  for (const [key, value] of values) {
    const onProgress = (event: { readonly type: string; readonly detail: { readonly messageName?: string } }): void => {
      if (event.type === 'kad-dht:query:send-query' && event.detail.messageName === 'PUT_VALUE') sent++
    }
    await Array.fromAsync(dht.put(key, value, { onProgress } as Parameters<KadDHT['put']>[2])).catch(() => undefined)
    assert.equal(there.discovery.figures().kept, 0)
  }
  assert.equal(sent, values.length, 'they were asked to be kept')
  await Array.fromAsync(dht.provide(cidOf(sha256(utf8('a content')))))
  await until(() => there.discovery.figures().kept === 1, t)
})

test('a stranger that announces without end pushes out its own announcements', { timeout: 60_000 }, async (t) => {
  await using there = await server()
  const honest = kadDiscovery({ bootstrap: there.transport.addresses() })({ clock, random, log })
  await using member = await libp2pTransport({ extras: [honest] })({ clock, log })
  await member.start()
  const key = sha256(utf8('the key of a member'))
  await honest.announce(key, member.addresses())
  await using flooder = await stranger(there.transport)
  for (let n = 0; n < ANNOUNCEMENTS_PER_PEER + 50; n++) {
    await Array.fromAsync(flooder.services.dht.provide(cidOf(sha256(utf8(`${n}`)))))
  }
  // And under the key of the member too: one address more to try, no more.
  await Array.fromAsync(flooder.services.dht.provide(cidOf(key)))
  await until(() => there.discovery.figures().evicted === 51, t)
  const found = (await Array.fromAsync(there.discovery.find(key))).map(({ peer }) => peer as string)
  assert.deepEqual(found.toSorted(), [member.self, flooder.peerId.toString()].toSorted())
})

/** What a server was told it deals with a moment later. */
async function until(holds: () => boolean, { signal }: TestContext): Promise<void> {
  while (!holds()) await wait(20, undefined, { signal })
}
