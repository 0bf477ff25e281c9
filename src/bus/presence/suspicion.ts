import { HEARTBEATS_MISSED_MAX, PROBE_ROUNDS } from '../limits.ts'

/**
 * What one look at a peer came to: nothing new; silent for too long, so others are asked; still silent, so more are asked;
 * heard again; silent for us, but not for another; or neither it nor anybody who was asked has answered.
 */
export type Verdict = 'fine' | 'suspected' | 'still-suspected' | 'recovered' | 'link-fault' | 'gone'

/**
 * When a silent peer is suspected, and when it is gone. Between the two, others are asked in rounds to reach it for us, so
 * that a fault of our own link is not taken for a death (SWIM: Das, Gupta, Motivala 2002, section 3.1; there the suspicion
 * is told to everyone, here each peer keeps its own).
 *
 *   fine --(2 beats of silence)--> suspected --(3 rounds, no answer by anybody)--> gone
 *   suspected --(a sign of life)--> fine
 *   suspected --(another peer vouches for it, and still no sign of life at the next look)--> the link is at fault
 */
export class Suspicion {
  #missed = 0
  #rounds = 0
  #isVouched = false
  #end: 'link-fault' | 'gone' | undefined

  get isSuspected(): boolean {
    return this.#rounds > 0 && this.#end === undefined
  }

  /** The next look: every heartbeat while all is well, every round while it is not. */
  beat(heard: boolean): Verdict {
    if (this.#end !== undefined) return this.#end
    if (heard) return this.heard() ? 'recovered' : 'fine'
    if (this.#rounds === 0) {
      this.#missed++
      if (this.#missed < HEARTBEATS_MISSED_MAX) return 'fine'
      this.#rounds = 1
      return 'suspected'
    }
    if (this.#rounds < PROBE_ROUNDS && !this.#isVouched) {
      this.#rounds++
      return 'still-suspected'
    }
    this.#end = this.#isVouched ? 'link-fault' : 'gone'
    return this.#end
  }

  /** A sign of life; true if that ends a suspicion. */
  heard(): boolean {
    const ends = this.isSuspected
    this.#missed = 0
    this.#rounds = 0
    this.#isVouched = false
    return ends
  }

  /** Somebody reached it who was asked to. It may just have woken up: then we hear it too before the next look. */
  vouched(): void {
    this.#isVouched = this.isSuspected
  }
}
