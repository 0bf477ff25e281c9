import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { peerIdOfKey, seededRandom } from '../../../src/base/index.ts'
import { BACKOFF_MAX_MS, Contacts, KEEPER_PARALLEL_DIALS } from '../../../src/network/contacts.ts'

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
  fc.record({ do: fc.constant('linked' as const), peer: peers }),
  fc.record({ do: fc.constant('unlinked' as const), peer: peers }),
  fc.record({ do: fc.constant('failed' as const), peer: peers }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(90_000) }),
)

test('whatever happens, no wanted peer is forgotten and none is dialled twice at once', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80 }), fc.integer(), (script, seed) => {
      const contacts = new Contacts(seededRandom(seed))
      const dialling = new Set<string>()
      let now = 0
      for (const step of script) {
        if (step.do === 'wait') now += step.ms
        else if (step.do === 'want') contacts.want(new Map(step.peers.map((peer) => [peer, step.addresses])), now)
        else if (step.do === 'learn') contacts.learn(step.peer, step.addresses, now)
        else if (step.do === 'nudge') contacts.nudge(step.peer, now)
        else if (step.do === 'unlinked') contacts.unlinked(step.peer, 'lost', now)
        else {
          dialling.delete(step.peer)
          if (step.do === 'linked') contacts.linked(step.peer, now)
          else contacts.dialFailed(step.peer, 'refused', now)
        }
        for (const attempt of contacts.takeDue(now)) {
          assert.ok(!dialling.has(attempt.peer), 'dialled twice')
          assert.ok(attempt.addresses.length > 0, 'dialled without an address')
          dialling.add(attempt.peer)
        }
        assert.ok(dialling.size <= KEEPER_PARALLEL_DIALS)
        const next = contacts.nextDueAt()
        for (const { peer, state, nextAttemptAt, addresses: known, reason } of contacts.list()) {
          assert.equal(state === 'dialing', dialling.has(peer), `${state} in the list`)
          if (state === 'no-address') assert.deepEqual(known, [])
          if (state !== 'linked' && state !== 'dialing') assert.ok(reason)
          if (state !== 'waiting') continue
          assert.ok(nextAttemptAt !== undefined && nextAttemptAt <= now + BACKOFF_MAX_MS)
          if (dialling.size < KEEPER_PARALLEL_DIALS)
            assert.ok(next !== undefined && next <= nextAttemptAt && next > now)
        }
      }
    }),
    { numRuns: 500 },
  )
})
