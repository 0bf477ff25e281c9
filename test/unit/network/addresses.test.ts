import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { peerIdOfKey } from '../../../src/base/index.ts'
import {
  announced,
  dialableAddresses,
  fewAddresses,
  joinAddress,
  reachOf,
  relayedAddress,
  relayOf,
  splitAddress,
  widestFirst,
} from '../../../src/network/addresses.ts'

const peer = peerIdOfKey(new Uint8Array(32).fill(1))
const other = peerIdOfKey(new Uint8Array(32).fill(2))

describe('addresses', () => {
  test('split and join at the peer id', () => {
    assert.deepEqual(splitAddress(`/ip4/1.2.3.4/tcp/5/p2p/${peer}`), { address: '/ip4/1.2.3.4/tcp/5', peer })
    assert.deepEqual(splitAddress('/ip4/1.2.3.4/tcp/5'), { address: '/ip4/1.2.3.4/tcp/5', peer: undefined })
    assert.equal(joinAddress(`/ip4/1.2.3.4/tcp/5/p2p/${other}`, peer), `/ip4/1.2.3.4/tcp/5/p2p/${peer}`)
    const relayed = `/ip4/1.2.3.4/tcp/5/p2p/${other}/p2p-circuit`
    assert.deepEqual(splitAddress(`${relayed}/p2p/${peer}`), { address: relayed, peer })
  })

  test('those that name another peer, or are no address, are not dialled', () => {
    const texts = [
      '/ip4/1.1.1.1/tcp/1',
      `/ip4/2.2.2.2/tcp/1/p2p/${other}`,
      'tcp://3.3.3.3',
      `/ip4/1.1.1.1/tcp/1/p2p/${peer}`,
    ]
    assert.deepEqual(dialableAddresses(peer, texts), ['/ip4/1.1.1.1/tcp/1'])
  })

  test('loopback is told to nobody unless there is nothing else', () => {
    const loopback = ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1']
    assert.deepEqual(announced(loopback), loopback)
    assert.deepEqual(announced([...loopback, '/ip4/192.168.1.7/tcp/1']), ['/ip4/192.168.1.7/tcp/1'])
  })

  test('direct ones go first, and few lead over relays', () => {
    const relayed = [1, 2, 3, 4].map((number) => relayedAddress(`/ip4/203.0.113.${number}/tcp/1`, other))
    const direct = Array.from({ length: 9 }, (_, number) => `/ip4/198.51.100.${number}/tcp/1`)
    assert.deepEqual(fewAddresses([...relayed, ...direct]), [...direct.slice(0, 5), ...relayed.slice(0, 3)])
  })

  test('the relay of an address, and where it is', () => {
    const address = relayedAddress('/ip4/203.0.113.1/tcp/1', other)
    assert.deepEqual(relayOf(address), { peer: other, address: '/ip4/203.0.113.1/tcp/1' })
    assert.equal(relayOf('/ip4/203.0.113.1/tcp/1'), undefined)
    assert.equal(relayOf('/ip4/203.0.113.1/tcp/1/p2p/nobody/p2p-circuit'), undefined)
  })

  test('how far they lead', () => {
    const reaches = ['/ip4/127.0.0.1/tcp/1', '/ip6/fd00::1/tcp/1', '/ip4/100.64.0.1/tcp/1', '/ip4/100.128.0.1/tcp/1']
    assert.deepEqual(reaches.map(reachOf), [0, 1, 1, 2])
    assert.deepEqual(widestFirst(reaches)[0], '/ip4/100.128.0.1/tcp/1')
  })
})
