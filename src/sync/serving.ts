import { type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { encodeFrames, type Frame, frameBytes, type Journal, RUN_MAX_BYTES, RUN_MAX_FRAMES } from '../records/index.ts'
import type { LogRef } from './log-index.ts'
import { encodeRec, type Range, type Want } from './wire.ts'

/** A REC is closed above this: small enough that several fit in the credit of a bulk lane at once. */
export const REC_TARGET_BYTES: number = 56 * 1024
/** WANTs of one peer that wait while another is served; more are answered with nothing. */
export const WANTS_WAITING_MAX = 64
/** A REC that could not be sent for so long is dropped; its asker has given up before. */
const REC_TTL_MS = 120_000

/** The first run of a range: of records of about 1 KiB it is about the target. */
const FIRST_RUN_FRAMES = 64
/** The head of the array of frames. */
const FRAMES_HEAD_BYTES = 3

export interface ServingComponents {
  readonly bus: Bus
  readonly journal: Journal
  readonly log: Logger
  /** Whether this peer may have records of this log now. */
  readonly serves: (peer: PeerId, space: SpaceId, log: LogRef) => boolean
}

/** Answers WANT with REC, one WANT per peer at a time. How fast is the asker's choice: it gives the credit of the lane. */
export class Serving {
  readonly #use: ServingComponents
  readonly #waiting = new Map<PeerId, Want[]>()
  framesOut = 0
  refused = 0

  constructor(components: ServingComponents) {
    this.#use = components
  }

  take(peer: PeerId, want: Want): void {
    const queue = this.#waiting.get(peer)
    if (queue === undefined) {
      const fresh = [want]
      this.#waiting.set(peer, fresh)
      void this.#serve(peer, fresh)
    } else if (queue.length <= WANTS_WAITING_MAX) queue.push(want)
    else this.refused++
  }

  /** The peer is gone: what it wanted it will want again. */
  forget(peer: PeerId): void {
    const queue = this.#waiting.get(peer)
    if (queue !== undefined) queue.length = 0
    this.#waiting.delete(peer)
  }

  stop(): void {
    for (const peer of this.#waiting.keys()) this.forget(peer)
  }

  /** Never rejects. */
  async #serve(peer: PeerId, queue: Want[]): Promise<void> {
    try {
      for (let want = queue[0]; want !== undefined; want = queue[0]) {
        for (const rec of this.#batches(peer, want)) {
          await this.#send(peer, want, rec.frames, rec.last)
          if (queue[0] !== want) return
        }
        queue.shift()
      }
    } catch (error) {
      this.#use.log.debug({ peer, reason: reasonOf(error) }, 'a peer was lost while it was served')
    }
    if (this.#waiting.get(peer) === queue) this.#waiting.delete(peer)
  }

  async #send(peer: PeerId, { space, want }: Want, frames: readonly Frame[], last: boolean): Promise<void> {
    const body = encodeRec({ space, want, last, frames: encodeFrames(frames) })
    await this.#use.bus.send(peer, 'sync.rec', body, { priority: 'low', ttlMs: REC_TTL_MS, direct: true })
    this.framesOut += frames.length
  }

  /** The frames of a WANT in batches; the last one may be empty. */
  *#batches(peer: PeerId, want: Want): Generator<{ readonly frames: readonly Frame[]; readonly last: boolean }> {
    let batch: Frame[] = []
    let bytes = 0
    for (const range of want.ranges) {
      for (const frames of this.#runs(peer, want.space, range)) {
        const more = frames.reduce((sum, frame) => sum + frameBytes(frame), 0)
        const isFull = batch.length + frames.length > RUN_MAX_FRAMES || bytes + more > RUN_MAX_BYTES - FRAMES_HEAD_BYTES
        if (batch.length > 0 && isFull) {
          yield { frames: batch, last: false }
          batch = []
          bytes = 0
        }
        batch.push(...frames)
        bytes += more
        if (bytes < REC_TARGET_BYTES) continue
        yield { frames: batch, last: false }
        batch = []
        bytes = 0
      }
    }
    yield { frames: batch, last: true }
  }

  /** A range in runs of about the target size, each of which ends on a signature that holds. */
  *#runs(peer: PeerId, space: SpaceId, range: Range): Generator<readonly Frame[]> {
    const { author, log, to } = range
    let length = FIRST_RUN_FRAMES
    for (let from = range.from; from <= to && this.#use.serves(peer, space, range); ) {
      const frames = this.#use.journal.frames(space, author, log, from, Math.min(to, from + length - 1))
      if (frames.length === 0) return
      yield frames
      from += frames.length
      const bytes = frames.reduce((sum, frame) => sum + frameBytes(frame), 0)
      length = Math.max(1, Math.min(RUN_MAX_FRAMES, Math.floor((REC_TARGET_BYTES * frames.length) / bytes)))
    }
  }
}
