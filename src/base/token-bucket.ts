export interface TokenBucketInit {
  /** How many may come at once. */
  readonly burst: number
  /** One more every so often. */
  readonly refillMs: number
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
    this.#tokens = Math.min(this.#init.burst, this.#tokens + (nowMs - this.#at) / this.#init.refillMs)
    this.#at = nowMs
    if (this.#tokens < amount) return false
    this.#tokens -= amount
    return true
  }
}
