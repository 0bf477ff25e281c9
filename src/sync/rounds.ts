import type { PeerId } from '../base/index.ts'

interface Waiter {
  /** A comparison began after the call. */
  begun: boolean
  readonly done: () => void
}

/** Callers who wait until a comparison that begins after their call has ended. */
export class Rounds {
  readonly #waiters = new Map<PeerId, Set<Waiter>>()

  /** Resolves when the round is over, well or not. */
  wait(peer: PeerId): Promise<void> {
    return new Promise((done) => {
      const waiters = this.#waiters.get(peer) ?? new Set()
      this.#waiters.set(peer, waiters.add({ begun: false, done }))
    })
  }

  begun(peer: PeerId): void {
    for (const waiter of this.#waiters.get(peer) ?? []) waiter.begun = true
  }

  ended(peer: PeerId): void {
    const waiters = this.#waiters.get(peer)
    for (const waiter of waiters ?? []) {
      if (!waiter.begun) continue
      waiters?.delete(waiter)
      waiter.done()
    }
  }

  /** No comparison will come. */
  gone(peer: PeerId): void {
    for (const { done } of this.#waiters.get(peer) ?? []) done()
    this.#waiters.delete(peer)
  }

  stop(): void {
    for (const peer of this.#waiters.keys()) this.gone(peer)
  }
}
