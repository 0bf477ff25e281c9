import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCbor, type PeerId, peerIdOfKey, VirtualClock } from '../../../src/base/index.ts'
import type { Bus, PeerPresence, QueryAnswer } from '../../../src/bus/index.ts'
import { peerClocks } from '../../../src/node/peer-clocks.ts'

const [ADA, BOB, EVE]: readonly PeerId[] = [1, 2, 3].map((n) => peerIdOfKey(new Uint8Array(32).fill(n)))

test('only ready peers are asked, and their clocks are taken for read half way', async () => {
  const clock = new VirtualClock(1_000_000)
  const asked: PeerId[] = []
  const answers: QueryAnswer[] = [
    { peer: ADA!, body: encodeCbor(1_000_050), elapsedMs: 100 },
    { peer: BOB!, body: encodeCbor('now'), elapsedMs: 1 },
  ]
  const presence = [
    { peer: ADA, state: 'ready' },
    { peer: BOB, state: 'ready' },
    { peer: EVE, state: 'offline' },
  ] as PeerPresence[]
  const query: Bus['query'] = async (peers) => {
    asked.push(...peers)
    clock.advance(100)
    return { answers, coverage: { asked: 2, answered: 2, failed: [], silent: [] } }
  }
  const bus = { presence: () => presence, query } as unknown as Bus
  const clocks = await peerClocks(bus, clock, new AbortController().signal)
  assert.deepEqual(asked, [ADA, BOB])
  assert.deepEqual(clocks, [{ peer: ADA, offsetMs: 0, uncertaintyMs: 50 }])
})
