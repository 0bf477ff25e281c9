import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { hexOf, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'

const MDNS_GROUP = '224.0.0.251'

/** Whether a multicast packet sent on this machine comes back to it. */
async function multicastWorks(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    socket.addMembership(MDNS_GROUP)
    socket.setMulticastLoopback(true)
    const echo = once(socket, 'message', { signal: AbortSignal.timeout(1_000) })
    socket.send('plexus-test', socket.address().port, MDNS_GROUP)
    await echo
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

async function peer(lanService: string): Promise<Transport> {
  const make = libp2pTransport({ deviceSeed: systemRandom().bytes(32), mdns: true, lanService })
  return make({ clock: systemClock(), log: silentLogger() })
}

test('two peers on one network find each other, and only those of their service', { timeout: 60_000 }, async (t) => {
  if (!(await multicastWorks())) {
    t.skip('NOT TESTED: multicast does not work on this machine, so mDNS discovery was not tried')
    return
  }
  const service = `_plexus-${hexOf(systemRandom().bytes(4))}._udp.local`
  await using first = await peer(service)
  await using second = await peer(service)
  await using other = await peer(`_plexus-${hexOf(systemRandom().bytes(4))}._udp.local`)
  const strays: unknown[] = []
  other.events.on('peer:discovered', (event) => strays.push(event))
  const signal = AbortSignal.timeout(50_000)
  const seenByFirst = first.events.next('peer:discovered', { signal })
  const seenBySecond = second.events.next('peer:discovered', { signal })
  for (const transport of [other, first, second]) await transport.start()
  const [bySecond, byFirst] = await Promise.all([seenBySecond, seenByFirst])
  assert.deepEqual([bySecond.peer, bySecond.by], [first.self, 'mdns'])
  assert.equal(byFirst.peer, second.self)
  assert.deepEqual(first.links(), [], 'a discovered peer is not dialled by itself')
  assert.equal((await second.dial(first.self, bySecond.addresses)).peer, first.self)
  assert.deepEqual(strays, [])
})
