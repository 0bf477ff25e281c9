import { BaseError } from './errors.ts'

/** A one-shot timer; disposing it before it fires cancels it. */
export interface Timer extends Disposable {
  cancel(): void
}

/**
 * Time as the rest of the code sees it. Product code runs on `systemClock()`,
 * tests and simulations on a `VirtualClock`.
 */
export interface Clock {
  /** Wall clock, whole milliseconds since 1970. May jump; for people and for hybrid logical clocks. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. For measuring and for deadlines. */
  monotonic(): number
  /** Calls `run` once, `delayMs` from now. The timer does not keep the process alive, unless it is told to. */
  setTimer(delayMs: number, run: () => void, options?: { readonly keepAlive?: boolean }): Timer
}

interface Pending {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/**
 * A clock that stands still until it is told to move. Timers fire in the order
 * of their time, then of their creation, so a run is repeatable.
 */
export class VirtualClock implements Clock {
  #now: number
  #monotonic = 0
  #order = 0
  #pending: Pending[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs
  }

  now(): number {
    return Math.floor(this.#now)
  }

  monotonic(): number {
    return this.#monotonic
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const entry: Pending = { at: this.#monotonic + Math.max(0, delayMs), order: this.#order++, run }
    const index = this.#pending.findIndex((other) => other.at > entry.at)
    this.#pending.splice(index === -1 ? this.#pending.length : index, 0, entry)
    const cancel = (): void => {
      const at = this.#pending.indexOf(entry)
      if (at !== -1) this.#pending.splice(at, 1)
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#pending.length
  }

  /** Milliseconds until the next timer, or `undefined` when none waits. */
  get untilNextTimer(): number | undefined {
    const first = this.#pending[0]
    return first === undefined ? undefined : first.at - this.#monotonic
  }

  /** Moves time forward, firing every timer that falls due on the way. */
  advance(byMs: number): void {
    if (!(byMs >= 0)) throw new BaseError('ERR_INVALID_ARGUMENT', `time does not move by ${byMs} ms`)
    const end = this.#monotonic + byMs
    for (let next = this.#pending[0]; next !== undefined && next.at <= end; next = this.#pending[0]) {
      this.#pending.shift()
      this.#moveTo(next.at)
      next.run()
    }
    this.#moveTo(end)
  }

  /** Lets the wall clock jump without moving monotonic time, as an operator or NTP may. */
  jumpWall(byMs: number): void {
    this.#now += byMs
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }
}
