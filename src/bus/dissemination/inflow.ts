import type { PeerId } from '../../base/index.ts'
import { MISSING_MAX } from '../limits.ts'
import { SequenceWindow } from './sequence-window.ts'

/** From and to, both included. */
export type NumberRange = readonly [from: number, to: number]

/** A neighbour's word that a stream goes further than anything that came. */
interface Claim {
  head: number
  /** Since when it waits to be made good; `undefined` when it was given up. */
  since: number | undefined
  /** So far it was given up. */
  lost: number
}

/**
 * The receiving end of a stream: what has come, and what has not. A message that came proves those before it; what should lie
 * behind it is hearsay, kept for each neighbour apart, so that nobody's word hides what is proven or what others say.
 * Everything that is missing comes, or is counted as missed; on hearsay alone it may be counted again.
 */
export class Inflow {
  readonly #come = new SequenceWindow()
  /** Proven and missing, and since when; the longest missing first. */
  readonly #gaps = new Map<number, number>()
  readonly #claims = new Map<PeerId, Claim>()
  readonly #missingMax: number

  /** More than `missingMax` gaps are given up at once. */
  constructor(missingMax: number = MISSING_MAX) {
    this.#missingMax = missingMax
  }

  get highest(): number {
    return this.#come.highest
  }

  has(number: number): boolean {
    return this.#come.has(number)
  }

  /** Nothing is waited for. */
  get isSettled(): boolean {
    return this.waitingSince === undefined
  }

  /** Since when the longest missing is waited for. */
  get waitingSince(): number | undefined {
    let [since] = this.#gaps.values()
    for (const claim of this.#claims.values()) {
      if (claim.since !== undefined && claim.since < (since ?? Number.POSITIVE_INFINITY)) since = claim.since
    }
    return since
  }

  /** A message came that `has` does not know. Returns how many others are given up because of it: there is a bound. */
  take(number: number, now: number): number {
    const before = this.highest
    this.#come.add(number)
    this.#gaps.delete(number)
    if (number <= before) return 0
    const first = Math.max(before + 1, number - this.#missingMax)
    let missed = first - before - 1
    for (let one = first; one < number; one++) this.#gaps.set(one, now)
    for (const oldest of this.#gaps.keys()) {
      if (this.#gaps.size <= this.#missingMax) break
      this.#gaps.delete(oldest)
      missed++
    }
    for (const [peer, { head }] of this.#claims) if (head <= number) this.#claims.delete(peer)
    return missed
  }

  /** A neighbour says that it has `head`. Returns whether that is news to be looked into. */
  hear(peer: PeerId, head: number, now: number): boolean {
    const claim = this.#claims.get(peer)
    if (head <= Math.max(this.highest, claim?.head ?? 0)) return false
    this.#claims.set(peer, { head, since: claim?.since ?? now, lost: claim?.lost ?? 0 })
    return true
  }

  /** Gives up what has been waited for since `before` or longer; returns how many that are. */
  giveUp(before: number): number {
    let missed = 0
    for (const [number, since] of this.#gaps) {
      if (since > before) break
      this.#gaps.delete(number)
      missed++
    }
    const due = [...this.#claims.values()].filter(({ since }) => since !== undefined && since <= before)
    const head = Math.max(0, ...due.map((claim) => claim.head))
    const beyond = due.map(({ lost }) => head - Math.max(this.highest, lost))
    // Whoever says no more than that has nothing to add.
    for (const claim of this.#claims.values()) {
      if (claim.since === undefined || claim.head > head) continue
      claim.since = undefined
      claim.lost = claim.head
    }
    return missed + Math.max(0, ...beyond)
  }

  /** What to ask `peer` for: what has been missing since `before` or longer, as at most `max` ranges. */
  wanted(peer: PeerId, before: number, max: number): readonly NumberRange[] {
    const ranges: [number, number][] = []
    for (const [number, since] of this.#gaps) {
      if (since > before) break
      const last = ranges.at(-1)
      if (last !== undefined && last[1] === number - 1) last[1] = number
      else if (ranges.length === max - 1) break
      else ranges.push([number, number])
    }
    const { head = 0, since = Number.POSITIVE_INFINITY } = this.#claims.get(peer) ?? {}
    // The latest first: they are what others still have.
    if (since <= before) ranges.push([Math.max(this.highest, head - MISSING_MAX) + 1, head])
    return ranges
  }

  forget(peer: PeerId): void {
    this.#claims.delete(peer)
  }
}
