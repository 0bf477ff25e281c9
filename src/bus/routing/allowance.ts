import type { PeerId } from '../../base/index.ts'

export interface AllowanceInit {
  /** What a peer may use at once. */
  readonly burst: number
  readonly perSecond: number
}

/** What each peer may use of something: a bucket that fills again at an even pace. */
export class Allowance {
  readonly #init: AllowanceInit
  readonly #buckets = new Map<PeerId, { left: number; at: number }>()

  constructor(init: AllowanceInit) {
    this.#init = init
  }

  /** Is there so much left for the peer? `now` is monotonic ms. */
  has(peer: PeerId, amount: number, now: number): boolean {
    return this.#bucket(peer, now).left >= amount
  }

  use(peer: PeerId, amount: number, now: number): void {
    this.#bucket(peer, now).left -= amount
  }

  /** Buckets of those who are gone fill up and go, so that coming back quickly wins nothing. */
  expire(now: number): void {
    for (const peer of this.#buckets.keys()) {
      if (this.#bucket(peer, now).left === this.#init.burst) this.#buckets.delete(peer)
    }
  }

  #bucket(peer: PeerId, now: number): { left: number; at: number } {
    const { burst, perSecond } = this.#init
    const bucket = this.#buckets.get(peer) ?? { left: burst, at: now }
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    this.#buckets.set(peer, bucket)
    return bucket
  }
}
