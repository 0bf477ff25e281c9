import { jitter, type Random } from '../base/index.ts'

/** The wait after a first failure; each further one in a row doubles it. */
export const RESTART_FIRST_MS = 1_000
export const RESTART_LONGEST_MS: number = 5 * 60_000
/** Whoever was up for so long has a clean slate. Longer than the longest wait: what always fails soon is never tried often. */
export const RESTART_FORGET_MS: number = 10 * 60_000

/** When a component that fails is tried again: exponential back-off with jitter. Knows no clock; times are monotonic ms. */
export class Restarts {
  readonly #random: Random
  #inARow = 0
  #total = 0
  #upSince: number | undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** Failures since it was last well for a while. */
  get failures(): number {
    return this.#inARow
  }

  /** How often it was started again. */
  get total(): number {
    return this.#total
  }

  started(now: number): void {
    this.#upSince = now
    if (this.#inARow > 0) this.#total++
  }

  /** It did not start, or has failed since. Returns how long to wait, in ms. */
  failed(now: number): number {
    if (this.#upSince !== undefined && now - this.#upSince >= RESTART_FORGET_MS) this.#inARow = 0
    this.#upSince = undefined
    const waitMs = Math.min(RESTART_FIRST_MS * 2 ** this.#inARow, RESTART_LONGEST_MS)
    this.#inARow++
    return Math.min(jitter(this.#random, waitMs), RESTART_LONGEST_MS)
  }
}
