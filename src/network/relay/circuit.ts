import { type Clock, reasonOf, type Timer } from '../../base/index.ts'
import { NetworkError } from '../errors.ts'
import type { Channel } from '../transport.ts'
import type { CircuitLimit } from './circuit-messages.ts'

/** One end of a circuit, and what it has already sent beyond the messages that made it. */
export interface CircuitEnd {
  readonly channel: Channel
  readonly rest: Uint8Array
}

export interface CircuitInit {
  readonly ends: readonly [CircuitEnd, CircuitEnd]
  readonly limit: CircuitLimit
  readonly onBytes: (bytes: number) => void
}

/**
 * Joins two channels: what is read from one is written to the other, no faster than that one takes it. Ends with the first
 * of: both sides closed, one side lost, the limit of bytes or of time.
 */
export class Circuit {
  readonly #init: CircuitInit
  readonly #clock: Clock
  readonly #startedAt: number
  #limit: CircuitLimit
  #timer: Timer
  /** Channels that we close because all was passed on. */
  readonly #finished = new Set<Channel>()
  #bytes = 0

  constructor(init: CircuitInit, components: { readonly clock: Clock }) {
    this.#init = init
    this.#clock = components.clock
    this.#startedAt = components.clock.monotonic()
    this.#limit = init.limit
    this.#timer = this.#timerTo(init.limit)
  }

  /** Another limit, counted from the beginning of the circuit. */
  set limit(limit: CircuitLimit) {
    this.#limit = limit
    this.#timer.cancel()
    this.#timer = this.#timerTo(limit)
  }

  /** Settles when the circuit is over; never rejects. */
  async run(): Promise<void> {
    const [a, b] = this.#init.ends
    // Who waits for one end to take something does not see that the other is gone.
    for (const { channel } of [a, b]) {
      void channel.closed.then(() => {
        if (!this.#finished.has(channel)) this.end('one side is gone')
      })
    }
    await Promise.all([this.#pump(a, b.channel), this.#pump(b, a.channel)])
    this.#timer.cancel()
  }

  end(reason: string): void {
    const error = new NetworkError('ERR_CHANNEL_CLOSED', `the circuit has ended: ${reason}`)
    for (const { channel } of this.#init.ends) channel.abort(error)
  }

  #timerTo({ seconds }: CircuitLimit): Timer {
    const left = this.#startedAt + seconds * 1000 - this.#clock.monotonic()
    return this.#clock.setTimer(left, () => this.end('its time is up'))
  }

  async #pump(from: CircuitEnd, to: Channel): Promise<void> {
    try {
      if (from.rest.byteLength > 0) await this.#pass(from.rest, to)
      for (let chunk = await from.channel.read(); chunk !== undefined; chunk = await from.channel.read()) {
        await this.#pass(chunk, to)
      }
      this.#finished.add(to)
      await to.close()
    } catch (error) {
      this.end(reasonOf(error))
    }
  }

  async #pass(chunk: Uint8Array, to: Channel): Promise<void> {
    this.#bytes += chunk.byteLength
    this.#init.onBytes(chunk.byteLength)
    if (this.#bytes > this.#limit.bytes) {
      throw new NetworkError('ERR_OVERLOADED', `more than ${this.#limit.bytes} bytes`)
    }
    await to.send(chunk)
  }
}
