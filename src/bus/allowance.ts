import { keepNewest, type PeerId } from '../base/index.ts'
import { CONTACTS_MAX } from './limits.ts'

export interface AllowanceInit {
  /** What a peer may use at once. */
  readonly burst: number
  readonly perSecond: number
}

interface Bucket {
  left: number
  /** Monotonic ms. */
  at: number
}

/**
 * What each peer may use of something: a bucket that fills again at an even pace. It outlives the lanes of the peer, so that
 * coming back wins nothing; of more than `CONTACTS_MAX` peers, the one seen longest ago is forgotten.
 */
export class Allowance {
  readonly #init: AllowanceInit
  readonly #buckets = new Map<PeerId, Bucket>()

  constructor(init: AllowanceInit) {
    this.#init = init
  }

  /** Uses so much, or nothing and false if there is not so much left. `now` is monotonic ms. */
  spend(peer: PeerId, amount: number, now: number): boolean {
    const bucket = this.#bucket(peer, now)
    if (bucket.left < amount) return false
    bucket.left -= amount
    return true
  }

  #bucket(peer: PeerId, now: number): Bucket {
    const { burst, perSecond } = this.#init
    const bucket = this.#buckets.get(peer) ?? { left: burst, at: now }
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    this.#buckets.delete(peer)
    this.#buckets.set(peer, bucket)
    keepNewest(this.#buckets, CONTACTS_MAX)
    return bucket
  }
}
