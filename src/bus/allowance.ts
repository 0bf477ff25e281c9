export interface AllowanceInit {
  readonly burst: number
  readonly perSecond: number
}

/** What a peer may cost us: so much at once, and so much each second after that (a token bucket). */
export class Allowance {
  readonly #init: AllowanceInit
  #left: number
  #at = Number.NEGATIVE_INFINITY

  constructor(init: AllowanceInit) {
    this.#init = init
    this.#left = init.burst
  }

  /** `now` in monotonic ms. False if there is not so much left. */
  spend(amount: number, now: number): boolean {
    const { burst, perSecond } = this.#init
    const gained = Math.max(0, now - this.#at) * (perSecond / 1000)
    this.#left = Math.min(burst, this.#left + gained)
    this.#at = now
    if (amount > this.#left) return false
    this.#left -= amount
    return true
  }
}
