import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOfKey } from '../../../src/base/index.ts'
import { KadContacts } from '../../../src/network/adapters/libp2p/kad-contacts.ts'

const id = (n: number): ReturnType<typeof peerIdFromString> => peerIdFromString(peerIdOfKey(new Uint8Array(32).fill(n)))
const addresses = (...texts: string[]): ReturnType<typeof multiaddr>[] => texts.map((text) => multiaddr(text))
const OUTSIDE = '/ip4/203.0.113.7/tcp/4001'

test('in a public directory, strangers cannot have us knock at doors of our own network', () => {
  const contacts = new KadContacts({ peers: 8, reach: () => 2 })
  const inside = ['/ip4/127.0.0.1/tcp/22', '/ip4/192.168.1.1/tcp/80', '/ip6/::1/tcp/1', '/dns4/router.lan/tcp/80']
  contacts.learn(id(1), addresses(...inside), { own: true })
  assert.deepEqual(contacts.dialable(id(1)), [])
  contacts.learn(id(1), addresses(...inside, OUTSIDE), { own: true })
  assert.deepEqual(contacts.dialable(id(1)).map(String), [`${OUTSIDE}/p2p/${id(1)}`])
})

test('what a peer says of itself stands above what others say of it', () => {
  const contacts = new KadContacts({ peers: 8, reach: () => 0 })
  contacts.learn(id(1), addresses('/ip4/203.0.113.1/tcp/1'), { own: false })
  contacts.learn(id(1), addresses(OUTSIDE), { own: true })
  contacts.learn(id(1), addresses('/ip4/203.0.113.66/tcp/6'), { own: false })
  assert.deepEqual(contacts.dialable(id(1)).map(String), [`${OUTSIDE}/p2p/${id(1)}`])
})

test('an address at which a peer was reached is good, whatever it is', () => {
  const contacts = new KadContacts({ peers: 8, reach: () => 2 })
  contacts.learn(id(1), [], { own: true, reached: multiaddr('/dns4/seed.example/tcp/4001') })
  assert.equal(contacts.dialable(id(1)).length, 1)
})

test('the one heard of longest ago gives way', async () => {
  const contacts = new KadContacts({ peers: 3, reach: () => 0 })
  for (const n of [1, 2, 3, 1, 4]) contacts.learn(id(n), addresses(OUTSIDE), { own: true })
  assert.equal(contacts.size, 3)
  assert.deepEqual(contacts.dialable(id(2)), [])
  assert.deepEqual((await contacts.peerStore.get(id(2))).addresses, [], 'an unknown peer does not make an answer fail')
})
