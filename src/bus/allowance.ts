import { keepNewest, type PeerId, TokenBucket, type TokenBucketInit } from '../base/index.ts'
import { CONTACTS_MAX } from './limits.ts'

/**
 * What each peer may use of something. Its bucket outlives its lanes, so that coming back wins nothing; of more than
 * `CONTACTS_MAX` peers, the one seen longest ago is forgotten.
 */
export class Allowance {
  readonly #init: TokenBucketInit
  readonly #buckets = new Map<PeerId, TokenBucket>()

  constructor(init: TokenBucketInit) {
    this.#init = init
  }

  /** Uses so much, or nothing and false if there is not so much left. `now` is monotonic ms. */
  spend(peer: PeerId, amount: number, now: number): boolean {
    const bucket = this.#buckets.get(peer) ?? new TokenBucket(this.#init, now)
    this.#buckets.delete(peer)
    this.#buckets.set(peer, bucket)
    keepNewest(this.#buckets, CONTACTS_MAX)
    return bucket.take(now, amount)
  }
}
