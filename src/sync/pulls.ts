import type { PeerId } from '../base/index.ts'
import type { LogRef } from './log-index.ts'
import { type Pull, pullOf } from './pull.ts'
import type { Range } from './wire.ts'

/** WANTs given up that are remembered: what still comes for them is late, not unasked. */
const ABANDONED_MAX = 256

/** Where we stand with every peer, and what each was asked for. */
export class Pulls {
  readonly #byPeer = new Map<PeerId, Pull>()
  readonly #abandoned = new Map<number, PeerId>()
  #lastWant = 0

  get(peer: PeerId): Pull | undefined {
    return this.#byPeer.get(peer)
  }

  /** A new one if there is none. */
  of(peer: PeerId, nowMs: number): Pull {
    const known = this.#byPeer.get(peer)
    if (known !== undefined) return known
    const pull = pullOf(peer, nowMs)
    this.#byPeer.set(peer, pull)
    return pull
  }

  delete(peer: PeerId): void {
    this.#byPeer.delete(peer)
  }

  peers(): IterableIterator<PeerId> {
    return this.#byPeer.keys()
  }

  values(): MapIterator<Pull> {
    return this.#byPeer.values()
  }

  /** Notes that the peer is asked for these; returns the number of the WANT. */
  open({ wants }: Pull, ranges: readonly Range[]): number {
    const want = ++this.#lastWant
    wants.set(want, { ranges, asked: ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0), got: 0 })
    return want
  }

  /** Gives up all WANTs of a peer. */
  abandon({ peer, wants }: Pull): void {
    for (const want of wants.keys()) this.#abandoned.set(want, peer)
    for (const oldest of this.#abandoned.keys()) {
      if (this.#abandoned.size <= ABANDONED_MAX) break
      this.#abandoned.delete(oldest)
    }
    wants.clear()
  }

  /** Whether this WANT was given up. */
  isLate(peer: PeerId, want: number): boolean {
    return this.#abandoned.get(want) === peer
  }

  /** Whether frames for this WANT are still of use: it was sent, and the peer is not done with it. */
  expects(peer: PeerId, want: number): boolean {
    return this.isLate(peer, want) || (this.#byPeer.get(peer)?.wants.has(want) ?? false)
  }

  /** Whether this record was asked for by the WANT; of one that was given up we do not know any more. */
  asksFor(peer: PeerId, want: number, { author, log, seq }: LogRef & { readonly seq: number }): boolean {
    const open = this.#byPeer.get(peer)?.wants.get(want)
    if (open === undefined) return true
    return open.ranges.some(
      (range) => range.log === log && range.author === author && range.from <= seq && seq <= range.to,
    )
  }
}
