import type { PeerId } from '../base/index.ts'
import type { Frame } from '../records/index.ts'
import type { Rec } from './wire.ts'

/** Live frames that wait for the end of a turn; beyond that new ones are dropped and fetched later. */
export const LIVE_WAITING_MAX_FRAMES = 4_096
export const LIVE_WAITING_MAX_BYTES: number = 8 * 1024 * 1024

export interface LiveBatch {
  readonly peer: PeerId
  readonly frames: readonly Frame[]
}

/**
 * RECs of all peers that wait to be stored and whose lanes have their credit back already: the next is on its way while these are
 * stored. Beyond that a lane gets its credit back when its REC is stored.
 */
export const RECS_WAITING_MAX_BYTES: number = 1024 * 1024
/** So much is stored in one commit: about ten milliseconds of work, or twenty. */
export const COMMIT_MAX_BYTES: number = 256 * 1024

/** A REC on its way into the store. */
export interface RecBatch {
  readonly peer: PeerId
  readonly rec: Rec
  readonly frames: readonly Frame[]
}

interface WaitingRec extends RecBatch {
  readonly settle: () => void
}

/** What arrived in this turn of the event loop, to be stored with as few commits as possible. */
export class Intake {
  readonly #endOfTurn: (run: () => void) => void
  readonly #flush: () => void
  #live: LiveBatch[] = []
  #liveFrames = 0
  #liveBytes = 0
  #recs: WaitingRec[] = []
  #recBytes = 0
  #isScheduled = false

  constructor(endOfTurn: (run: () => void) => void, flush: () => void) {
    this.#endOfTurn = endOfTurn
    this.#flush = flush
  }

  /** False if there was no room. */
  offerLive(batch: LiveBatch, bytes: number): boolean {
    if (this.#liveFrames + batch.frames.length > LIVE_WAITING_MAX_FRAMES) return false
    if (this.#liveBytes + bytes > LIVE_WAITING_MAX_BYTES) return false
    this.#live.push(batch)
    this.#liveFrames += batch.frames.length
    this.#liveBytes += bytes
    this.#schedule()
    return true
  }

  /** Settles when the lane may have its credit back. */
  addRec(batch: RecBatch): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#recs.push({ ...batch, settle: resolve })
    this.#recBytes += sizeOf(batch)
    if (this.#recBytes <= RECS_WAITING_MAX_BYTES) resolve()
    this.#schedule()
    return promise
  }

  /** The RECs are those of one peer, and no more than one commit's: the rest waits for the next turn, so that no turn takes long. */
  take(): { readonly live: readonly LiveBatch[]; readonly recs: readonly RecBatch[] } {
    const live = this.#live
    this.#live = []
    this.#liveFrames = 0
    this.#liveBytes = 0
    const recs = this.#takeRecs()
    if (this.#recs.length > 0) this.#schedule()
    return { live, recs }
  }

  #takeRecs(): readonly RecBatch[] {
    const peer = this.#recs[0]?.peer
    const taken: WaitingRec[] = []
    let bytes = 0
    for (const batch of this.#recs) {
      if (batch.peer !== peer) continue
      bytes += sizeOf(batch)
      if (taken.length > 0 && bytes > COMMIT_MAX_BYTES) break
      taken.push(batch)
    }
    this.#recs = this.#recs.filter((batch) => !taken.includes(batch))
    for (const batch of taken) {
      this.#recBytes -= sizeOf(batch)
      batch.settle()
    }
    return taken
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#endOfTurn(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }
}

function sizeOf({ rec }: RecBatch): number {
  return rec.frames.byteLength
}
