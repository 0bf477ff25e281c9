export interface TokenBucketInit {
  /** How many may come at once. */
  readonly burst: number
  /** One more every so often. */
  readonly refillMs: number
}

/** Lets through so many at once and then one by one. Times are monotonic milliseconds. */
export class TokenBucket {
  readonly #init: TokenBucketInit
  #tokens: number
  #at: number

  constructor(init: TokenBucketInit, nowMs: number) {
    this.#init = init
    this.#tokens = init.burst
    this.#at = nowMs
  }

  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#init.burst, this.#tokens + (nowMs - this.#at) / this.#init.refillMs)
    this.#at = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
