import type { PeerId } from '../base/index.ts'
import type { Comparison } from './comparison.ts'
import type { Group } from './log-index.ts'
import type { Range } from './wire.ts'

/** After a failure the peer is asked again after so long, then twice as long, and so on. */
const RETRY_MIN_MS = 5_000
const RETRY_MAX_MS = 300_000

export interface OpenWant {
  readonly ranges: readonly Range[]
  readonly asked: number
  got: number
}

/** Where we stand with one peer. */
export interface Pull {
  readonly peer: PeerId
  /** idle -> hello -> asking -> fetch -> asking -> ... -> idle, or await in the place of asking; news and gaps: idle -> fetch -> idle. */
  phase: 'idle' | 'hello' | 'asking' | 'await' | 'fetch'
  /** All we hold, as against fetching what news and gaps tell. */
  comparison: Comparison | undefined
  isComparing: boolean
  /** What is fetched now; undefined for all. */
  group: Group | undefined
  /** Another comparison was asked for meanwhile. */
  again: boolean
  readonly wants: Map<number, OpenWant>
  startedAt: number
  progressedAt: number
  endedAt: number
  received: number
  failures: number
  /** Comparisons in a row that ended with a difference and brought nothing. */
  fruitless: number
  /** Comparisons in a row by the cursor alone. */
  quick: number
  /** When to begin by ourselves; 0 for never. */
  retryAt: number
}

export function pullOf(peer: PeerId, nowMs: number): Pull {
  return {
    peer,
    phase: 'idle',
    comparison: undefined,
    isComparing: false,
    group: undefined,
    again: false,
    wants: new Map(),
    startedAt: nowMs,
    progressedAt: nowMs,
    endedAt: Number.NEGATIVE_INFINITY,
    received: 0,
    failures: 0,
    fruitless: 0,
    quick: 0,
    retryAt: 0,
  }
}

/** The pull begins to do something. What news bring is no comparison, so one that is due stays so. */
export function leaveIdle(
  pull: Pull,
  begun: { readonly phase: 'hello' | 'fetch'; readonly isComparing: boolean; readonly nowMs: number },
): void {
  pull.phase = begun.phase
  pull.comparison = undefined
  pull.isComparing = begun.isComparing
  pull.group = undefined
  pull.again = false
  pull.received = 0
  if (begun.isComparing) pull.retryAt = 0
  pull.startedAt = begun.nowMs
  pull.progressedAt = begun.nowMs
}

/** What was under way with the peer has come to nothing. */
export function failed(pull: Pull, nowMs: number): void {
  pull.failures++
  pull.retryAt = nowMs + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (pull.failures - 1))
  pull.phase = 'idle'
  pull.comparison = undefined
  pull.endedAt = nowMs
}
