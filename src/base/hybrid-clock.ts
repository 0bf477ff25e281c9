import type { Clock } from './clock.ts'

/** Counter steps within one millisecond; ms * 1024 stays a safe integer until about the year 2248. */
export const HLC_STEPS_PER_MS = 1024
/** How far ahead of our own wall clock a timestamp of another peer may be before it is set aside. */
export const HLC_MAX_AHEAD_MS: number = 5 * 60_000

/**
 * Hybrid logical clock (Kulkarni et al. 2014) in one number: milliseconds * 1024 + counter.
 * It orders what people see; it decides nothing about authority.
 */
export class HybridClock {
  readonly #clock: Clock
  #last: number

  constructor(clock: Clock, last = 0) {
    this.#clock = clock
    this.#last = last
  }

  /** A timestamp greater than any handed out or observed before. */
  tick(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#clock.now()) * HLC_STEPS_PER_MS)
    return this.#last
  }

  /** Takes note of another peer's timestamp; one too far ahead, or no timestamp at all, is not followed. */
  observe(hlc: number): void {
    if (Number.isSafeInteger(hlc) && hlc > this.#last && !this.isTooFarAhead(hlc)) this.#last = hlc
  }

  isTooFarAhead(hlc: number): boolean {
    return hlcToMs(hlc) > this.#clock.now() + HLC_MAX_AHEAD_MS
  }
}

/** The wall-clock part of a timestamp, milliseconds since 1970. */
export function hlcToMs(hlc: number): number {
  return Math.floor(hlc / HLC_STEPS_PER_MS)
}
