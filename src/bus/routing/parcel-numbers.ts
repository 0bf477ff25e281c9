import { hexOf, keepNewest, type PeerId, type Random } from '../../base/index.ts'
import { numberOf, PREFIX_BYTES, prefixOf } from '../dissemination/numbering.ts'
import { SequenceWindow } from '../dissemination/sequence-window.ts'
import { RELAY_RUNS_PER_AUTHOR, RELAYED_PEERS_MAX } from '../limits.ts'

const NUMBER_CHARS = 16

/** Numbers our parcels, apart for each receiver. */
export class ParcelNumbers {
  readonly #random: Random
  readonly #runs = new Map<PeerId, { readonly prefix: string; count: number }>()

  constructor(random: Random) {
    this.#random = random
  }

  next(to: PeerId): string {
    const run = this.#runs.get(to) ?? { prefix: hexOf(this.#random.bytes(PREFIX_BYTES)), count: 0 }
    run.count++
    this.#runs.delete(to)
    this.#runs.set(to, run)
    keepNewest(this.#runs, RELAYED_PEERS_MAX)
    return run.prefix + run.count.toString(16).padStart(NUMBER_CHARS, '0')
  }
}

/** Which parcels have come, so that none is taken twice whoever brings it again. */
export class ParcelMemory {
  readonly #authors = new Map<PeerId, Map<string, SequenceWindow>>()

  /** Notes a parcel whose author is proven; false if it came before. */
  take(author: PeerId, id: string): boolean {
    const number = numberOf(id)
    if (number < 1) return false
    const runs = this.#authors.get(author) ?? new Map<string, SequenceWindow>()
    const run = runs.get(prefixOf(id)) ?? new SequenceWindow()
    if (run.has(number)) return false
    run.add(number)
    runs.set(prefixOf(id), run)
    keepNewest(runs, RELAY_RUNS_PER_AUTHOR)
    this.#authors.delete(author)
    this.#authors.set(author, runs)
    keepNewest(this.#authors, RELAYED_PEERS_MAX)
    return true
  }
}
