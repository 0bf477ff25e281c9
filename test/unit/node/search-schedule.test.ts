import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, peerIdOfKey, seededRandom } from '../../../src/base/index.ts'
import {
  SEARCH_FIRST_MS,
  SEARCH_MAX_MS,
  SEARCHES_PER_ROUND,
  SearchSchedule,
} from '../../../src/node/search-schedule.ts'

const peers = (count: number): PeerId[] =>
  Array.from({ length: count }, (_, n) => peerIdOfKey(new Uint8Array(32).fill(n + 1)))

test('a member is looked for once it has been away for a while, then less and less often', () => {
  const schedule = new SearchSchedule(seededRandom(1))
  const away = new Set(peers(1))
  const searches: number[] = []
  for (let now = 0; now < 12 * 3_600_000; now += 1_000) if (schedule.takeDue(away, now).length > 0) searches.push(now)
  assert.ok((searches[0] ?? 0) >= SEARCH_FIRST_MS / 2)
  assert.ok(searches.length >= 24 && searches.length <= 48, `${searches.length} searches in twelve hours`)
  const last = (searches.at(-1) ?? 0) - (searches.at(-2) ?? 0)
  assert.ok(last <= 1.5 * SEARCH_MAX_MS + 1_000)
})

test('one that was in reach meanwhile begins anew', () => {
  const schedule = new SearchSchedule(seededRandom(1))
  const away = new Set(peers(1))
  for (let now = 0; now < 3_600_000; now += 1_000) schedule.takeDue(away, now)
  schedule.takeDue(new Set(), 3_600_000)
  assert.equal(schedule.size, 0)
  schedule.takeDue(away, 3_601_000)
  assert.equal(schedule.takeDue(away, 3_601_000 + 2 * SEARCH_FIRST_MS).length, 1)
})

test('of many, only a few are looked for at a time, and each has its turn', () => {
  const schedule = new SearchSchedule(seededRandom(1))
  const away = new Set(peers(40))
  const looked = new Set<PeerId>()
  for (let now = 0; now < 60_000; now += 1_000) {
    const due = schedule.takeDue(away, now)
    assert.ok(due.length <= SEARCHES_PER_ROUND)
    for (const peer of due) looked.add(peer)
  }
  assert.equal(looked.size, 40)
})
