import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, peerIdOfKey } from '../../../src/base/index.ts'
import { Introducer } from '../../../src/bus/introductions.ts'
import { INTRODUCTION_MAX_PEERS } from '../../../src/bus/limits.ts'
import { openAdmission } from '../../../src/bus/open-admission.ts'
import { ADDRESS_MAX_CHARS, ADDRESSES_PER_PEER } from '../../../src/network/index.ts'

const MEMBERS = 200
const peer = (n: number): PeerId => peerIdOfKey(new Uint8Array(32).fill(n % 251).fill(n >> 4, 16))
const SELF = peer(1_000)

function introducer(mayIntroduce: (to: PeerId, about: PeerId) => boolean = () => true): Introducer {
  return new Introducer({
    self: SELF,
    admission: { ...openAdmission, mayIntroduce },
    ownAddresses: () => ['/ip4/10.0.0.1/tcp/1'],
  })
}

test('a greeting is bounded, begins with oneself, and over some newcomers names everybody', () => {
  const here = introducer()
  for (let n = 0; n < MEMBERS; n++) here.learn(peer(n), [`/ip4/10.0.1.${n % 256}/tcp/1`])
  const named = new Set<PeerId>()
  for (let newcomer = 0; newcomer < 8; newcomer++) {
    const greeting = here.greeting(peer(500 + newcomer))
    assert.equal(greeting.length, INTRODUCTION_MAX_PEERS)
    assert.equal(greeting[0]?.peer, SELF)
    for (const { peer: about } of greeting) named.add(about)
  }
  assert.equal(named.size, MEMBERS + 1)
})

test('much news is told in parts, and none is lost', () => {
  const here = introducer()
  for (let n = 0; n < MEMBERS; n++) here.learn(peer(n), ['/ip4/10.0.0.2/tcp/1'])
  const told = new Set<PeerId>()
  for (let round = 0; here.hasNews; round++) {
    assert.ok(round < MEMBERS / INTRODUCTION_MAX_PEERS)
    for (const { peer: about } of here.news(peer(900))) told.add(about)
    here.newsTold()
  }
  assert.equal(told.size, MEMBERS)
})

test('nobody is told about itself, or about whom it may not know; addresses are bounded', () => {
  const here = introducer((to, about) => !(to === peer(1) && about === peer(2)))
  const many = Array.from({ length: 3 * ADDRESSES_PER_PEER }, (_, n) => `/ip4/10.0.0.${n}/tcp/1`)
  here.learn(peer(1), ['/ip4/10.0.0.1/tcp/1'])
  here.learn(peer(2), ['/ip4/10.0.0.2/tcp/1'])
  here.learn(peer(3), ['/'.padEnd(ADDRESS_MAX_CHARS + 1, 'x'), ...many])
  const greeting = here.greeting(peer(1))
  assert.deepEqual(greeting.map(({ peer: about }) => about).toSorted(), [SELF, peer(3)].toSorted())
  assert.equal(greeting.find(({ peer: about }) => about === peer(3))?.addresses.length, ADDRESSES_PER_PEER)
})
