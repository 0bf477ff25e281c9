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

/** A REC on its way into the store. The lane gets its credit back when `settle` is called. */
export interface RecBatch {
  readonly peer: PeerId
  readonly rec: Rec
  readonly frames: readonly Frame[]
  readonly settle: () => void
}

/** What arrived in this turn of the event loop, to be stored with as few commits as possible. */
export class Intake {
  readonly #endOfTurn: (run: () => void) => void
  readonly #flush: () => void
  #live: LiveBatch[] = []
  #liveFrames = 0
  #liveBytes = 0
  #recs: RecBatch[] = []
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

  /** Bounded by the credit of the bulk lanes. */
  addRec(batch: RecBatch): void {
    this.#recs.push(batch)
    this.#schedule()
  }

  /** The RECs are those of one peer: those of others wait for the next turn, so that no turn takes long. */
  take(): { readonly live: readonly LiveBatch[]; readonly recs: readonly RecBatch[] } {
    const live = this.#live
    this.#live = []
    this.#liveFrames = 0
    this.#liveBytes = 0
    const peer = this.#recs[0]?.peer
    const { recs = [], later = [] } = Object.groupBy(this.#recs, (batch) => (batch.peer === peer ? 'recs' : 'later'))
    this.#recs = later
    if (later.length > 0) this.#schedule()
    return { live, recs }
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
