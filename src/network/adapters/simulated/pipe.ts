import type { Clock, Timer } from '../../../base/index.ts'

/** How a pipe behaves; asked anew for each packet. */
export interface PipeConditions {
  readonly latencyMs: () => number
  /** `Infinity` for no limit. */
  readonly bytesPerSecond: number
  /** Whether packets are held back now; if so, the pipe is to be released later. */
  readonly holds: (pipe: Pipe) => boolean
}

interface Packet {
  readonly at: number
  readonly deliver: () => void
}

/**
 * One direction of a connection: delivers in order, after a delay. While it is held nothing arrives and nothing is
 * lost, as with TCP during an outage. One timer at most.
 */
export class Pipe {
  readonly #conditions: PipeConditions
  readonly #clock: Clock
  readonly #packets: Packet[] = []
  #busyUntil = 0
  #lastAt = 0
  #timer: Timer | undefined

  constructor(conditions: PipeConditions, clock: Clock) {
    this.#conditions = conditions
    this.#clock = clock
  }

  push(bytes: number, deliver: () => void): void {
    const now = this.#clock.monotonic()
    this.#busyUntil = Math.max(now, this.#busyUntil) + (bytes / this.#conditions.bytesPerSecond) * 1000
    this.#lastAt = Math.max(this.#lastAt, this.#busyUntil + this.#conditions.latencyMs())
    this.#packets.push({ at: this.#lastAt, deliver })
    if (this.#packets.length === 1) this.release()
  }

  /** Goes on after a hold. */
  release(): void {
    const [head] = this.#packets
    this.#timer?.cancel()
    if (head === undefined || this.#conditions.holds(this)) return
    this.#timer = this.#clock.setTimer(head.at - this.#clock.monotonic(), () => this.#deliver())
  }

  #deliver(): void {
    if (this.#conditions.holds(this)) return
    const now = this.#clock.monotonic()
    for (let head = this.#packets[0]; head !== undefined && head.at <= now; head = this.#packets[0]) {
      this.#packets.shift()
      head.deliver()
    }
    this.release()
  }
}
