import {
  type Clock,
  jitter,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  type SpaceId,
  type Timer,
} from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { encodeFrames, type Journal, type LogClass, type LogHead } from '../records/index.ts'
import { type Group, groupOf, type LogRef, logKey } from './log-index.ts'
import { type Claim, encodeHave, HAVE_MAX_LOGS, SHORT_ID_BYTES } from './wire.ts'

/** A longer run of own records is announced and fetched in bulk, which is cheaper for everyone than each record by itself. */
export const LIVE_MAX_RECORDS = 256
/** How long news of other authors' records is gathered before it is told. */
export const NEWS_DELAY_MS = 100
/** How many peers each of us tells: the rest hears it from those, or at the next comparison. */
export const NEWS_FANOUT = 8

export interface SpreadComponents {
  readonly space: SpaceId
  readonly bus: Bus
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly endOfTurn: (run: () => void) => void
  /** Members whose lanes are up. */
  readonly readyMembers: () => readonly PeerId[]
  readonly mayReceive: (peer: PeerId, group: Group) => boolean
  /** Relays do not hear the topic of records. */
  readonly hearsTopic: (peer: PeerId) => boolean
  readonly head: (log: LogRef) => LogHead | undefined
}

interface OwnLog extends LogRef {
  readonly class: LogClass
}

/** Records of an own log that are to be sent. */
interface Run {
  readonly log: OwnLog
  readonly from: number
  to: number
}

interface News {
  readonly claim: Claim
  /** Who told us; undefined if it was more than one. */
  readonly source: PeerId | undefined
}

export function recordsTopic(space: SpaceId): string {
  return `space/${space}/records`
}

/**
 * Tells the other members of what was stored here. Our own records go out whole, at the end of the turn of the event loop
 * that stored them. Of records of others only the heads are told, a little later and to a few: most members have had them from
 * their authors by then, and whoever has not asks for them.
 */
export class Spread {
  readonly #use: SpreadComponents
  #own = new Map<string, Run>()
  #news = new Map<string, News>()
  #isSpreading = false
  #newsTimer: Timer | undefined
  #stopped = false
  recordsOut = 0

  constructor(components: SpreadComponents) {
    this.#use = components
  }

  own(log: OwnLog, seq: number): void {
    const key = logKey(log)
    const run = this.#own.get(key)
    if (run?.to === seq - 1) run.to = seq
    else this.#own.set(key, { log, from: seq, to: seq })
    this.#schedule()
  }

  others(head: LogHead, source: PeerId | undefined): void {
    const key = logKey(head)
    const known = this.#news.get(key)
    this.#news.set(key, {
      claim: claimOf(head),
      source: known === undefined || known.source === source ? source : undefined,
    })
    this.#newsTimer ??= this.#use.clock.setTimer(jitter(this.#use.random, NEWS_DELAY_MS, 0.5), () => this.#tell())
  }

  stop(): void {
    this.#stopped = true
    this.#newsTimer?.cancel()
  }

  #schedule(): void {
    if (this.#isSpreading) return
    this.#isSpreading = true
    this.#use.endOfTurn(() => void this.#spread())
  }

  /** Never rejects. What comes while it waits for the lanes is gathered meanwhile, as ranges: it takes no room. */
  async #spread(): Promise<void> {
    try {
      while (this.#own.size > 0 && !this.#stopped) {
        const runs = [...this.#own.values()].toSorted(controlFirst)
        this.#own = new Map()
        if (this.#use.readyMembers().length === 0) continue
        for (const run of runs) await this.#send(run)
        this.#tellRelays(runs)
      }
    } catch (error) {
      this.#use.log.debug({ reason: reasonOf(error) }, 'own records were not spread; peers will ask for them')
    }
    this.#isSpreading = false
  }

  async #send({ log: { author, log }, from, to }: Run): Promise<void> {
    const { space, bus, journal } = this.#use
    if (to - from + 1 > LIVE_MAX_RECORDS) {
      const head = this.#use.head({ author, log })
      if (head !== undefined) this.others(head, undefined)
      return
    }
    const priority = groupOf(log) === 'control' ? 'high' : 'normal'
    for (let next = from; next <= to; ) {
      const frames = journal.frames(space, author, log, next, to)
      if (frames.length === 0) return
      next += frames.length
      this.recordsOut += frames.length
      await bus.publish(recordsTopic(space), 'record.live', encodeFrames(frames), { priority })
    }
  }

  #tell(): void {
    this.#newsTimer = undefined
    const news = [...this.#news.values()].slice(-HAVE_MAX_LOGS)
    this.#news = new Map()
    for (const peer of this.#listeners()) {
      const claims = news
        .filter(({ claim, source }) => source !== peer && claim.author !== peer)
        .map(({ claim }) => claim)
        .filter(({ log }) => this.#use.mayReceive(peer, groupOf(log)))
      if (claims.length > 0) this.#tellOne(peer, claims)
    }
  }

  #tellRelays(runs: readonly Run[]): void {
    for (const peer of this.#use.readyMembers()) {
      if (this.#use.hearsTopic(peer)) continue
      const logs = runs.map(({ log }) => log).filter(({ log }) => this.#use.mayReceive(peer, groupOf(log)))
      const heads = logs.map((log) => this.#use.head(log)).filter((head) => head !== undefined)
      if (heads.length > 0) this.#tellOne(peer, heads.map(claimOf))
    }
  }

  #tellOne(peer: PeerId, claims: readonly Claim[]): void {
    const { space, bus, log } = this.#use
    bus
      .send(peer, 'sync.have', encodeHave({ space, claims, more: false, fingerprint: undefined }), { direct: true })
      .catch((error: unknown) => {
        log.debug({ peer, reason: reasonOf(error) }, 'news did not reach a peer; it will compare')
      })
  }

  #listeners(): readonly PeerId[] {
    const members = [...this.#use.readyMembers()]
    const chosen: PeerId[] = []
    while (chosen.length < NEWS_FANOUT && members.length > 0) {
      chosen.push(...members.splice(Math.floor(this.#use.random.unit() * members.length), 1))
    }
    return chosen
  }
}

export function claimOf({ author, log, base, seq, id }: LogHead): Claim {
  return { author, log, base, seq, shortId: id.slice(0, SHORT_ID_BYTES * 2) }
}

function controlFirst(a: Run, b: Run): number {
  return a.log.class - b.log.class
}
