import type { PeerId, SpaceId } from '../base/index.ts'
import type { Log } from './log-table.ts'
import { LOG_CLASS, type SpaceQuota } from './types.ts'
import type { UsageTable } from './usage-table.ts'

export const DEFAULT_QUOTA: SpaceQuota = { bytes: 10 * 1024 ** 3, authorShare: 0.5 }
/** What must be free before a full space takes more, or else it would be opened and shut for every record: a part of it, */
const ROOM_SHARE = 0.02
/** but in any case room for a record of any size, unless the space is too small for that. */
const ROOM_MIN_BYTES = 66_000
const ROOM_MIN_SHARE = 0.25
/** Of a record, beside its body; headers differ by a few bytes. */
export const FRAME_OVERHEAD_BYTES = 256

/** A space, or one author in it, that has no room left. */
export interface FullPlace {
  readonly space: SpaceId
  /** Whose share is used up; `undefined`: the whole space is full. */
  readonly author: PeerId | undefined
}

interface Full extends FullPlace {
  readonly log: Log
}

/** How much data the records of each space may take. Control records are never counted out: without them nothing can be put right. */
export class Quotas {
  readonly #usage: UsageTable
  readonly #default: SpaceQuota
  readonly #set = new Map<SpaceId, SpaceQuota>()
  /** At most one for each space and author that a record was refused of. */
  readonly #full = new Map<string, Full>()

  constructor(usage: UsageTable, preset: SpaceQuota = DEFAULT_QUOTA) {
    this.#usage = usage
    this.#default = preset
  }

  of(space: SpaceId): SpaceQuota {
    return this.#set.get(space) ?? this.#default
  }

  set(space: SpaceId, quota: SpaceQuota | undefined): void {
    if (quota === undefined) this.#set.delete(space)
    else this.#set.set(space, quota)
  }

  /** How far so many more bytes would exceed the quota of the space. */
  excess({ space, spaceN }: Log, bytes: number): number {
    const quota = this.of(space)
    return quota.bytes === 0 ? 0 : Math.max(0, this.#usage.ofSpace(spaceN).bytes + bytes - quota.bytes)
  }

  /** What must be free in a space that was full before it takes more. */
  room(space: SpaceId): number {
    const { bytes } = this.of(space)
    return Math.max(bytes * ROOM_SHARE, Math.min(bytes * ROOM_MIN_SHARE, ROOM_MIN_BYTES))
  }

  /** Whether so many bytes fit into the space and, unless they are our own, into their author's share of it. */
  admits(log: Log, bytes: number, own: boolean): boolean {
    if (log.class === LOG_CLASS.control) return true
    if (this.excess(log, bytes) > 0) return this.#note(log, undefined)
    return own || !this.#isOverShare(log, bytes) || this.#note(log, log.author)
  }

  /** Where nothing is taken now. */
  get full(): readonly FullPlace[] {
    return [...this.#full.values()].map(({ space, author }) => ({ space, author }))
  }

  /** The spaces that have room again, told once. */
  takeFreed(): ReadonlySet<SpaceId> {
    const freed = new Set<SpaceId>()
    for (const [key, { log, author }] of this.#full) {
      const room = this.room(log.space)
      const share = room * this.of(log.space).authorShare
      const isFull = author === undefined ? this.excess(log, room) > 0 : this.#isOverShare(log, share)
      if (isFull) continue
      this.#full.delete(key)
      freed.add(log.space)
    }
    return freed
  }

  #isOverShare(log: Log, bytes: number): boolean {
    const { bytes: most, authorShare } = this.of(log.space)
    return most > 0 && this.#usage.ofAuthor(log) + bytes > most * authorShare
  }

  #note(log: Log, author: PeerId | undefined): false {
    this.#full.set(`${log.space} ${author ?? ''}`, { space: log.space, author, log })
    return false
  }
}
