import type { PeerId } from '../../base/index.ts'
import { HEARSAY_PER_AUTHOR, STREAMS_PER_AUTHOR, STREAMS_PER_GROUP } from '../limits.ts'
import { TreeStream, type TreeStreamInit } from './tree-stream.ts'

/** Which stream: whose, and its prefix. */
export interface StreamKey {
  readonly from: PeerId
  readonly prefix: string
}

/**
 * The streams of a group. Those of which something came with a signature, and those that are known from what neighbours say,
 * have bounds of their own: what is made up takes no place from what is proven.
 */
export class StreamTable {
  readonly #proven = new Tier(STREAMS_PER_AUTHOR)
  readonly #hearsay = new Tier(HEARSAY_PER_AUTHOR)

  get(key: StreamKey): TreeStream | undefined {
    return this.#proven.get(key) ?? this.#hearsay.get(key)
  }

  /** The stream of a message with a signature; `undefined` if its author, or the group, has too many. Our own always fit. */
  prove(name: TreeStreamInit, isOwn: boolean, now: number): TreeStream | undefined {
    const known = this.#proven.get(name)
    if (known !== undefined) return known
    if (!this.#proven.hasRoom(name.from)) this.#expire(now)
    if (!isOwn && !this.#proven.hasRoom(name.from)) return undefined
    const stream = this.#hearsay.get(name) ?? new TreeStream(name)
    this.#hearsay.delete(stream)
    this.#proven.add(stream)
    return stream
  }

  /** The stream that a neighbour speaks of; `undefined` if too much is said about that author. */
  hear(name: TreeStreamInit): TreeStream | undefined {
    const known = this.get(name)
    if (known !== undefined || !this.#hearsay.hasRoom(name.from)) return known
    const stream = new TreeStream(name)
    this.#hearsay.add(stream)
    return stream
  }

  forgetHearsay(stream: TreeStream): void {
    this.#hearsay.delete(stream)
  }

  /** Those of which something came. */
  proven(): Iterable<TreeStream> {
    return this.#proven.values()
  }

  forgetNeighbour(peer: PeerId): void {
    for (const tier of [this.#proven, this.#hearsay]) for (const stream of tier.values()) stream.forget(peer)
  }

  /**
   * Makes room: forgets streams whose messages would not be taken any more. Not sooner, for who was silent for long goes on
   * where it stopped.
   */
  #expire(now: number): void {
    for (const stream of this.#proven.values()) if (stream.keepUntil <= now) this.#proven.delete(stream)
  }
}

class Tier {
  readonly #perAuthor: number
  readonly #streams = new Map<string, TreeStream>()
  readonly #counts = new Map<PeerId, number>()

  constructor(perAuthor: number) {
    this.#perAuthor = perAuthor
  }

  get({ from, prefix }: StreamKey): TreeStream | undefined {
    return this.#streams.get(from + prefix)
  }

  hasRoom(from: PeerId): boolean {
    return this.#streams.size < STREAMS_PER_GROUP && (this.#counts.get(from) ?? 0) < this.#perAuthor
  }

  add(stream: TreeStream): void {
    this.#streams.set(stream.from + stream.prefix, stream)
    this.#counts.set(stream.from, (this.#counts.get(stream.from) ?? 0) + 1)
  }

  delete(stream: TreeStream): void {
    if (!this.#streams.delete(stream.from + stream.prefix)) return
    const left = (this.#counts.get(stream.from) ?? 1) - 1
    if (left === 0) this.#counts.delete(stream.from)
    else this.#counts.set(stream.from, left)
  }

  values(): Iterable<TreeStream> {
    return this.#streams.values()
  }
}
