import { type BulkPace, firstPace, nextPace } from './bulk-pace.ts'
import { SendWindow } from './credit.ts'
import { LaneQueue, type Outgoing } from './lane-queue.ts'
import { BULK_PATIENCE_MS, BULK_SHARE_BYTES, LANE_BOUNDS, WRITE_MAX_BYTES } from './limits.ts'
import { LANES, type Lane, type Priority } from './types.ts'

/** What a frame is queued under: a priority of messages, or the bus's own business. */
export type Rank = 'control' | Priority

export const LANE_OF: Readonly<Record<Rank, Lane>> = {
  control: 'control',
  critical: 'critical',
  high: 'normal',
  normal: 'normal',
  low: 'bulk',
}

/**
 * Decides what is written next to one peer. Pure: told the time, returns bytes.
 *
 * Lanes are written independently of each other, except bulk: it is written only within the peer's credit, and only while
 * no frame waits on another lane. Two rules keep it from starving: it gets one write after `BULK_SHARE_BYTES` of the others, and
 * one after `BULK_PATIENCE_MS`.
 */
export class Scheduler {
  readonly #lanes: Readonly<Record<Lane, LaneQueue>> = {
    control: new LaneQueue({ bounds: LANE_BOUNDS.control, classes: 1 }),
    critical: new LaneQueue({ bounds: LANE_BOUNDS.critical, classes: 1 }),
    normal: new LaneQueue({ bounds: LANE_BOUNDS.normal, classes: 2 }),
    bulk: new LaneQueue({ bounds: LANE_BOUNDS.bulk, classes: 1 }),
  }
  #pace: BulkPace = firstPace()
  /** What the peer allows. */
  #windowMaxBytes = this.#pace.windowBytes
  readonly #window = new SendWindow(this.#pace)
  /** Since the last round trip: what the peer took of bulk, and whether bulk waited for the window. */
  #takenBytes = 0
  #waited = false
  #othersSinceBulk = 0
  #bulkHeldSince: number | undefined

  /** The peer allows so much in flight on the bulk lane. */
  setWindow(maxBytes: number): void {
    this.#windowMaxBytes = maxBytes
    this.#window.resize(Math.min(this.#pace.windowBytes, maxBytes))
  }

  /** A round trip on the control lane was measured. */
  measured(rttMs: number, now: number): void {
    this.#pace = nextPace(this.#pace, {
      rttMs,
      now,
      takenBytes: this.#takenBytes,
      waited: this.#waited,
      maxBytes: this.#windowMaxBytes,
    })
    this.#takenBytes = 0
    this.#waited = false
    this.#window.resize(this.#pace.windowBytes)
  }

  /** Queues a frame if its lane has room and nobody waits for it. */
  offer(rank: Rank, entry: Outgoing, now: number): boolean {
    return this.#lanes[LANE_OF[rank]].offer(entry, classOf(rank), now)
  }

  /** Lines up for room on a full lane. Returns how to leave the line, or `undefined` when too many stand in it. */
  wait(rank: Rank, entry: Outgoing, taken: () => void): (() => void) | undefined {
    return this.#lanes[LANE_OF[rank]].wait(entry, classOf(rank), taken)
  }

  /** The next bytes for a lane, at most `WRITE_MAX_BYTES`; `undefined` when nothing may be written now. */
  take(lane: Lane, now: number): Uint8Array | undefined {
    if (lane !== 'bulk') {
      const bytes = this.#lanes[lane].take(now)
      if (this.#lanes.bulk.frames > 0) this.#othersSinceBulk += bytes?.byteLength ?? 0
      return bytes
    }
    if (!this.#bulkMayGo(now)) return undefined
    const bytes = this.#lanes.bulk.take(now, this.#window)
    this.#waited ||= bytes === undefined && this.#lanes.bulk.frames > 0
    if (bytes !== undefined || this.#lanes.bulk.frames === 0) {
      this.#bulkHeldSince = undefined
      this.#othersSinceBulk = 0
    }
    return bytes
  }

  /** Credit from the peer; false if it is more than was ever spent. */
  grant(bytes: number): boolean {
    this.#takenBytes += bytes
    return this.#window.grant(bytes)
  }

  /** In how many ms bulk that is held back for more urgent frames may go at the latest; `undefined` when it is not held. */
  bulkDueIn(now: number): number | undefined {
    if (this.#bulkHeldSince === undefined) return undefined
    const dueIn = this.#bulkHeldSince + BULK_PATIENCE_MS - now
    return dueIn > 0 ? dueIn : undefined
  }

  /** How full a lane is, 0 to 1. */
  fill(lane: Lane): number {
    const { bytes, frames } = this.#lanes[lane]
    return Math.max(bytes / LANE_BOUNDS[lane].bytes, frames / LANE_BOUNDS[lane].frames)
  }

  /** Is there enough for a full write? */
  fillsWrite(lane: Lane): boolean {
    return this.#lanes[lane].bytes >= WRITE_MAX_BYTES
  }

  get queuedBytes(): number {
    return LANES.reduce((sum, lane) => sum + this.#lanes[lane].bytes, 0)
  }

  get queuedFrames(): number {
    return LANES.reduce((sum, lane) => sum + this.#lanes[lane].frames, 0)
  }

  queued(lane: Lane): number {
    return this.#lanes[lane].frames
  }

  /** Frames written, or about to be. */
  sent(lane: Lane): number {
    return this.#lanes[lane].sent
  }

  /** Frames whose time passed before they could be sent. */
  get expired(): number {
    return LANES.reduce((sum, lane) => sum + this.#lanes[lane].expired, 0)
  }

  #bulkMayGo(now: number): boolean {
    if (this.#lanes.bulk.frames === 0) return false
    const urgent = this.#lanes.control.frames + this.#lanes.critical.frames + this.#lanes.normal.frames > 0
    if (!urgent) return true
    this.#bulkHeldSince ??= now
    return this.#othersSinceBulk >= BULK_SHARE_BYTES || now - this.#bulkHeldSince >= BULK_PATIENCE_MS
  }
}

function classOf(rank: Rank): number {
  return rank === 'normal' ? 1 : 0
}
