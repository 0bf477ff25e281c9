import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PeerId, peerIdOfKey, seededRandom } from '../../../src/base/index.ts'
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  Contacts,
  KEEPER_PARALLEL_DIALS,
  KNOWN_PEERS,
  RETRY_FLOOR_MS,
  STABLE_AFTER_MS,
  UPGRADE_FIRST_MS,
} from '../../../src/network/contacts.ts'

const A = '/ip4/10.0.0.1/tcp/1'
const B = '/ip4/10.0.0.2/tcp/1'

function peer(number: number): PeerId {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setUint32(0, number)
  return peerIdOfKey(key)
}

function wanting(addresses: readonly string[] = [A]): Contacts {
  const contacts = new Contacts(seededRandom(1))
  contacts.want(new Map([[peer(1), addresses]]), 0)
  return contacts
}

/** Fails the dial that is due, and returns when the next is. */
function failOnce(contacts: Contacts, now: number): number {
  assert.deepEqual(
    contacts.takeDue(now).map((attempt) => attempt.peer),
    [peer(1)],
  )
  contacts.dialFailed(peer(1), 'refused', now)
  return contacts.nextDueAt() ?? Number.NaN
}

describe('contacts', () => {
  test('a wanted peer is due at once, and once', () => {
    const contacts = wanting()
    assert.equal(contacts.nextDueAt(), 0)
    assert.deepEqual(contacts.takeDue(0), [{ peer: peer(1), addresses: [A], direct: false }])
    assert.deepEqual(contacts.takeDue(0), [])
    assert.equal(contacts.nextDueAt(), undefined)
    assert.equal(contacts.list()[0]?.state, 'dialing')
    contacts.linked(peer(1), 'direct', 5)
    assert.deepEqual(contacts.list(), [
      { peer: peer(1), state: 'linked', reason: undefined, since: 5, nextAttemptAt: undefined, addresses: [A] },
    ])
  })

  test('each failure doubles the wait, up to a minute, with jitter', () => {
    const contacts = wanting()
    let now = 0
    for (let expected = BACKOFF_FIRST_MS; expected < BACKOFF_MAX_MS * 4; expected *= 2) {
      const next = failOnce(contacts, now)
      const base = Math.min(expected, BACKOFF_MAX_MS)
      assert.ok(
        next - now >= base * 0.8 && next - now <= Math.min(base * 1.2, BACKOFF_MAX_MS),
        `${next - now} for ${base}`,
      )
      assert.deepEqual(contacts.takeDue(next - 1), [])
      now = next
    }
  })

  test('a link that held starts over, one that fell at once does not', () => {
    const contacts = wanting()
    let now = 0
    for (let round = 0; round < 5; round++) now = failOnce(contacts, now)
    contacts.takeDue(now)
    contacts.linked(peer(1), 'direct', now)
    contacts.unlinked(peer(1), 'refused', now + 1)
    assert.ok((contacts.nextDueAt() ?? 0) - now > BACKOFF_FIRST_MS * 8)
    now = contacts.nextDueAt() ?? Number.NaN
    contacts.takeDue(now)
    contacts.linked(peer(1), 'direct', now)
    contacts.unlinked(peer(1), 'lost', now + STABLE_AFTER_MS)
    assert.ok((contacts.nextDueAt() ?? 0) - now - STABLE_AFTER_MS <= BACKOFF_FIRST_MS * 1.2)
    assert.equal(contacts.list()[0]?.reason, 'lost')
  })

  test('a peer without address waits for one', () => {
    const contacts = wanting([])
    assert.equal(contacts.nextDueAt(), undefined)
    assert.equal(contacts.list()[0]?.state, 'no-address')
    assert.equal(contacts.learn(peer(1), [A], 100), true)
    assert.deepEqual(contacts.takeDue(100), [{ peer: peer(1), addresses: [A], direct: false }])
  })

  test('a new address brings the next attempt forward, but not too close to the last', () => {
    const contacts = wanting()
    let now = 0
    for (let round = 0; round < 8; round++) now = failOnce(contacts, now)
    contacts.takeDue(now)
    contacts.dialFailed(peer(1), 'refused', now + 10)
    assert.equal(contacts.learn(peer(1), [A], now + 20), false)
    assert.ok((contacts.nextDueAt() ?? 0) > now + 20_000)
    assert.equal(contacts.learn(peer(1), [B], now + 20), true)
    assert.equal(contacts.nextDueAt(), now + RETRY_FLOOR_MS)
    assert.deepEqual(contacts.takeDue(now + RETRY_FLOOR_MS)[0]?.addresses, [B, A])
  })

  test('an address learned during a dial is tried right after it', () => {
    const contacts = wanting()
    contacts.takeDue(0)
    contacts.learn(peer(1), [B], 1)
    contacts.dialFailed(peer(1), 'refused', 5_000)
    assert.equal(contacts.nextDueAt(), 5_000)
  })

  test('a nudge is a try now', () => {
    const contacts = wanting()
    const next = failOnce(contacts, 0)
    assert.ok(next > 100)
    contacts.nudge(peer(1), 100)
    assert.equal(contacts.nextDueAt(), 100)
    contacts.nudge(peer(2), 100)
    assert.equal(contacts.list().length, 1)
  })

  test('a peer no longer wanted is not dialled, and keeps its addresses', () => {
    const contacts = wanting()
    failOnce(contacts, 0)
    contacts.want(new Map(), 10)
    assert.deepEqual(contacts.takeDue(1e6), [])
    assert.deepEqual(contacts.list(), [])
    contacts.want(new Map([[peer(1), []]]), 20)
    assert.deepEqual(contacts.takeDue(20), [{ peer: peer(1), addresses: [A], direct: false }])
  })

  test('addresses are kept newest first, at most eight, and only plausible ones', () => {
    const contacts = wanting([])
    for (let number = 0; number < 12; number++) contacts.learn(peer(1), [`/ip4/10.0.0.${number}/tcp/1`], number)
    contacts.learn(peer(1), ['nonsense', `${A}/p2p/${peer(7)}`, '/ip4/10.0.0.9/tcp/1'], 20)
    const kept = contacts.addressesOf(peer(1))
    assert.equal(kept.length, 8)
    assert.deepEqual(kept.slice(0, 3), ['/ip4/10.0.0.9/tcp/1', '/ip4/10.0.0.11/tcp/1', '/ip4/10.0.0.10/tcp/1'])
  })

  test('so many dials at a time; those that waited longest go first', () => {
    const contacts = new Contacts(seededRandom(1))
    const peers = Array.from({ length: 12 }, (_, index) => peer(index))
    contacts.want(new Map(peers.map((one) => [one, [A]])), 0)
    const first = contacts.takeDue(0)
    assert.equal(first.length, KEEPER_PARALLEL_DIALS)
    assert.equal(contacts.nextDueAt(), undefined)
    for (const attempt of first) contacts.dialFailed(attempt.peer, 'refused', 1)
    const second = contacts.takeDue(10_000).map((attempt) => attempt.peer)
    assert.deepEqual(second.slice(0, 4), peers.slice(KEEPER_PARALLEL_DIALS))
  })

  test('what is remembered is bounded; wanted and linked peers stay', () => {
    const contacts = wanting()
    contacts.linked(peer(2), 'direct', 0)
    for (let number = 3; number < KNOWN_PEERS + 500; number++) contacts.learn(peer(number), [A], number)
    assert.deepEqual(contacts.addressesOf(peer(1)), [A])
    assert.deepEqual(contacts.addressesOf(peer(3)), [])
    assert.deepEqual(contacts.addressesOf(peer(KNOWN_PEERS + 499)), [A])
    const all = new Map(Array.from({ length: KNOWN_PEERS }, (_, index) => [peer(10_000 + index), [A]] as const))
    contacts.want(all, 0)
    assert.ok(contacts.ignored >= 1)
    assert.ok(contacts.list().length < KNOWN_PEERS)
  })

  test('is brought in line with the links there are', () => {
    const contacts = wanting()
    contacts.takeDue(0)
    contacts.linked(peer(1), 'direct', 0)
    contacts.reconcile(new Map([[peer(2), 'direct' as const]]), 50)
    assert.equal(contacts.list()[0]?.state, 'waiting')
    contacts.reconcile(new Map([[peer(1), 'direct' as const]]), 60)
    assert.equal(contacts.list()[0]?.state, 'linked')
  })

  test('of a relayed peer a direct link is tried for, at growing intervals', () => {
    const contacts = wanting()
    contacts.takeDue(0)
    contacts.linked(peer(1), 'relayed', 0)
    assert.equal(contacts.list()[0]?.state, 'relayed')
    let now = 0
    for (const wait of [UPGRADE_FIRST_MS, 2 * UPGRADE_FIRST_MS, 4 * UPGRADE_FIRST_MS]) {
      const due = contacts.nextDueAt() ?? Number.NaN
      assert.ok(due - now <= 1.2 * wait && due - now >= 0.8 * wait, `${due - now}`)
      now = due
      assert.deepEqual(contacts.takeDue(now), [{ peer: peer(1), addresses: [A], direct: true }])
      contacts.dialFailed(peer(1), 'no answer', now)
      assert.deepEqual([contacts.list()[0]?.state, contacts.list()[0]?.reason], ['relayed', 'no answer'])
    }
    contacts.takeDue(contacts.nextDueAt() ?? Number.NaN)
    contacts.linked(peer(1), 'direct', now + 1e5)
    assert.deepEqual([contacts.list()[0]?.state, contacts.nextDueAt()], ['linked', undefined])
  })

  test('a peer that called over a relay is wanted later: it has the time to say where it is', () => {
    const contacts = new Contacts(seededRandom(1))
    contacts.linked(peer(1), 'relayed', 0)
    assert.equal(contacts.nextDueAt(), undefined)
    contacts.want(new Map([[peer(1), []]]), 100)
    assert.equal(contacts.nextDueAt(), UPGRADE_FIRST_MS)
  })

  test('a relayed link that falls while a direct one is tried for is not dialled twice', () => {
    const contacts = wanting()
    contacts.takeDue(0)
    contacts.linked(peer(1), 'relayed', 0)
    contacts.takeDue(UPGRADE_FIRST_MS)
    contacts.unlinked(peer(1), 'the relay is gone', 3_000)
    assert.deepEqual([contacts.list()[0]?.state, contacts.takeDue(1e6)], ['dialing', []])
    contacts.dialFailed(peer(1), 'no answer', 4_000)
    assert.equal(contacts.list()[0]?.state, 'waiting')
  })
})
