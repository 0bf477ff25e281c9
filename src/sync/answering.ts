import { bytesEqual, type PeerId, type SpaceId } from '../base/index.ts'
import { encodeFrames, type Frame, type Journal } from '../records/index.ts'
import { SINCE_PAGE_MIN_RECORDS } from './comparison.ts'
import type { ForkBook } from './fork-book.ts'
import type { Forks, ForksRequest } from './fork-wire.ts'
import { FrameBatch } from './frame-batch.ts'
import { GROUPS, type Group, groupOf, type LogIndex, type LogRef, logKey } from './log-index.ts'
import { answerRanges } from './range-answer.ts'
import type { RangeAnswer, RangeRequest, SinceAnswer, SinceRequest } from './range-wire.ts'
import { claimOf } from './spread.ts'
import type { SyncStore } from './sync-store.ts'
import {
  type Bodies,
  type BodiesRequest,
  type Claim,
  HAVE_MAX_LOGS,
  type Have,
  type HaveRequest,
  type Hello,
  type Holdings,
} from './wire.ts'

/** Records that are looked at for one page of news: about ten milliseconds of work. */
export const SINCE_MAX_RECORDS = 16_384

export interface AnsweringComponents {
  readonly space: SpaceId
  readonly journal: Journal
  readonly index: LogIndex
  readonly store: SyncStore
  readonly forks: ForkBook
  /** Whether this peer may have records of a group. */
  readonly mayReceive: (peer: PeerId, group: Group) => boolean
}

/** Says what we hold of one space, each peer as much as it may know. Keeps nothing between questions. */
export class Answering {
  readonly #use: AnsweringComponents

  constructor(components: AnsweringComponents) {
    this.#use = components
  }

  hello(peer: PeerId): Hello {
    const { space, journal, index, store, forks } = this.#use
    const told = GROUPS.filter((group) => this.#use.mayReceive(peer, group))
    const holds: Holdings = Object.fromEntries(
      told.map((group) => [group, { ...index.summary(group), keeps: store.kept(GROUPS.indexOf(group)).claims }]),
    )
    return { space, storeId: journal.storeId, position: journal.lastRid, holds, forks: forks.summary }
  }

  have(peer: PeerId, { group, after }: HaveRequest): Have {
    const { space, index } = this.#use
    const { heads, more } = this.#use.mayReceive(peer, group)
      ? index.page(group, after, HAVE_MAX_LOGS)
      : { heads: [], more: false }
    return { space, claims: heads.map(claimOf), more, fingerprint: index.summary(group).fingerprint }
  }

  /** The logs that have grown since, as far as one page goes. */
  since(peer: PeerId, { storeId, rid }: SinceRequest): SinceAnswer {
    const { space, journal } = this.#use
    if (!bytesEqual(storeId, journal.storeId) || rid > journal.lastRid) return { space, news: undefined }
    const logs = new Map<string, LogRef>()
    let [through, more] = [rid, true]
    for (let seen = 0; more && seen < SINCE_MAX_RECORDS; seen += SINCE_PAGE_MIN_RECORDS) {
      if (logs.size + SINCE_PAGE_MIN_RECORDS > HAVE_MAX_LOGS) break
      const slice = journal.newsSince(space, through, SINCE_PAGE_MIN_RECORDS)
      for (const log of slice.logs) logs.set(logKey(log), log)
      through = slice.through
      more = slice.more
    }
    return { space, news: { claims: this.claims(peer, [...logs.values()]), through, more } }
  }

  range(peer: PeerId, request: RangeRequest): RangeAnswer {
    const { space, index } = this.#use
    if (this.#use.mayReceive(peer, request.group)) return answerRanges(index, request)
    return { space, nodes: [], listed: [], claims: [], rest: [] }
  }

  forksPage({ after }: ForksRequest): Forks {
    return { space: this.#use.space, ...this.#use.forks.page(after) }
  }

  /** As many of the frames asked for as fit in one answer. */
  bodies(peer: PeerId, { ranges }: BodiesRequest): Bodies {
    const { space, journal, index } = this.#use
    const batch = new FrameBatch()
    for (const { author, log, from, to } of ranges) {
      if (index.shown({ author, log }) === undefined || !this.#use.mayReceive(peer, groupOf(log))) continue
      const frames: readonly Frame[] = journal.frames(space, author, log, from, to)
      if (!frames.every((frame) => batch.add(frame))) break
    }
    return { space, frames: encodeFrames(batch.frames) }
  }

  /** How far we hold these logs, as far as the peer may know. */
  claims(peer: PeerId, logs: readonly LogRef[]): readonly Claim[] {
    const heads = logs.map((log) => this.#use.index.shown(log)).filter((head) => head !== undefined)
    return heads.filter(({ log }) => this.#use.mayReceive(peer, groupOf(log))).map(claimOf)
  }
}
