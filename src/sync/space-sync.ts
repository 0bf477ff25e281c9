import {
  type Clock,
  type Events,
  hexOf,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  type SpaceId,
  type Timer,
} from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import {
  decodeFrames,
  decodeHeader,
  type Frame,
  type Journal,
  type LogHead,
  RecordsError,
  type StoredRecord,
} from '../records/index.ts'
import type { Spaces } from '../space/index.ts'
import { Answering } from './answering.ts'
import { CatchUp } from './catch-up.ts'
import type { CatchUpEffect, CatchUpEvent } from './catch-up-events.ts'
import type { Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import { ForkBook } from './fork-book.ts'
import type { ClaimedFork } from './fork-wire.ts'
import { classOf, GROUPS, type Group, LogIndex, type LogRef } from './log-index.ts'
import { peerOf } from './peer-keys.ts'
import { Questions } from './questions.ts'
import { Replica } from './replica.ts'
import { Rounds } from './rounds.ts'
import { Spread } from './spread.ts'
import { Storing } from './storing.ts'
import { SyncStore } from './sync-store.ts'
import type { Replication, SpaceProgress, SyncEvents } from './types.ts'
import type { Have, Hello, Range, Rec } from './wire.ts'

/** A random member is compared with after a time between these two. */
export const ANTI_ENTROPY_MIN_MS = 30_000
export const ANTI_ENTROPY_MAX_MS = 120_000
const TICK_MS = 1_000

export interface SpaceSyncComponents {
  readonly self: PeerId
  readonly bus: Bus
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: Events<SyncEvents>
  readonly endOfTurn: (run: () => void) => void
  /** Members of the space whose lanes are up and who are not cut off. */
  readonly readyMembers: (space: SpaceId) => readonly PeerId[]
  readonly blame: (peer: PeerId, misconduct: Misconduct) => void
  readonly onStoreFailure: (error: unknown) => void
  readonly onStored: () => void
}

/** One space: drives its catch-up, hands on what arrives to be stored and spreads what is stored. */
export class SpaceSync {
  readonly space: SpaceId
  readonly answering: Answering
  readonly counts = { liveIn: 0, liveDropped: 0, framesIn: 0 }
  readonly #use: SpaceSyncComponents
  readonly #index: LogIndex
  readonly #store: SyncStore
  readonly #forks: ForkBook
  readonly #replica: Replica
  readonly #catchUp: CatchUp
  readonly #questions: Questions
  readonly #spread: Spread
  readonly #storing: Storing
  readonly #rounds = new Rounds()
  readonly #abort = new AbortController()
  #tick: Timer | undefined
  #antiEntropy: Timer | undefined

  constructor(space: SpaceId, components: SpaceSyncComponents) {
    const { spaces, journal, self } = components
    const { signal } = this.#abort
    const admits = ({ author, log }: LogRef): boolean => spaces.admitsLog(space, author, classOf(log))
    const mayReceive = (peer: PeerId, group: Group): boolean => {
      return spaces.mayReceive(space, peer, GROUPS.indexOf(group) as 0 | 1 | 2)
    }
    this.space = space
    this.#use = components
    this.#index = new LogIndex(journal.heads(space), admits)
    this.#store = new SyncStore(journal.database, space)
    this.#forks = new ForkBook(journal, space, admits)
    this.answering = new Answering({
      space,
      journal,
      index: this.#index,
      store: this.#store,
      forks: this.#forks,
      mayReceive,
    })
    this.#replica = new Replica({
      ...components,
      space,
      store: this.#store,
      signal,
      heads: (group) => this.#headsOf(group),
      holders: (group) => this.#catchUp.holders(group),
      ingest: (peer, frames) => this.#storing.storeBodies(peer, frames),
    })
    this.#catchUp = new CatchUp({
      self,
      index: this.#index,
      head: (key) => this.#index.head(key),
      admits,
      endOf: (log) => this.#endOf(log),
      keeping: (group) => (mayReceive(self, group) ? this.#replica.keeping(group) : 'nothing'),
      forks: () => this.#forks.summary,
      cursor: (peer) => this.#store.cursor(peer),
    })
    this.#questions = new Questions({
      ...components,
      space,
      signal,
      answering: this.answering,
      onForks: (peer, forks) => this.#onForks(peer, forks),
      onEvent: (event) => this.#apply(event),
    })
    this.#spread = new Spread({
      ...components,
      space,
      mayReceive,
      readyMembers: () => components.readyMembers(space),
      hearsTopic: (peer) => mayReceive(peer, 'durable') && spaces.roleOf(space, peer) !== 'relay',
      head: (log) => this.#index.shown(log),
    })
    this.#storing = new Storing({
      ...components,
      space,
      signal,
      onEvent: (event) => this.#apply(event),
      onDiffers: (peer) => this.#differs(peer),
    })
    this.#armAntiEntropy()
  }

  get liveOut(): number {
    return this.#spread.recordsOut
  }

  /** How many are held. */
  get records(): number {
    return GROUPS.reduce((sum, group) => sum + this.#index.summary(group).records, 0)
  }

  get replication(): Replication {
    return this.#replica.settings
  }

  setReplication(settings: Partial<Replication>): void {
    if (!this.#replica.set(settings)) return
    this.#store.forgetCursors()
    for (const peer of this.#use.readyMembers(this.space)) this.begin(peer)
    void this.#replica.fill()
  }

  fetchBodies(range: Range, signal: AbortSignal | undefined): Promise<number> {
    const signals = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
    return this.#replica.fetchBodies(range, signals)
  }

  /** Compares with a member. `lately`: its lanes came up just now. */
  begin(peer: PeerId, lately = false): void {
    this.#apply({ on: 'begin', peer, lately })
  }

  /** Not linked, not a member, or cut off. */
  gone(peer: PeerId): void {
    this.#apply({ on: 'gone', peer })
    this.#rounds.gone(peer)
  }

  membersChanged(): void {
    this.#index.recheck()
    this.#forks.forget()
    this.#keep(() => this.#store.forgetCursors())
    this.#apply({ on: 'members' })
    this.#storing.retryParked()
    for (const peer of this.#use.readyMembers(this.space)) this.begin(peer)
  }

  /** The journal stored a record of this space. */
  stored({ author, log, seq, id, class: logClass }: StoredRecord, own: boolean): void {
    const head = this.#index.extend({ author, log, seq, id })
    if (own) this.#spread.own({ author, log, class: logClass }, seq)
    else this.#spread.others(head, this.#storing.sourceOf(author))
  }

  /** What counts of a log changed otherwise. */
  changed(log: LogRef, head: LogHead | undefined): void {
    if (head === undefined) this.#index.drop(log)
    else this.#index.advance(head)
  }

  /** Bodies are not held that may be. */
  bodiesMissing(range: Range): void {
    this.#replica.want(range)
  }

  forked(): void {
    this.#forks.forget()
  }

  /** The peer said what it holds; `answered` if it was told what we hold in return. */
  heard(peer: PeerId, theirs: Hello, answered: boolean): void {
    this.#apply({ on: 'heard', peer, theirs, answered })
  }

  onNews(peer: PeerId, { claims, more }: Have): void {
    this.#apply({ on: 'news', peer, claims, more })
  }

  onLive(peer: PeerId, body: Uint8Array): void {
    const frames = this.#framesOf(peer, body)
    if (frames === undefined) return
    this.counts.liveIn += frames.length
    if (this.#storing.offerLive({ peer, frames: this.#replica.kept(frames) }, body.byteLength)) return
    this.counts.liveDropped += frames.length
    this.#differs(peer)
  }

  /** Members published what did not come here: what it was is with the others. */
  onMissed(): void {
    this.#differs(undefined)
  }

  /** Settles when the peer's lane may have its credit back. */
  async onRec(peer: PeerId, rec: Rec): Promise<void> {
    if (!this.#catchUp.expects(peer, rec.want)) {
      this.#apply({ on: 'rec', peer, want: rec.want, frames: 0, stored: 0, last: false })
      return
    }
    const frames = this.#framesOf(peer, rec.frames)
    if (frames === undefined) return
    if (![frames.at(0), frames.at(-1)].every((frame) => this.#isAskedFor(peer, rec.want, frame))) {
      this.#use.blame(peer, 'unasked')
      this.#apply({ on: 'failed', peer })
      return
    }
    this.counts.framesIn += frames.length
    await this.#storing.addRec({ peer, rec, frames })
  }

  #isAskedFor(peer: PeerId, want: number, frame: Frame | undefined): boolean {
    try {
      if (frame === undefined) return true
      const { device, log, seq } = decodeHeader(frame.header)
      return this.#catchUp.asksFor(peer, want, { author: peerOf(device), log: hexOf(log), seq })
    } catch (error) {
      // Ingest says what is wrong with it.
      if (error instanceof RecordsError) return true
      throw error
    }
  }

  /** Compares with every ready member and waits until that is done. Rejects with the signal's reason. */
  async syncNow(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const rounds = this.#use.readyMembers(this.space).map((peer) => {
      const over = this.#rounds.wait(peer)
      this.begin(peer)
      return over
    })
    try {
      await Promise.race([Promise.all(rounds), aborted.promise])
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  progress(): SpaceProgress {
    const parked = Math.min(this.#storing.parked, this.#use.journal.figures().parked ?? 0)
    return { space: this.space, behind: this.#catchUp.behind(), inStepWith: this.#catchUp.inStepWith(), parked }
  }

  stop(): void {
    this.#abort.abort(new SyncError('ERR_SYNC_STOPPED', 'sync is stopping'))
    this.#spread.stop()
    this.#tick?.cancel()
    this.#antiEntropy?.cancel()
    this.#rounds.stop()
  }

  #apply(event: CatchUpEvent): void {
    if (this.#abort.signal.aborted) return
    for (const effect of this.#catchUp.handle(event, this.#use.clock.monotonic())) this.#carryOut(effect)
    if (this.#tick !== undefined || !this.#catchUp.isActive) return
    this.#tick = this.#use.clock.setTimer(TICK_MS, () => {
      this.#tick = undefined
      this.#apply({ on: 'tick' })
    })
  }

  #carryOut(effect: CatchUpEffect): void {
    switch (effect.do) {
      case 'blame':
        this.#use.blame(effect.peer, effect.fault)
        break
      case 'retry-parked':
        this.#storing.retryParked()
        break
      case 'tell-in-step': {
        const { peer, received, elapsedMs } = effect
        this.#use.events.emit('space:in-step', { space: this.space, peer, received, elapsedMs })
        break
      }
      case 'tell-ended':
        this.#rounds.ended(effect.peer)
        if (!effect.completed) break
        // Nothing is missing any more, so whatever could not be stored was stored since, or was not needed.
        this.#use.onStored()
        void this.#replica.fill()
        break
      case 'keep-cursor':
        this.#keep(() => this.#store.keepCursor(effect.peer, effect.storeId, effect.rid))
        break
      default:
        if (effect.do === 'ask-hello') this.#rounds.begun(effect.peer)
        this.#questions.put(effect)
    }
  }

  #onForks(peer: PeerId, forks: readonly ClaimedFork[]): void {
    if (!this.#forks.take(forks)) this.#use.blame(peer, 'false-proof')
  }

  /** Where a log ends by membership, or because it forked and nobody chose. */
  #endOf(log: LogRef): number | undefined {
    const { end, branches } = this.#use.spaces.ruleOf(this.space, log.author, log.log)
    const forks = this.#forks.placesOf(log).filter((place) => !branches.some(({ seq }) => seq === place))
    const ends = [...forks.map((place) => place - 1), ...(end === undefined ? [] : [end.seq])]
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  #headsOf(group: Group): readonly LogHead[] {
    return this.#index.page(group, undefined, Number.POSITIVE_INFINITY).heads
  }

  /** What sync remembers is of use and not needed: without it more is compared. */
  #keep(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#use.log.debug({ reason: reasonOf(error) }, 'a cursor could not be kept')
    }
  }

  #framesOf(peer: PeerId, batch: Uint8Array): readonly Frame[] | undefined {
    try {
      return decodeFrames(batch)
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
      this.#use.blame(peer, 'malformed')
      return undefined
    }
  }

  /** Compares in a while with this peer, or with any member if it has no lanes with us. */
  #differs(peer: PeerId | undefined): void {
    const isReady = peer !== undefined && this.#use.readyMembers(this.space).includes(peer)
    const other = isReady ? peer : this.#anyMember()
    if (other !== undefined) this.#apply({ on: 'differs', peer: other })
  }

  #anyMember(): PeerId | undefined {
    const members = this.#use.readyMembers(this.space)
    return members[Math.floor(this.#use.random.unit() * members.length)]
  }

  #armAntiEntropy(): void {
    const { random, clock } = this.#use
    const delayMs = ANTI_ENTROPY_MIN_MS + random.unit() * (ANTI_ENTROPY_MAX_MS - ANTI_ENTROPY_MIN_MS)
    this.#antiEntropy = clock.setTimer(delayMs, () => {
      const peer = this.#anyMember()
      if (this.#storing.parked > 0) this.#storing.retryParked()
      if (peer !== undefined) this.begin(peer)
      this.#armAntiEntropy()
    })
  }
}
