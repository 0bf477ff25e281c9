import type { Clock, PeerId, SpaceId } from '../base/index.ts'
import type { Frame, IngestReport, Journal } from '../records/index.ts'
import type { CatchUpEvent } from './catch-up-events.ts'
import { isBad, type Misconduct } from './conduct.ts'
import { Intake, type LiveBatch, type RecBatch } from './intake.ts'

/** A peer whose live frames were refused among those of others has its frames judged apart for so long. */
const SUSPICION_MS = 60_000
const SUSPECTS_MAX = 64
const NOBODY: ReadonlySet<PeerId> = new Set()

export interface StoringInit {
  readonly space: SpaceId
  readonly journal: Journal
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly endOfTurn: (run: () => void) => void
  readonly readyMembers: (space: SpaceId) => readonly PeerId[]
  readonly blame: (peer: PeerId, misconduct: Misconduct) => void
  readonly onStoreFailure: (error: unknown) => void
  readonly onStored: () => void
  readonly onEvent: (event: CatchUpEvent) => void
  /** This peer, or somebody, holds what we do not. */
  readonly onDiffers: (peer: PeerId | undefined) => void
}

/** What arrives of one space on its way into the journal, and what that shows of those who sent it. */
export class Storing {
  readonly #use: StoringInit
  readonly #intake: Intake
  readonly #suspects = new Map<PeerId, number>()
  /** Who sent what is being stored now. */
  #sources: ReadonlySet<PeerId> = NOBODY
  #parked = 0

  constructor(init: StoringInit) {
    this.#use = init
    this.#intake = new Intake(init.endOfTurn, () => this.#flush())
  }

  /** How many frames were set aside. */
  get parked(): number {
    return this.#parked
  }

  /** False if there was no room. */
  offerLive(batch: LiveBatch, bytes: number): boolean {
    return this.#intake.offerLive(batch, bytes)
  }

  /** Settles when the lane may have its credit back. */
  addRec(batch: RecBatch): Promise<void> {
    return this.#intake.addRec(batch)
  }

  /** Stores what arrived in this turn. */
  #flush(): void {
    const { live, recs } = this.#intake.take()
    if (this.#use.signal.aborted) return
    const apart = live.filter(({ peer }) => this.#isSuspect(peer))
    const together = live.filter((batch) => !apart.includes(batch))
    if (together.length > 0) this.#storeLive(together)
    for (const batch of apart) this.#storeLive([batch])
    const [first] = recs
    if (first !== undefined) this.#storeRecs(first.peer, recs)
  }

  #storeLive(batches: readonly LiveBatch[]): void {
    const peers = new Set(batches.map(({ peer }) => peer))
    const report = this.#ingest(
      peers,
      batches.flatMap(({ frames }) => frames),
      'single',
    )
    if (report === undefined) return
    if (isBad(report)) this.#suspect(peers)
    // Whoever sent a record of its own holds what comes before it; of others it may know no more than we do.
    const ready = this.#use.readyMembers(this.#use.space)
    const isOwn = ({ author }: { readonly author: PeerId }): boolean => peers.has(author) && ready.includes(author)
    const [own, others] = [report.gaps.filter(isOwn), report.gaps.filter((gap) => !isOwn(gap))]
    for (const gap of own) this.#use.onEvent({ on: 'gap', peer: gap.author, ranges: [gap] })
    if (report.stored > 0) this.#use.onEvent({ on: 'grown' })
    const unexplained = report.parked > 0 && report.gaps.length === 0
    if (others.length > 0 || unexplained) for (const peer of peers) this.#use.onDiffers(peer)
  }

  #storeRecs(peer: PeerId, batches: readonly RecBatch[]): void {
    const report = this.#ingest(
      new Set([peer]),
      batches.flatMap(({ frames }) => frames),
      'run',
    )
    if (report === undefined) this.#use.onEvent({ on: 'failed', peer })
    else if (isBad(report)) this.#use.blame(peer, 'bad-records')
    for (const [index, { rec, frames }] of batches.entries()) {
      const stored = index === 0 ? (report?.stored ?? 0) : 0
      this.#use.onEvent({ on: 'rec', peer, want: rec.want, frames: frames.length, stored, last: rec.last })
    }
    if (report === undefined || report.gaps.length === 0) return
    if (report.parked > 0) this.#use.blame(peer, 'gap')
    this.#use.onEvent({ on: 'gap', peer, ranges: report.gaps })
  }

  #ingest(peers: ReadonlySet<PeerId>, frames: readonly Frame[], mode: 'single' | 'run'): IngestReport | undefined {
    this.#sources = peers
    try {
      const report = this.#use.journal.ingest(this.#use.space, frames, mode)
      this.#parked += report.parked
      this.#use.onStored()
      return report
    } catch (error) {
      this.#use.onStoreFailure(error)
      return undefined
    } finally {
      this.#sources = NOBODY
    }
  }

  /** Bodies that a peer was asked for. */
  storeBodies(peer: PeerId, frames: readonly Frame[]): void {
    const report = this.#ingest(new Set([peer]), frames, 'run')
    if (report !== undefined && isBad(report)) this.#use.blame(peer, 'bad-records')
  }

  /** Judges again what was set aside. */
  retryParked(): void {
    if (this.#parked === 0 && (this.#use.journal.figures().parked ?? 0) === 0) return
    try {
      this.#parked = this.#use.journal.retryParked(this.#use.space).parked
    } catch (error) {
      this.#use.onStoreFailure(error)
    }
  }

  /** Who sent the record of this author that is being stored, as far as that is known. */
  sourceOf(author: PeerId): PeerId | undefined {
    if (this.#sources.has(author)) return author
    const [only] = this.#sources.size === 1 ? this.#sources : []
    return only
  }

  /** Bad frames among those of several peers: from now on each is judged apart, and then the one shows. */
  #suspect(peers: ReadonlySet<PeerId>): void {
    const [only] = peers
    if (peers.size === 1 && only !== undefined) {
      this.#use.blame(only, 'bad-records')
      return
    }
    if (this.#suspects.size >= SUSPECTS_MAX) this.#suspects.clear()
    for (const peer of peers) this.#suspects.set(peer, this.#use.clock.monotonic() + SUSPICION_MS)
  }

  #isSuspect(peer: PeerId): boolean {
    return (this.#suspects.get(peer) ?? 0) > this.#use.clock.monotonic()
  }
}
