import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PRIORITIES, type Priority } from '../../../src/bus/index.ts'
import { outgoing } from '../../../src/bus/lane-queue.ts'
import { BULK_SHARE_BYTES, BULK_WINDOW_FIRST_BYTES, WRITE_MAX_BYTES } from '../../../src/bus/limits.ts'
import { LANE_OF, Scheduler } from '../../../src/bus/scheduler.ts'

/** Frames carry their priority and number, so that what was written can be read back. */
function numbered(priority: Priority, number: number, bytes: number): Uint8Array {
  const frame = Buffer.alloc(Math.max(9, bytes))
  frame.writeUInt32BE(frame.byteLength, 0)
  frame.writeUInt8(PRIORITIES.indexOf(priority), 4)
  frame.writeUInt32BE(number, 5)
  return frame
}

class Reader {
  readonly seen: Record<Priority, number[]> = { critical: [], high: [], normal: [], low: [] }
  #rest: Buffer = Buffer.alloc(0)

  push(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.byteLength >= 9 && this.#rest.byteLength >= this.#rest.readUInt32BE(0)) {
      this.seen[PRIORITIES[this.#rest.readUInt8(4)]!].push(this.#rest.readUInt32BE(5))
      this.#rest = this.#rest.subarray(this.#rest.readUInt32BE(0))
    }
  }
}

const priority = fc.constantFrom(...PRIORITIES)
const step = fc.oneof(
  fc.record({ do: fc.constant('offer' as const), priority, bytes: fc.oneof(fc.nat(2000), fc.nat(300_000)) }),
  fc.record({ do: fc.constant('take' as const), priority }),
  fc.record({ do: fc.constant('grant' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
)

test('frames of one priority come out once and in order, and bulk never exceeds its credit', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const scheduler = new Scheduler()
      const readers = { control: new Reader(), critical: new Reader(), normal: new Reader(), bulk: new Reader() }
      const offered: Record<Priority, number[]> = { critical: [], high: [], normal: [], low: [] }
      const frameSizes: number[] = []
      let inFlight = 0
      let count = 0
      const take = (of: Priority): boolean => {
        const lane = LANE_OF[of]
        const bytes = scheduler.take(lane, 0)
        if (bytes === undefined) return false
        assert.ok(bytes.byteLength > 0 && bytes.byteLength <= WRITE_MAX_BYTES)
        readers[lane].push(bytes)
        if (lane === 'bulk') inFlight += bytes.byteLength
        assert.ok(inFlight <= Math.max(BULK_WINDOW_FIRST_BYTES, ...frameSizes))
        return true
      }
      // Credit for whole frames only, as the receiver gives it.
      let credited = 0
      const grant = (part: number): void => {
        const arrived = readers.bulk.seen.low
          .map((number) => sizes.get(number) ?? 0)
          .reduce((sum, size) => sum + size, 0)
        const bytes = Math.floor((arrived - credited) * part)
        credited += bytes
        inFlight -= bytes
        assert.equal(scheduler.grant(bytes), true)
      }
      const sizes = new Map<number, number>()
      for (const one of steps) {
        if (one.do === 'take') take(one.priority)
        else if (one.do === 'grant') grant(one.part)
        else {
          const frame = numbered(one.priority, count, one.bytes)
          if (!scheduler.offer(one.priority, outgoing(frame, Number.POSITIVE_INFINITY), 0)) continue
          sizes.set(count, frame.byteLength)
          if (one.priority === 'low') frameSizes.push(frame.byteLength)
          offered[one.priority].push(count++)
        }
      }
      // Credit first: it may be what the rest waits for.
      do grant(1)
      while (PRIORITIES.map(take).includes(true))
      for (const of of PRIORITIES) assert.deepEqual(readers[LANE_OF[of]].seen[of], offered[of])
      assert.equal(scheduler.queuedBytes, 0)
      assert.equal(scheduler.queuedFrames, 0)
    }),
    { numRuns: 300 },
  )
})

test('low is never starved, however much of the others comes', () => {
  const urgent = fc.array(
    fc.record({ priority: fc.constantFrom('critical', 'high', 'normal'), bytes: fc.integer({ min: 1, max: 60_000 }) }),
    {
      minLength: 1,
      maxLength: 10,
    },
  )
  fc.assert(
    fc.property(urgent, (mix) => {
      const scheduler = new Scheduler()
      scheduler.offer('low', outgoing(numbered('low', 1, 100), Number.POSITIVE_INFINITY), 0)
      let others = 0
      // The lanes are never empty: bulk must get its turn within its share all the same.
      const refill = (): void => {
        for (const one of mix) {
          const entry = outgoing(numbered(one.priority as Priority, 0, one.bytes), Number.POSITIVE_INFINITY)
          while (scheduler.fill(LANE_OF[one.priority as Priority]) < 0.2)
            scheduler.offer(one.priority as Priority, entry, 0)
        }
      }
      for (;;) {
        refill()
        for (const lane of ['control', 'critical', 'normal'] as const)
          others += scheduler.take(lane, 0)?.byteLength ?? 0
        if (scheduler.take('bulk', 0) !== undefined) break
        assert.ok(others <= BULK_SHARE_BYTES + 2 * WRITE_MAX_BYTES)
      }
    }),
    { numRuns: 50 },
  )
})

test('normal is never starved by high', () => {
  const scheduler = new Scheduler()
  for (let n = 0; n < 1000; n++)
    scheduler.offer('high', outgoing(numbered('high', n, 1000), Number.POSITIVE_INFINITY), 0)
  for (let n = 0; n < 100; n++)
    scheduler.offer('normal', outgoing(numbered('normal', n, 1000), Number.POSITIVE_INFINITY), 0)
  const reader = new Reader()
  for (let n = 0; n < 10; n++) reader.push(scheduler.take('normal', 0) ?? new Uint8Array(0))
  assert.ok(reader.seen.normal.length >= reader.seen.high.length / 8 - 1)
})
