import {
  type Clock,
  type ComponentState,
  type ComponentStatus,
  Events,
  keepNewest,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  type SpaceId,
  type StartOptions,
  TokenBucket,
  type TokenBucketInit,
} from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import type { Transport } from '../network/index.ts'
import { endOfTurn, type Journal } from '../records/index.ts'
import type { Spaces } from '../space/index.ts'
import { ConductBook, type Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import { type Desk, handleMessages } from './handlers.ts'
import { Issuer } from './join/issuer.ts'
import { Join } from './join/join.ts'
import { classOf } from './log-index.ts'
import { Serving } from './serving.ts'
import { SpaceSync } from './space-sync.ts'
import type { JoinOptions, JoinReport, Replication, SpaceProgress, Sync, SyncEvents } from './types.ts'
import type { Range } from './wire.ts'

/** Questions that one peer may ask, over all spaces; a page of claims counts as four. */
export const QUESTIONS_RATE: TokenBucketInit = { burst: 1_000, perSecond: 100 }
const QUESTIONERS_MAX = 1_024

export interface SyncInit {
  /** Calls back once all that arrived in this turn of the event loop was handed over. Default: `endOfTurn` of records. */
  readonly endOfTurn?: (run: () => void) => void
}

export interface SyncComponents {
  readonly transport: Transport
  readonly bus: Bus
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Where a peer was last reached: told to those who join, and tried when we join. Default: nothing is known. */
  readonly addressesOf?: (peer: PeerId) => readonly string[]
}

/** The beam between the durable and the live pillar. Start it after the bus and stop it before. */
export function createSync(init: SyncInit = {}): (components: SyncComponents) => Sync {
  return (components) => new SpacesSync(init, components)
}

class SpacesSync implements Sync {
  readonly name = 'sync'
  readonly events: Events<SyncEvents>
  readonly #use: SyncComponents
  readonly #endOfTurn: (run: () => void) => void
  readonly #conduct: ConductBook
  readonly #serving: Serving
  readonly #issuer: Issuer
  readonly #join: Join
  readonly #spaces = new Map<SpaceId, SpaceSync>()
  /** Peers whose lanes are up. */
  readonly #ready = new Set<PeerId>()
  #state: ComponentState = 'stopped'
  #since: number
  #running: AbortController | undefined
  #listening: DisposableStack | undefined
  #storeFailure: string | undefined
  #strangers = 0
  /** What each peer may ask yet; it outlives links, so that coming back wins nothing. */
  readonly #questions = new Map<PeerId, TokenBucket>()
  #questionsRefused = 0
  #otherVersions = 0

  constructor(init: SyncInit, components: SyncComponents) {
    const { clock, spaces, addressesOf = () => [] } = components
    const log = components.log.child({ module: 'sync' })
    const use = { ...components, addressesOf, log }
    this.#use = use
    this.#endOfTurn = init.endOfTurn ?? endOfTurn
    this.#since = clock.now()
    this.events = new Events(log)
    this.#conduct = new ConductBook(clock)
    this.#issuer = new Issuer({ ...use, events: this.events })
    this.#join = new Join({ ...use, events: this.events, recordsOf: (space) => this.#recordsOf(space) })
    this.#serving = new Serving({
      ...use,
      serves: (peer, space, log) => {
        if (this.#running === undefined) return false
        if (log === undefined) return spaces.roleOf(space, peer) !== undefined
        const logClass = classOf(log.log)
        return spaces.mayReceive(space, peer, logClass) && spaces.admitsLog(space, log.author, logClass)
      },
    })
  }

  async start(options: StartOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    const { bus, spaces, journal } = this.#use
    const listening = new DisposableStack()
    this.#listening = listening
    listening.use(
      journal.events.on('record:stored', ({ record, own }) => this.#spaces.get(record.space)?.stored(record, own)),
    )
    listening.use(journal.events.on('log:forked', ({ space }) => this.#spaces.get(space)?.forked()))
    listening.use(
      journal.events.on('log:changed', ({ space, author, log, head }) =>
        this.#spaces.get(space)?.changed({ author, log }, head),
      ),
    )
    listening.use(
      journal.events.on('bodies:missing', ({ space, ...range }) => this.#spaces.get(space)?.bodiesMissing(range)),
    )
    listening.use(spaces.events.on('space:added', ({ space }) => this.#open(space)))
    listening.use(spaces.events.on('members:changed', ({ space }) => this.#onMembersChanged(space)))
    listening.use(journal.events.on('space:room', ({ space }) => this.#spaces.get(space)?.membersChanged()))
    listening.use(bus.events.on('peer:ready', ({ peer }) => this.#onReady(peer)))
    listening.use(bus.events.on('peer:lost', ({ peer }) => this.#onLost(peer)))
    listening.use(handleMessages(bus, this.#desk()))
    listening.use(this.#issuer.listen(this.#running.signal))
    this.#become('ok')
    for (const { id } of spaces.list()) this.#open(id)
    for (const { peer, state } of bus.presence()) if (state === 'ready') this.#onReady(peer)
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    this.#running.abort(new SyncError('ERR_SYNC_STOPPED', 'sync is stopping'))
    this.#running = undefined
    this.#listening?.dispose()
    for (const space of this.#spaces.values()) space.stop()
    this.#spaces.clear()
    this.#ready.clear()
    this.#serving.stop()
    this.#become('stopped')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const figures = this.#figures()
    if (this.#storeFailure === undefined) return { state: this.#state, since: this.#since, figures }
    return {
      state: 'degraded',
      reason: `records of other peers cannot be stored: ${this.#storeFailure}`,
      since: this.#since,
      fix: 'Free disk space or repair the disk; what is missing is fetched again by itself.',
      figures,
    }
  }

  join(ticket: string, options: JoinOptions): Promise<JoinReport> {
    const running = this.#assertRunning()
    const signal = options.signal === undefined ? running : AbortSignal.any([running, options.signal])
    return this.#join.run(ticket, options, signal)
  }

  async syncNow(space: SpaceId, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertRunning()
    await this.#spaces.get(space)?.syncNow(options.signal)
  }

  progress(): readonly SpaceProgress[] {
    return [...this.#spaces.values()].map((space) => space.progress())
  }

  replication(space: SpaceId): Replication | undefined {
    this.#assertRunning()
    return this.#spaces.get(space)?.replication
  }

  setReplication(space: SpaceId, replication: Partial<Replication>): void {
    this.#assertRunning()
    this.#spaces.get(space)?.setReplication(replication)
  }

  async fetchBodies(space: SpaceId, range: Range, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    this.#assertRunning()
    return (await this.#spaces.get(space)?.fetchBodies(range, options.signal)) ?? 0
  }

  #desk(): Desk {
    const findFor: Desk['findFor'] = (space, author) => {
      if (this.#use.spaces.roleOf(space, author) !== undefined) return this.#spaces.get(space)
      this.#strangers++
      return undefined
    }
    return {
      serving: this.#serving,
      findFor,
      find: (space, peer) => {
        const found = findFor(space, peer)
        return this.#ready.has(peer) ? found : undefined
      },
      mayAsk: (peer, cost) => this.#mayAsk(peer, cost),
      hears: (peer) => !this.#conduct.isCutOff(peer),
      blame: (peer, misconduct) => this.#blame(peer, misconduct),
      noteVersion: (peer) => {
        this.#otherVersions++
        this.#use.log.debug({ peer }, 'a peer speaks another version of sync')
      },
    }
  }

  #open(space: SpaceId): void {
    const info = this.#use.spaces.get(space)
    if (info === undefined || this.#spaces.has(space)) return
    const opened = new SpaceSync(space, {
      ...this.#use,
      self: this.#use.bus.self,
      events: this.events,
      endOfTurn: this.#endOfTurn,
      readyMembers: (id) => this.#readyMembers(id),
      blame: (peer, misconduct) => this.#blame(peer, misconduct),
      onStoreFailure: (error) => this.#onStoreFailure(error),
      onStored: () => this.#onStored(),
    })
    this.#spaces.set(space, opened)
    for (const peer of this.#readyMembers(space)) opened.begin(peer)
  }

  #onMembersChanged(space: SpaceId): void {
    this.#use.bus.reconsider()
    const opened = this.#spaces.get(space)
    if (opened === undefined) return
    const members = new Set(this.#readyMembers(space))
    for (const peer of this.#ready) if (!members.has(peer)) opened.gone(peer)
    opened.membersChanged()
  }

  #onReady(peer: PeerId): void {
    this.#ready.add(peer)
    for (const [id, space] of this.#spaces) if (this.#readyMembers(id).includes(peer)) space.begin(peer, true)
  }

  #onLost(peer: PeerId): void {
    this.#ready.delete(peer)
    this.#serving.forget(peer)
    for (const space of this.#spaces.values()) space.gone(peer)
  }

  #readyMembers(space: SpaceId): readonly PeerId[] {
    const { spaces } = this.#use
    return [...this.#ready].filter((peer) => spaces.roleOf(space, peer) !== undefined && !this.#conduct.isCutOff(peer))
  }

  #mayAsk(peer: PeerId, cost: number): boolean {
    const now = this.#use.clock.monotonic()
    const bucket = this.#questions.get(peer) ?? new TokenBucket(QUESTIONS_RATE, now)
    this.#questions.delete(peer)
    this.#questions.set(peer, bucket)
    keepNewest(this.#questions, QUESTIONERS_MAX)
    if (bucket.take(now, cost)) return true
    this.#questionsRefused++
    return false
  }

  #blame(peer: PeerId, misconduct: Misconduct): void {
    this.#use.log.debug({ peer, misconduct }, 'a peer misbehaved')
    if (!this.#conduct.blame(peer, misconduct)) return
    this.#use.log.warn({ peer, misconduct }, 'a peer is not listened to for a while')
    for (const space of this.#spaces.values()) space.gone(peer)
  }

  #onStoreFailure(error: unknown): void {
    this.#use.log.error({ reason: reasonOf(error) }, 'records of other peers cannot be stored')
    if (this.#storeFailure === undefined) this.#since = this.#use.clock.now()
    this.#storeFailure = reasonOf(error)
  }

  #onStored(): void {
    if (this.#storeFailure === undefined) return
    this.#storeFailure = undefined
    this.#since = this.#use.clock.now()
  }

  #recordsOf(space: SpaceId): number {
    return this.#spaces.get(space)?.records ?? 0
  }

  #figures(): Readonly<Record<string, number>> {
    const spaces = [...this.#spaces.values()]
    const sum = (of: (space: SpaceSync) => number): number => spaces.reduce((total, space) => total + of(space), 0)
    const { requests, admitted, refused, malformed } = this.#issuer.counts
    return {
      spaces: spaces.length,
      liveOut: sum((space) => space.liveOut),
      liveIn: sum(({ counts }) => counts.liveIn),
      liveDropped: sum(({ counts }) => counts.liveDropped),
      fetched: sum(({ counts }) => counts.framesIn),
      served: this.#serving.framesOut,
      wantsRefused: this.#serving.refused,
      questionsRefused: this.#questionsRefused,
      otherVersions: this.#otherVersions,
      fromStrangers: this.#strangers,
      peersCutOff: this.#conduct.cutOff,
      joinRequests: requests,
      joinsAdmitted: admitted,
      joinsRefused: refused,
      joinsMalformed: malformed,
      ...Object.fromEntries(Object.entries(this.#conduct.counts).map(([name, count]) => [`fault:${name}`, count])),
    }
  }

  #become(state: ComponentState): void {
    this.#state = state
    this.#since = this.#use.clock.now()
  }

  #assertRunning(): AbortSignal {
    if (this.#running !== undefined) return this.#running.signal
    throw new SyncError('ERR_SYNC_STOPPED', 'sync is not running', { fix: 'Start the node first.' })
  }
}
