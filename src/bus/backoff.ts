import { jitter, type Random } from '../base/index.ts'

/** Why we try again: lanes were lost, the peer refused us, or one of us broke the protocol. */
export type RetryCause = 'lost' | 'refused' | 'fault'

const FIRST_MS: Readonly<Record<RetryCause, number>> = { lost: 200, refused: 2_000, fault: 5_000 }
const LONGEST_MS = 60_000

/** Doubling delays with jitter, so that two peers that lost each other do not collide again and again. */
export class Backoff {
  readonly #random: Random
  #failures = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** How long to wait before the next attempt, in ms. */
  next(cause: RetryCause): number {
    const delayMs = Math.min(FIRST_MS[cause] * 2 ** this.#failures, LONGEST_MS)
    this.#failures++
    return jitter(this.#random, delayMs)
  }

  reset(): void {
    this.#failures = 0
  }
}
