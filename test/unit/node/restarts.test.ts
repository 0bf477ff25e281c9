import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../../src/base/index.ts'
import { RESTART_FIRST_MS, RESTART_FORGET_MS, RESTART_LONGEST_MS, Restarts } from '../../../src/node/restarts.ts'

/** In the middle of every jitter. */
const even: Random = { bytes: (length) => new Uint8Array(length), unit: () => 0.5 }

test('each failure in a row doubles the wait, up to the longest', () => {
  const restarts = new Restarts(even)
  const waits = Array.from({ length: 12 }, () => restarts.failed(0))
  assert.deepEqual(
    waits.slice(0, 4),
    [1, 2, 4, 8].map((times) => times * RESTART_FIRST_MS),
  )
  assert.deepEqual(waits.slice(-3), Array(3).fill(RESTART_LONGEST_MS))
  assert.deepEqual([restarts.failures, restarts.total], [12, 0])
})

test('jitter spreads the waits, and none exceeds the longest', () => {
  for (const unit of [0, 0.999]) {
    const restarts = new Restarts({ ...even, unit: () => unit })
    const waits = Array.from({ length: 12 }, () => restarts.failed(0))
    assert.notEqual(waits[0], RESTART_FIRST_MS)
    assert.ok(waits.every((wait) => wait >= 0.8 * RESTART_FIRST_MS && wait <= RESTART_LONGEST_MS))
  }
})

test('whoever fails soon after each start keeps its place in the row', () => {
  const restarts = new Restarts(even)
  let now = 0
  for (let round = 0; round < 5; round++) {
    now += restarts.failed(now)
    restarts.started(now)
    now += RESTART_FORGET_MS - 1
  }
  assert.deepEqual([restarts.failures, restarts.total], [5, 5])
})

test('whoever was well for a while begins with the first wait again, and the total stays', () => {
  const restarts = new Restarts(even)
  for (let round = 0; round < 5; round++) restarts.failed(0)
  restarts.started(1_000)
  assert.equal(restarts.failed(1_000 + RESTART_FORGET_MS), RESTART_FIRST_MS)
  assert.deepEqual([restarts.failures, restarts.total], [1, 1])
})

test('a start without a failure before it is no restart', () => {
  const restarts = new Restarts(even)
  restarts.started(0)
  assert.equal(restarts.total, 0)
})
