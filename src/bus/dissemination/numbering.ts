import { hexOf, keepNewest, type Random } from '../../base/index.ts'
import { GROUPS_MAX } from '../limits.ts'
import { PRIORITIES, type Priority } from '../types.ts'

export const PREFIX_BYTES = 8
const PREFIX_CHARS = PREFIX_BYTES * 2

/** A run of numbered messages: of one author, to one group, of one priority, since the author started. */
export interface OwnStream {
  readonly group: string
  readonly priority: Priority
  /** 16 hexadecimal digits. */
  readonly prefix: string
  /** The number of the last message; the first is 1. */
  count: number
}

/**
 * Numbers the messages that we publish. The id of a message is the name of its stream and the number in it, so whoever gets
 * number 7 knows that there were six before. Priorities have streams of their own: they may overtake each other.
 */
export class Numbering {
  readonly #random: Random
  readonly #groups = new Map<string, readonly OwnStream[]>()

  constructor(random: Random) {
    this.#random = random
  }

  next(group: string, priority: Priority): OwnStream {
    const streams = this.#groups.get(group) ?? this.#begin(group)
    const stream = streams[PRIORITIES.indexOf(priority)] as OwnStream
    stream.count++
    return stream
  }

  /** The streams with messages in them. */
  *used(): Generator<OwnStream> {
    for (const streams of this.#groups.values()) for (const stream of streams) if (stream.count > 0) yield stream
  }

  #begin(group: string): readonly OwnStream[] {
    const streams = PRIORITIES.map((priority): OwnStream => {
      return { group, priority, prefix: hexOf(this.#random.bytes(PREFIX_BYTES)), count: 0 }
    })
    this.#groups.set(group, streams)
    keepNewest(this.#groups, GROUPS_MAX)
    return streams
  }
}

/** The message id of the last number of a stream. */
export function idOfLast({ prefix, count }: OwnStream): string {
  return prefix + count.toString(16).padStart(PREFIX_CHARS, '0')
}

export function prefixOf(id: string): string {
  return id.slice(0, PREFIX_CHARS)
}

/** The number in an id; 0 if it is none that we could count on from. */
export function numberOf(id: string): number {
  const number = Number.parseInt(id.slice(PREFIX_CHARS), 16)
  return Number.isSafeInteger(number) ? number : 0
}
