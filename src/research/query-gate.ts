import type { Clock, PeerId } from '../base/index.ts'
import { BusError } from '../bus/index.ts'

/** Queries of one peer that wait or are being answered; more are refused. */
export const QUERIES_PER_PEER = 8

/**
 * Lets queries of other peers through one at a time, and rests after each for as long as it took: however many members ask
 * at once, half of our time stays ours.
 */
export class QueryGate {
  readonly #clock: Clock
  readonly #open = new Map<PeerId, number>()
  /** Settles when the next one may pass. */
  #last: Promise<void> = Promise.resolve()

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock
  }

  /** Rejects with `ERR_OVERLOADED` when too many of this peer are on their way, or with the signal's reason. */
  async pass<T>(peer: PeerId, signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    const open = this.#open.get(peer) ?? 0
    if (open >= QUERIES_PER_PEER) throw new BusError('ERR_OVERLOADED', 'too many queries of this peer are waiting')
    this.#open.set(peer, open + 1)
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    let tookMs = 0
    try {
      await before
      signal.throwIfAborted()
      const started = this.#clock.monotonic()
      try {
        return await work()
      } finally {
        tookMs = this.#clock.monotonic() - started
      }
    } finally {
      this.#leave(peer)
      if (tookMs === 0) resolve()
      else this.#clock.setTimer(tookMs, resolve)
    }
  }

  #leave(peer: PeerId): void {
    const left = (this.#open.get(peer) ?? 1) - 1
    if (left === 0) this.#open.delete(peer)
    else this.#open.set(peer, left)
  }
}
