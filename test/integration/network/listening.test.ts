import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'

function peer(listen?: readonly string[], deviceSeed: Uint8Array = systemRandom().bytes(32)): Promise<Transport> {
  const init = listen === undefined ? { deviceSeed } : { deviceSeed, listen }
  return libp2pTransport(init)({ clock: systemClock(), log: silentLogger() })
}

function withoutPeer(address: string | undefined): string {
  return (address ?? '').replace(/\/p2p\/.*/, '')
}

describe('listening', () => {
  test('a port in use is named, with what to do', async () => {
    await using first = await peer()
    await first.start()
    const address = withoutPeer(first.addresses()[0])
    await using second = await peer([address])
    await assert.rejects(second.start(), (error: { code?: string; message?: string; fix?: string }) => {
      assert.equal(error.code, 'ERR_ADDRESS_IN_USE')
      assert.ok(error.message?.includes(address))
      assert.ok(error.fix)
      return true
    })
    assert.equal(second.status().state, 'failed')
    await first.stop()
    await second.start()
    assert.equal(second.status().state, 'ok')
  })

  test('an address that this machine does not have is refused', async () => {
    await using transport = await peer(['/ip4/203.0.113.77/tcp/0'])
    await assert.rejects(transport.start(), { code: 'ERR_LISTEN' })
  })

  test('what is no TCP address is refused', async () => {
    for (const address of ['nonsense', '/ip4/127.0.0.1/udp/0', '/ip4/127.0.0.1']) {
      await using transport = await peer([address])
      await assert.rejects(transport.start(), { code: 'ERR_LISTEN' }, address)
    }
  })

  test('the unspecified address becomes those of the interfaces', async () => {
    await using transport = await peer(['/ip4/0.0.0.0/tcp/0'])
    await transport.start()
    assert.ok(transport.addresses().length > 0)
    for (const address of transport.addresses()) {
      assert.match(address, /^\/ip4\/[\d.]+\/tcp\/[1-9]\d*\/p2p\//)
      assert.doesNotMatch(address, /0\.0\.0\.0/)
    }
    await using visitor = await peer([])
    await visitor.start()
    assert.deepEqual(visitor.addresses(), [])
    assert.equal((await visitor.dial(transport.self, transport.addresses())).peer, transport.self)
  })

  test('the peer id is that of the seed', async () => {
    const seed = seededRandom(3).bytes(32)
    assert.equal((await peer([], seed)).self, (await peer([], seed)).self)
    await assert.rejects(peer([], new Uint8Array(31)), { code: 'ERR_INVALID_ARGUMENT' })
  })

  test('thirty peers of one host connect at the same moment', { timeout: 60_000 }, async () => {
    await using hub = await peer()
    await hub.start()
    const visitors = await Promise.all(Array.from({ length: 30 }, () => peer([])))
    await Promise.all(visitors.map((visitor) => visitor.start()))
    const links = await Promise.all(visitors.map((visitor) => visitor.dial(hub.self, hub.addresses())))
    assert.equal(links.length, 30)
    // An open stream on each proves that the hub kept it.
    hub.handle('/plexus-test/hello/1', { maxInboundStreams: 1 }, (channel) => channel.send(Uint8Array.of(1)))
    const hellos = await Promise.all(visitors.map((visitor) => visitor.open(hub.self, '/plexus-test/hello/1')))
    await Promise.all(hellos.map((channel) => channel.read()))
    assert.equal(hub.links().length, 30)
    await Promise.all(visitors.map((visitor) => visitor.stop()))
  })
})
