import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReceiveWindow, SendWindow } from '../../../src/bus/credit.ts'
import { type Outgoing, outgoing } from '../../../src/bus/lane-queue.ts'
import {
  BULK_PATIENCE_MS,
  BULK_WINDOW_FIRST_BYTES,
  LANE_BOUNDS,
  WAITING_MAX_FRAMES,
  WRITE_MAX_BYTES,
} from '../../../src/bus/limits.ts'
import { Scheduler } from '../../../src/bus/scheduler.ts'

const sized = (bytes: number, fill = 0): Outgoing =>
  outgoing(new Uint8Array(bytes).fill(fill), Number.POSITIVE_INFINITY)

test('many small frames go in one write, in order', () => {
  const scheduler = new Scheduler()
  for (let n = 0; n < 100; n++) scheduler.offer('normal', sized(1000, n), 0)
  const first = scheduler.take('normal', 0)
  const second = scheduler.take('normal', 0)
  assert.equal(first?.byteLength, 65_000)
  assert.equal(second?.byteLength, 35_000)
  assert.deepEqual([first?.[0], first?.[64_999], second?.[0], second?.[34_999]], [0, 64, 65, 99])
  assert.equal(scheduler.take('normal', 0), undefined)
  assert.equal(scheduler.queuedBytes, 0)
})

test('a large frame goes in slices', () => {
  const scheduler = new Scheduler()
  scheduler.offer('normal', sized(WRITE_MAX_BYTES * 2 + 1), 0)
  const sizes = [1, 2, 3, 4].map(() => scheduler.take('normal', 0)?.byteLength)
  assert.deepEqual(sizes, [WRITE_MAX_BYTES, WRITE_MAX_BYTES, 1, undefined])
})

test('high goes before normal, but not for ever', () => {
  const scheduler = new Scheduler()
  for (let n = 0; n < 3; n++) scheduler.offer('normal', sized(1, 0), 0)
  for (let n = 0; n < 20; n++) scheduler.offer('high', sized(1, 1), 0)
  const order = [...(scheduler.take('normal', 0) ?? [])].join('')
  assert.equal(order, `${'1'.repeat(8)}0${'1'.repeat(8)}0${'1'.repeat(4)}0`)
})

test('what is too old is not sent, and counted', () => {
  const scheduler = new Scheduler()
  scheduler.offer('critical', outgoing(new Uint8Array(1), 100), 0)
  scheduler.offer('critical', outgoing(new Uint8Array(2), 200), 0)
  assert.equal(scheduler.take('critical', 150)?.byteLength, 2)
  assert.equal(scheduler.expired, 1)
})

test('what was cancelled in the queue is passed over', () => {
  const scheduler = new Scheduler()
  const entry = sized(1, 7)
  scheduler.offer('normal', entry, 0)
  scheduler.offer('normal', sized(1, 8), 0)
  entry.state = 'cancelled'
  assert.deepEqual([...(scheduler.take('normal', 0) ?? [])], [8])
  assert.equal(scheduler.expired, 0)
})

test('a full lane refuses, unless old frames make room', () => {
  const scheduler = new Scheduler()
  const { frames } = LANE_BOUNDS.critical
  for (let n = 0; n < frames; n++) assert.equal(scheduler.offer('critical', outgoing(new Uint8Array(1), 10), 0), true)
  assert.equal(scheduler.offer('critical', sized(1), 0), false)
  assert.equal(scheduler.offer('critical', sized(1), 10), true)
  assert.equal(scheduler.expired, frames)
})

test('those who wait are let in by order, and nobody passes them', () => {
  const scheduler = new Scheduler()
  const { bytes } = LANE_BOUNDS.critical
  scheduler.offer('critical', sized(bytes), 0)
  const taken: number[] = []
  const leaves = [0, 1, 2].map((n) => scheduler.wait('critical', sized(WRITE_MAX_BYTES, n), () => taken.push(n)))
  leaves[1]?.()
  assert.equal(scheduler.offer('critical', sized(1), 0), false)
  scheduler.take('critical', 0)
  assert.deepEqual(taken, [0])
  scheduler.take('critical', 0)
  assert.deepEqual(taken, [0, 2])
})

test('the line for a lane is bounded', () => {
  const scheduler = new Scheduler()
  for (let n = 0; n < WAITING_MAX_FRAMES; n++)
    assert.notEqual(
      scheduler.wait('low', sized(1), () => undefined),
      undefined,
    )
  assert.equal(
    scheduler.wait('low', sized(1), () => undefined),
    undefined,
  )
})

test('a lane whose frames have all expired lets in those who wait', () => {
  const scheduler = new Scheduler()
  scheduler.offer('normal', outgoing(new Uint8Array(LANE_BOUNDS.normal.bytes), 10), 0)
  let taken = false
  scheduler.wait('normal', sized(3), () => {
    taken = true
  })
  assert.equal(scheduler.take('normal', 20)?.byteLength, 3)
  assert.equal(taken, true)
})

test('bulk waits for anything more urgent, until its patience ends', () => {
  const scheduler = new Scheduler()
  scheduler.offer('low', sized(10), 0)
  scheduler.offer('normal', sized(10), 0)
  assert.equal(scheduler.take('bulk', 0), undefined)
  assert.equal(scheduler.bulkDueIn(100), BULK_PATIENCE_MS - 100)
  assert.equal(scheduler.take('bulk', BULK_PATIENCE_MS)?.byteLength, 10)
  assert.equal(scheduler.bulkDueIn(BULK_PATIENCE_MS), undefined)
})

test('bulk stays within its credit, and goes on when credit comes', () => {
  const scheduler = new Scheduler()
  for (let n = 0; n < 20; n++) scheduler.offer('low', sized(WRITE_MAX_BYTES), 0)
  const takeAll = (): number => {
    let sum = 0
    for (let bytes = scheduler.take('bulk', 0); bytes !== undefined; bytes = scheduler.take('bulk', 0))
      sum += bytes.byteLength
    return sum
  }
  assert.equal(takeAll(), BULK_WINDOW_FIRST_BYTES)
  assert.equal(scheduler.grant(WRITE_MAX_BYTES), true)
  assert.equal(takeAll(), WRITE_MAX_BYTES)
  assert.equal(scheduler.grant(BULK_WINDOW_FIRST_BYTES + 1), false)
})

test('a frame larger than the window goes alone', () => {
  const window = new SendWindow({ windowBytes: 100 })
  assert.equal(window.allows(500), true)
  window.spend(500)
  assert.equal(window.allows(1), false)
  window.grant(500)
  window.spend(1)
  assert.equal(window.allows(500), false)
})

test('credit is given back in small parts, and whole when nothing is held', () => {
  const window = new ReceiveWindow({ windowBytes: 100 })
  for (let n = 0; n < 10; n++) assert.equal(window.arrive(10), true)
  assert.equal(window.arrive(1), false)
  window.settle(6)
  assert.equal(window.take(), 0)
  window.settle(4)
  assert.equal(window.take(), 10)
  window.settle(90)
  assert.equal(window.take(), 90)
  assert.equal(window.take(), 0)
})
