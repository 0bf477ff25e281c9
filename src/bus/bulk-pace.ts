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
  /** Since the last round trip bulk went, and had to wait for the window. */
  readonly limited: boolean
  /** What the peer allows. */
  readonly maxBytes: number
}

/** Routes change: a shortest round trip is believed for a period, which is the longer of these, and the next. */
const PERIOD_MS = 30_000
const PERIOD_ROUND_TRIPS = 32
/** A single round trip may be long for many reasons, such as a pause of either process; not so the shortest of a few. */
const RECENT = 3
/** What more urgent frames may be delayed to. */
const DELAY_FACTOR = 1.5
const DELAY_SLACK_MS = 0.25
/** Part of the window that is added or taken off at once. */
const STEP = 1 / 8

export function firstPace(): BulkPace {
  return {
    windowBytes: BULK_WINDOW_FIRST_BYTES,
    learnedBytes: BULK_WINDOW_FIRST_BYTES,
    shortestMs: Number.POSITIVE_INFINITY,
    shortestBeforeMs: Number.POSITIVE_INFINITY,
    periodEnd: Number.NEGATIVE_INFINITY,
    resting: 0,
    recentMs: [],
  }
}

/**
 * Widens the window while round trips stay near the shortest one and narrows it when they grow, as LEDBAT does (RFC 6817):
 * bulk takes what nobody else wants, and what is urgent finds a short queue on any link, fast or slow, near or far. Each
 * period begins with a few round trips at the smallest window, so that a queue of our own is never taken for the way itself.
 */
export function nextPace(pace: BulkPace, { rttMs, now, limited, maxBytes }: RoundTrip): BulkPace {
  const isNewPeriod = now >= pace.periodEnd
  const shortestMs = isNewPeriod ? rttMs : Math.min(pace.shortestMs, rttMs)
  const shortestBeforeMs = isNewPeriod ? pace.shortestMs : pace.shortestBeforeMs
  const recentMs = [...pace.recentMs, rttMs].slice(-RECENT)
  const allowedMs = Math.min(shortestMs, shortestBeforeMs) * DELAY_FACTOR + DELAY_SLACK_MS
  const resting = isNewPeriod ? RECENT : Math.max(0, pace.resting - 1)
  const change = Math.min(...recentMs) > allowedMs ? -STEP : limited && pace.resting === 0 ? STEP : 0
  const learnedBytes = Math.max(Math.ceil(pace.learnedBytes * (1 + change)), BULK_WINDOW_MIN_BYTES)
  return {
    windowBytes: Math.min(resting > 0 ? BULK_WINDOW_MIN_BYTES : learnedBytes, maxBytes),
    learnedBytes: Math.min(learnedBytes, maxBytes),
    shortestMs,
    shortestBeforeMs,
    periodEnd: isNewPeriod ? now + Math.max(PERIOD_MS, rttMs * PERIOD_ROUND_TRIPS) : pace.periodEnd,
    resting,
    recentMs,
  }
}
