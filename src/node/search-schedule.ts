import { jitter, type PeerId, type Random } from '../base/index.ts'

/** So long a member must be out of reach before the directory is asked for it. */
export const SEARCH_FIRST_MS = 3_000
/** The wait before the second search; it doubles with each that does not lead to a link. */
export const SEARCH_AGAIN_MS = 15_000
export const SEARCH_MAX_MS: number = 30 * 60 * 1000
/** Members that are looked for in one round, and rounds begin so far apart. */
export const SEARCHES_PER_ROUND = 4
export const ROUND_MS = 3_000

interface Absence {
  dueAt: number
  waitMs: number
}

/** Which members to look for, and when: a pure decision over monotonic time. Holds one entry for each that is out of reach. */
export class SearchSchedule {
  readonly #random: Random
  readonly #absent = new Map<PeerId, Absence>()

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#absent.size
  }

  /** Whom to look for now, the longest due first, of those out of reach; each has its next search set. */
  takeDue(outOfReach: ReadonlySet<PeerId>, now: number): readonly PeerId[] {
    for (const peer of this.#absent.keys()) if (!outOfReach.has(peer)) this.#absent.delete(peer)
    for (const peer of outOfReach) {
      const dueAt = now + jitter(this.#random, SEARCH_FIRST_MS, 0.5)
      if (!this.#absent.has(peer)) this.#absent.set(peer, { dueAt, waitMs: SEARCH_AGAIN_MS })
    }
    const due = [...this.#absent]
      .filter(([, absence]) => absence.dueAt <= now)
      .sort(([, a], [, b]) => a.dueAt - b.dueAt)
      .slice(0, SEARCHES_PER_ROUND)
    for (const [, absence] of due) {
      absence.dueAt = now + jitter(this.#random, absence.waitMs, 0.5)
      absence.waitMs = Math.min(2 * absence.waitMs, SEARCH_MAX_MS)
    }
    return due.map(([peer]) => peer)
  }
}
