export interface TokenBucketInit {
  /** How many may come at once. */
  readonly burst: number
  /** How many more each second. */
  readonly perSecond: number
}

/** Lets through so much at once and then a little at a time. Times are monotonic milliseconds. */
export class TokenBucket {
  readonly #init: TokenBucketInit
  #tokens: number
  #at: number

  constructor(init: TokenBucketInit, nowMs: number) {
    this.#init = init
    this.#tokens = init.burst
    this.#at = nowMs
  }

  take(nowMs: number, amount = 1): boolean {
    const { burst, perSecond } = this.#init
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#at) / 1000) * perSecond)
    this.#at = nowMs
    if (this.#tokens < amount) return false
    this.#tokens -= amount
    return true
  }
}
