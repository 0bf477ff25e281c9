import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/base/index.ts'
import { type BulkPace, firstPace, nextPace } from '../../../src/bus/bulk-pace.ts'
import { BULK_PROBE_MS, BULK_WINDOW_BYTES, BULK_WINDOW_MIN_BYTES } from '../../../src/bus/limits.ts'

/** A link on which what is in flight queues behind a bottleneck, and on which bulk has always more to send. */
interface Path {
  readonly delayMs: number
  readonly bytesPerMs: number
}

const ALL_THAT_GOES = { waited: true, maxBytes: BULK_WINDOW_BYTES }
const NOTHING = { takenBytes: 0, waited: false, maxBytes: BULK_WINDOW_BYTES }

function rttOf({ delayMs, bytesPerMs }: Path, windowBytes: number): number {
  return delayMs + Math.max(0, windowBytes - delayMs * bytesPerMs) / bytesPerMs
}

/** Lets bulk flow for a while, a round trip being measured as often as the bus does; returns the windows it had. */
function flow(path: Path, forMs: number, clock: VirtualClock, start: BulkPace = firstPace()): BulkPace[] {
  const paces = [start]
  for (const end = clock.monotonic() + forMs; clock.monotonic() < end; ) {
    const pace = paces.at(-1)!
    const rttMs = rttOf(path, pace.windowBytes)
    const passed = Math.max(BULK_PROBE_MS, rttMs)
    clock.advance(passed)
    const takenBytes = (pace.windowBytes / rttMs) * passed
    paces.push(nextPace(pace, { ...ALL_THAT_GOES, rttMs, now: clock.monotonic(), takenBytes }))
  }
  return paces
}

function idle(delayMs: number, clock: VirtualClock): BulkPace {
  return nextPace(firstPace(), { ...NOTHING, rttMs: delayMs, now: clock.monotonic() })
}

test('on a long fat link the window grows until the link is full', () => {
  const clock = new VirtualClock()
  const path: Path = { delayMs: 60, bytesPerMs: 10_000 }
  const last = flow(path, 10_000, clock, idle(path.delayMs, clock)).at(-1)!
  assert.ok(last.learnedBytes >= path.delayMs * path.bytesPerMs)
  assert.ok(rttOf(path, last.learnedBytes) <= path.delayMs * 1.7)
})

test('on a slow link the window shrinks until what is urgent waits little', () => {
  const clock = new VirtualClock()
  const path: Path = { delayMs: 100, bytesPerMs: 1_000 }
  const last = flow(path, 600_000, clock, idle(path.delayMs, clock)).at(-1)!
  assert.ok(rttOf(path, last.learnedBytes) <= path.delayMs * 1.7)
})

test('a link that is slower than any window allows keeps a small one', () => {
  const clock = new VirtualClock()
  const path: Path = { delayMs: 1, bytesPerMs: 10 }
  const last = flow(path, 3_600_000, clock, idle(path.delayMs, clock)).at(-1)!
  assert.ok(last.learnedBytes <= BULK_WINDOW_MIN_BYTES * 3)
})

test('one long round trip among short ones changes nothing', () => {
  const clock = new VirtualClock()
  let pace = idle(10, clock)
  for (let n = 0; n < 10; n++) {
    clock.advance(BULK_PROBE_MS)
    const rttMs = n % 3 === 2 ? 500 : 10
    pace = nextPace(pace, { ...NOTHING, rttMs, now: clock.monotonic() })
  }
  assert.equal(pace.learnedBytes, firstPace().learnedBytes)
})

test('a window that bulk does not fill does not grow', () => {
  const clock = new VirtualClock()
  const first = idle(10, clock)
  clock.advance(1000)
  const next = nextPace(first, { ...NOTHING, rttMs: 10, now: clock.monotonic() })
  assert.equal(next.learnedBytes, first.learnedBytes)
})

test('a route that became longer is no longer measured against the old one', () => {
  const clock = new VirtualClock()
  const near = idle(1, clock)
  const far: Path = { delayMs: 50, bytesPerMs: 10_000 }
  const paces = flow(far, 120_000, clock, near)
  assert.ok(paces.at(-1)!.learnedBytes >= far.delayMs * far.bytesPerMs)
})
