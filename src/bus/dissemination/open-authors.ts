import { type PeerId, TokenBucket } from '../../base/index.ts'
import {
  OPEN_AUTHOR_RATE,
  OPEN_AUTHORS_MAX,
  OPEN_AUTHORS_PER_NEIGHBOUR,
  OPEN_MISSING_MAX,
  OPEN_STREAMS_PER_AUTHOR,
} from '../limits.ts'
import { Inflow } from './inflow.ts'

interface Author {
  readonly topic: string
  readonly from: PeerId
  /** The neighbour that brought its first message. */
  readonly via: PeerId
  readonly bucket: TokenBucket
  readonly streams: Map<string, Inflow>
  /** Monotonic; then nothing of it is timely any more. */
  keepUntil: number
}

export interface Heard {
  readonly topic: string
  readonly from: PeerId
  readonly via: PeerId
  readonly prefix: string
  readonly number: number
  /** KiB. */
  readonly cost: number
}

/**
 * Who has spoken on open topics, and what of theirs has come. An author is remembered as long as a message of it could be
 * repeated, so nothing is taken twice; when the table is full newcomers are refused, because to forget would be to forget that.
 */
export class OpenAuthors {
  readonly #authors = new Map<string, Author>()
  readonly #perNeighbour = new Map<PeerId, number>()

  get size(): number {
    return this.#authors.size
  }

  has({ topic, from, prefix, number }: Heard): boolean {
    return this.#authors.get(keyOf(topic, from))?.streams.get(prefix)?.has(number) === true
  }

  /** Notes a message that `has` does not know; the number of others that are given up for it, or `undefined`: no room, or too fast. */
  take(heard: Heard, memoryMs: number, now: number): number | undefined {
    const author = this.#author(heard, now)
    if (author === undefined || !author.bucket.take(now, heard.cost)) return undefined
    const inflow = author.streams.get(heard.prefix) ?? new Inflow(OPEN_MISSING_MAX)
    if (!author.streams.has(heard.prefix) && author.streams.size >= OPEN_STREAMS_PER_AUTHOR) return undefined
    author.streams.set(heard.prefix, inflow)
    author.keepUntil = Math.max(author.keepUntil, now + memoryMs)
    return inflow.take(heard.number, now)
  }

  /** Gives up what has been missing since `before`, and forgets authors whose time is over. */
  expire(now: number, before: number, onMissed: (topic: string, from: PeerId, count: number) => void): void {
    for (const [key, author] of this.#authors) {
      for (const inflow of author.streams.values()) {
        const missed = inflow.giveUp(before)
        if (missed > 0) onMissed(author.topic, author.from, missed)
      }
      if (author.keepUntil <= now) this.#forget(key, author)
    }
  }

  clear(): void {
    this.#authors.clear()
    this.#perNeighbour.clear()
  }

  #author({ topic, from, via }: Heard, now: number): Author | undefined {
    const key = keyOf(topic, from)
    const known = this.#authors.get(key)
    if (known !== undefined) return known
    const brought = this.#perNeighbour.get(via) ?? 0
    if (this.#authors.size >= OPEN_AUTHORS_MAX || brought >= OPEN_AUTHORS_PER_NEIGHBOUR) return undefined
    this.#perNeighbour.set(via, brought + 1)
    const bucket = new TokenBucket(OPEN_AUTHOR_RATE, now)
    const author: Author = { topic, from, via, bucket, streams: new Map(), keepUntil: now }
    this.#authors.set(key, author)
    return author
  }

  #forget(key: string, { via }: Author): void {
    this.#authors.delete(key)
    const left = (this.#perNeighbour.get(via) ?? 1) - 1
    if (left === 0) this.#perNeighbour.delete(via)
    else this.#perNeighbour.set(via, left)
  }
}

function keyOf(topic: string, from: PeerId): string {
  return `${from} ${topic}`
}
