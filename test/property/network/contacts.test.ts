import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { peerIdOfKey, seededRandom } from '../../../src/base/index.ts'
import { BACKOFF_MAX_MS, Contacts, KEEPER_PARALLEL_DIALS, UPGRADE_MAX_MS } from '../../../src/network/contacts.ts'

const PEERS = Array.from({ length: 12 }, (_, index) => peerIdOfKey(new Uint8Array(32).fill(index)))

const peers = fc.constantFrom(...PEERS)
const addresses = fc.array(
  fc.integer({ min: 1, max: 20 }).map((number) => `/ip4/10.0.0.${number}/tcp/1`),
  { maxLength: 3 },
)
const steps = fc.oneof(
  fc.record({ do: fc.constant('want' as const), peers: fc.array(peers), addresses }),
  fc.record({ do: fc.constant('learn' as const), peer: peers, addresses }),
  fc.record({ do: fc.constant('nudge' as const), peer: peers }),
  fc.record({ do: fc.constantFrom('linked' as const, 'relayed' as const), peer: peers }),
  fc.record({ do: fc.constant('unlinked' as const), peer: peers }),
  fc.record({ do: fc.constant('failed' as const), peer: peers }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(90_000) }),
)

test('whatever happens, no wanted peer is forgotten and none is dialled twice at once', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80 }), fc.integer(), (script, seed) => {
      const contacts = new Contacts(seededRandom(seed))
      const dialling = new Set<string>()
      const relayed = new Set<string>()
      let now = 0
      for (const step of script) {
        if (step.do === 'wait') now += step.ms
        else if (step.do === 'want') contacts.want(new Map(step.peers.map((peer) => [peer, step.addresses])), now)
        else if (step.do === 'learn') contacts.learn(step.peer, step.addresses, now)
        else if (step.do === 'nudge') contacts.nudge(step.peer, now)
        else if (step.do === 'unlinked') {
          contacts.unlinked(step.peer, 'lost', now)
          relayed.delete(step.peer)
        } else if (step.do === 'relayed') {
          contacts.linked(step.peer, 'relayed', now)
          // Another relayed link does not end a dial for a direct one.
          if (!relayed.has(step.peer)) dialling.delete(step.peer)
          relayed.add(step.peer)
        } else if (step.do === 'linked') {
          contacts.linked(step.peer, 'direct', now)
          dialling.delete(step.peer)
          relayed.delete(step.peer)
        } else {
          contacts.dialFailed(step.peer, 'refused', now)
          dialling.delete(step.peer)
        }
        for (const attempt of contacts.takeDue(now)) {
          assert.ok(!dialling.has(attempt.peer), 'dialled twice')
          assert.ok(attempt.addresses.length > 0 || attempt.direct, 'dialled without an address')
          dialling.add(attempt.peer)
        }
        assert.ok(dialling.size <= KEEPER_PARALLEL_DIALS)
        const next = contacts.nextDueAt()
        for (const { peer, state, nextAttemptAt, addresses: known, reason } of contacts.list()) {
          if (state !== 'relayed') assert.equal(state === 'dialing', dialling.has(peer), `${state} in the list`)
          if (state === 'no-address') assert.deepEqual(known, [])
          if (state === 'waiting' || state === 'no-address') assert.ok(reason)
          if (nextAttemptAt === undefined) continue
          const latest = state === 'relayed' ? 1.2 * UPGRADE_MAX_MS : BACKOFF_MAX_MS
          assert.ok(nextAttemptAt <= now + latest)
          if (dialling.size < KEEPER_PARALLEL_DIALS && !dialling.has(peer))
            assert.ok(next !== undefined && next <= nextAttemptAt && next > now)
        }
      }
    }),
    { numRuns: 500 },
  )
})
