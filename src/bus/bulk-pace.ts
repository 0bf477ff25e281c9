import { BULK_WINDOW_FIRST_BYTES, BULK_WINDOW_MIN_BYTES } from './limits.ts'

/** How much bulk one may have in flight to a peer, and what that was found out from. */
export interface BulkPace {
  /** What may be in flight now. */
  readonly windowBytes: number
  /** What may be, when it is not being measured how short a round trip can be. */
  readonly learnedBytes: number
  /** The shortest round trip of this period and of the one before it, in ms: what the way takes when nothing queues. */
  readonly shortestMs: number
  readonly shortestBeforeMs: number
  /** Monotonic ms. */
  readonly periodEnd: number
  /** When the last round trip was measured. Monotonic ms. */
  readonly at: number
  /** Round trips for which the smallest window is kept yet. */
  readonly resting: number
  /** The latest round trips, in ms. */
  readonly recentMs: readonly number[]
}

export interface RoundTrip {
  /** Of a frame that is not bulk, while bulk was in flight or not. */
  readonly rttMs: number
  /** Monotonic ms. */
  readonly now: number
  /** Bulk that the peer gave credit for since the last round trip. */
  readonly takenBytes: number
  /** Bulk had to wait for the window since then. */
  readonly waited: boolean
  /** What the peer allows. */
  readonly maxBytes: number
}

/** Routes change: a shortest round trip is believed for a period, which is the longer of these, and the next. */
const PERIOD_MS = 30_000
const PERIOD_ROUND_TRIPS = 32
/** A single round trip may be long for many reasons, such as a pause of either process; the median of a few says more. */
const RECENT = 3
/** What more urgent frames may be delayed to. */
const DELAY_FACTOR = 1.5
const DELAY_SLACK_MS = 0.1
/** A queue that is no longer than this is not worth a link that stands idle between one write and the next. */
const QUEUE_MS = 4
const QUEUE_MAX_BYTES = 192 * 1024
/** Part of the window that is added or taken off at once. */
const STEP = 1 / 8

export function firstPace(): BulkPace {
  return {
    windowBytes: BULK_WINDOW_FIRST_BYTES,
    learnedBytes: BULK_WINDOW_FIRST_BYTES,
    shortestMs: Number.POSITIVE_INFINITY,
    shortestBeforeMs: Number.POSITIVE_INFINITY,
    periodEnd: Number.NEGATIVE_INFINITY,
    at: 0,
    resting: 0,
    recentMs: [],
  }
}

/**
 * Widens the window while round trips stay near the shortest one and narrows it when they grow, as LEDBAT does (RFC 6817):
 * bulk takes what nobody else wants, and what is urgent finds a short queue on any link, fast or slow, near or far. Each
 * period begins with a few round trips at the smallest window, so that a queue of our own is never taken for the way itself.
 */
export function nextPace(pace: BulkPace, { rttMs, now, takenBytes, waited, maxBytes }: RoundTrip): BulkPace {
  const isNewPeriod = now >= pace.periodEnd
  const shortestMs = isNewPeriod ? rttMs : Math.min(pace.shortestMs, rttMs)
  const shortestBeforeMs = isNewPeriod ? pace.shortestMs : pace.shortestBeforeMs
  const recentMs = [...pace.recentMs, rttMs].slice(-RECENT)
  const allowedMs = Math.min(shortestMs, shortestBeforeMs) * DELAY_FACTOR + DELAY_SLACK_MS
  const resting = isNewPeriod ? RECENT : Math.max(0, pace.resting - 1)
  const isFull = waited && takenBytes > 0 && pace.resting === 0
  const change = middle(recentMs) > allowedMs ? -STEP : isFull ? STEP : 0
  const queueBytes = (takenBytes / Math.max(now - pace.at, 1)) * QUEUE_MS
  const leastBytes = Math.max(BULK_WINDOW_MIN_BYTES, Math.min(queueBytes, QUEUE_MAX_BYTES))
  const learnedBytes = Math.ceil(Math.max(pace.learnedBytes * (1 + change), leastBytes))
  return {
    windowBytes: Math.min(resting > 0 ? BULK_WINDOW_MIN_BYTES : learnedBytes, maxBytes),
    learnedBytes: Math.min(learnedBytes, maxBytes),
    at: now,
    shortestMs,
    shortestBeforeMs,
    periodEnd: isNewPeriod ? now + Math.max(PERIOD_MS, rttMs * PERIOD_ROUND_TRIPS) : pace.periodEnd,
    resting,
    recentMs,
  }
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
