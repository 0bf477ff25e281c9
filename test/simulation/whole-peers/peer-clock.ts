import type { Clock, Timer, VirtualClock } from '../../../src/base/index.ts'

const NO_TIMER: Timer = { cancel: () => undefined, [Symbol.dispose]: () => undefined }

/**
 * The clock of one machine: the wall clock may be wrong, drift and jump, monotonic time is everybody's. When the machine loses
 * power its timers are gone, and nothing that is left of the process ever wakes up again.
 */
export class PeerClock implements Clock {
  readonly #base: VirtualClock
  readonly #timers = new Set<Timer>()
  #offsetMs: number
  #driftPerMs = 0
  #driftsSince = 0
  #isOver = false

  constructor(base: VirtualClock, offsetMs: number) {
    this.#base = base
    this.#offsetMs = offsetMs
  }

  now(): number {
    return Math.floor(this.#base.now() + this.errorMs)
  }

  monotonic(): number {
    return this.#base.monotonic()
  }

  setTimer(delayMs: number, run: () => void): Timer {
    if (this.#isOver) return NO_TIMER
    const timer = this.#base.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      run()
    })
    this.#timers.add(timer)
    const cancel = (): void => {
      this.#timers.delete(timer)
      timer.cancel()
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** How far the wall clock is from the truth. */
  get errorMs(): number {
    return this.#offsetMs + (this.#base.monotonic() - this.#driftsSince) * this.#driftPerMs
  }

  /** The wall clock is set: from now on it is wrong by so much, and goes on drifting. */
  setError(offsetMs: number, driftPerMs = 0): void {
    this.#offsetMs = offsetMs
    this.#driftPerMs = driftPerMs
    this.#driftsSince = this.#base.monotonic()
  }

  /** The power is gone. */
  end(): void {
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }
}
