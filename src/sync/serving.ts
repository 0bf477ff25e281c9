import { type Clock, type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { encodeFrames, type Frame, frameBytes, type Journal, RUN_MAX_FRAMES } from '../records/index.ts'
import { FrameBatch } from './frame-batch.ts'
import type { LogRef } from './log-index.ts'
import { encodeRec, type Range, type Want } from './wire.ts'

/** A REC is closed above this, or above as much as the peer has lately taken in this time: what is urgent waits no longer for it. */
export const REC_TARGET_MIN_BYTES: number = 56 * 1024
export const REC_TARGET_MS = 50
/** As much as fits in a batch, less a record of the usual size. */
export const REC_TARGET_MAX_BYTES: number = 240 * 1024
/** A batch that is so full is sent. */
const FULL_ENOUGH = 0.9
/** WANTs of one peer that wait while another is served; more are answered with nothing. */
export const WANTS_WAITING_MAX = 64
/** A REC that could not be sent for so long is dropped; its asker has given up before. */
const REC_TTL_MS = 120_000

/** The first run of a range: of records of about 1 KiB it is about the least target. */
const FIRST_RUN_FRAMES = 48
export interface ServingComponents {
  readonly bus: Bus
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Logger
  /** Whether this peer may have records of this log now, or of anything in the space. */
  readonly serves: (peer: PeerId, space: SpaceId, log?: LogRef) => boolean
}

/** The WANTs of one peer. */
interface Queue {
  readonly wants: Want[]
  /** Bytes of a REC: what the peer takes in REC_TARGET_MS. */
  target: number
  /** When the lane took the last REC; monotonic ms. */
  sentAt: number
}

/** Answers WANT with REC, one WANT per peer at a time. How fast is the asker's choice: it gives the credit of the lane. */
export class Serving {
  readonly #use: ServingComponents
  readonly #waiting = new Map<PeerId, Queue>()
  framesOut = 0
  refused = 0

  constructor(components: ServingComponents) {
    this.#use = components
  }

  take(peer: PeerId, want: Want): void {
    const queue = this.#waiting.get(peer)
    if (queue === undefined) {
      const fresh = { wants: [want], target: REC_TARGET_MIN_BYTES, sentAt: this.#use.clock.monotonic() }
      this.#waiting.set(peer, fresh)
      void this.#serve(peer, fresh)
    } else if (queue.wants.length <= WANTS_WAITING_MAX) queue.wants.push(want)
    else this.refused++
  }

  /** The peer is gone: what it wanted it will want again. */
  forget(peer: PeerId): void {
    const queue = this.#waiting.get(peer)
    if (queue !== undefined) queue.wants.length = 0
    this.#waiting.delete(peer)
  }

  stop(): void {
    for (const peer of this.#waiting.keys()) this.forget(peer)
  }

  /** Never rejects. */
  async #serve(peer: PeerId, queue: Queue): Promise<void> {
    const { wants } = queue
    try {
      for (let want = wants[0]; want !== undefined; want = wants[0]) {
        for (const rec of this.#batches(peer, want, queue)) {
          // Who was removed half way hears no more of it, not even that it ends.
          if (!this.#use.serves(peer, want.space)) break
          await this.#send(peer, want, rec.batch, rec.last)
          if (wants[0] !== want) return
          this.#keepPace(queue, rec.batch.bytes)
        }
        wants.shift()
      }
    } catch (error) {
      this.#use.log.debug({ peer, reason: reasonOf(error) }, 'a peer was lost while it was served')
    }
    if (this.#waiting.get(peer) === queue) this.#waiting.delete(peer)
  }

  async #send(peer: PeerId, { space, want }: Want, { frames }: FrameBatch, last: boolean): Promise<void> {
    const body = encodeRec({ space, want, last, frames: encodeFrames(frames) })
    await this.#use.bus.send(peer, 'sync.rec', body, { priority: 'low', ttlMs: REC_TTL_MS, direct: true })
    this.framesOut += frames.length
  }

  /** A lane takes a REC when the one before it is under way. */
  #keepPace(queue: Queue, bytes: number): void {
    const now = this.#use.clock.monotonic()
    const fitting = (bytes / Math.max(now - queue.sentAt, 1)) * REC_TARGET_MS
    queue.target = Math.max(REC_TARGET_MIN_BYTES, Math.min((queue.target + fitting) / 2, REC_TARGET_MAX_BYTES))
    queue.sentAt = now
  }

  /** The frames of a WANT in batches; the last one may be empty. */
  *#batches(peer: PeerId, want: Want, queue: Queue): Generator<{ readonly batch: FrameBatch; readonly last: boolean }> {
    let batch = new FrameBatch()
    for (const range of want.ranges) {
      for (const run of this.#runs(peer, want.space, range, () => queue.target - batch.bytes)) {
        const frames = want.headersOnly ? run.map((frame) => ({ ...frame, body: null })) : run
        if (!batch.addAll(frames)) {
          yield { batch, last: false }
          batch = new FrameBatch()
          batch.addAll(frames)
        }
        if (batch.bytes < queue.target * FULL_ENOUGH) continue
        yield { batch, last: false }
        batch = new FrameBatch()
      }
    }
    yield { batch, last: true }
  }

  /** A range in runs of about `room()` bytes, each of which ends on a signature that holds. */
  *#runs(peer: PeerId, space: SpaceId, range: Range, room: () => number): Generator<readonly Frame[]> {
    const { author, log, to } = range
    let length = FIRST_RUN_FRAMES
    for (let from = range.from; from <= to && this.#use.serves(peer, space, range); ) {
      const frames = this.#use.journal.frames(space, author, log, from, Math.min(to, from + length - 1))
      if (frames.length === 0) return
      yield frames
      from += frames.length
      const bytes = frames.reduce((sum, frame) => sum + frameBytes(frame), 0)
      length = Math.max(1, Math.min(RUN_MAX_FRAMES, Math.floor((room() * frames.length) / bytes)))
    }
  }
}
