import type { PeerId } from '../base/index.ts'
import type { Comparison } from './comparison.ts'
import type { Group } from './log-index.ts'
import type { Range } from './wire.ts'

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
