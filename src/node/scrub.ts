import {
  type Clock,
  type Component,
  type ComponentStatus,
  jitter,
  type Logger,
  PlexusError,
  type Random,
  reasonOf,
  type SpaceId,
  type Timer,
} from '../base/index.ts'
import type { DamagedRecord, Journal } from '../records/index.ts'
import type { Spaces } from '../space/index.ts'
import type { Sync } from '../sync/index.ts'

/** Rows that are compared in one turn, signatures included, and the pause after it: a million in about three hours. */
export const SCRUB_ROWS = 100
export const SCRUB_PAUSE_MS = 1_000
/** Between the end of one pass over the store and the next. */
export const SCRUB_INTERVAL_MS: number = 24 * 60 * 60 * 1000
/** Between two attempts to get damaged records from others. */
export const HEAL_INTERVAL_MS = 60_000
/** Damaged records that are remembered; the next pass finds the rest. */
export const DAMAGED_MAX = 1_000

type Trouble = Pick<ComponentStatus, 'reason' | 'fix'> & { readonly reason: string }

export interface ScrubComponents {
  readonly journal: Journal
  readonly sync: Sync
  readonly spaces: Pick<Spaces, 'list'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/**
 * Finds what a disk no longer holds as it was written, before anybody asks for it, and fetches it again from members that hold
 * it. Slow on purpose: all of it takes less than a hundredth of one processor.
 */
export class Scrub implements Component {
  readonly name = 'scrub'
  readonly #use: ScrubComponents
  readonly #damaged = new Map<string, DamagedRecord>()
  #timer: Timer | undefined
  #healing: Timer | undefined
  #abort = new AbortController()
  #position = 0
  #since: number
  #checked = 0
  #found = 0
  #healed = 0
  #failure: Trouble | undefined

  constructor(components: ScrubComponents) {
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    this.#since = this.#use.clock.now()
    this.#abort = new AbortController()
    this.#timer ??= this.#use.clock.setTimer(jitter(this.#use.random, SCRUB_PAUSE_MS), () => this.#turn())
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.#timer?.cancel()
    this.#healing?.cancel()
    this.#timer = undefined
    this.#healing = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const shared = this.#sharedSpaces()
    const all = [...this.#damaged.values()]
    const sought = all.filter(({ space }) => shared.has(space))
    const damaged = sought.filter(({ isBare }) => !isBare).length
    const figures = {
      checked: this.#checked,
      damaged,
      sought: sought.length,
      lostForGood: all.length - sought.length,
      found: this.#found,
      healed: this.#healed,
    }
    if (this.#timer === undefined) return { state: 'stopped', since: this.#since, figures }
    const trouble = this.#failure ?? (damaged === 0 ? undefined : garbledRecords(damaged))
    if (trouble === undefined) return { state: 'ok', since: this.#since, figures }
    return { state: 'degraded', since: this.#since, ...trouble, figures }
  }

  #turn(): void {
    const { journal, clock, random, log } = this.#use
    let pause = SCRUB_PAUSE_MS
    try {
      const { through, damaged } = journal.scrub(this.#position, SCRUB_ROWS)
      this.#checked += SCRUB_ROWS
      this.#position = through ?? 0
      if (through === undefined) pause = SCRUB_INTERVAL_MS
      for (const record of damaged) this.#note(record)
      this.#failure = undefined
    } catch (error) {
      const fix = error instanceof PlexusError ? error.fix : undefined
      this.#failure = { reason: reasonOf(error), ...(fix === undefined ? {} : { fix }) }
      log.error({ reason: this.#failure.reason }, 'the store cannot be examined')
      pause = HEAL_INTERVAL_MS
    }
    if (this.#damaged.size > 0) this.#healing ??= clock.setTimer(0, () => void this.#heal())
    this.#timer = clock.setTimer(jitter(random, pause), () => this.#turn())
  }

  /** Those in which somebody else may have what was lost here. */
  #sharedSpaces(): ReadonlySet<SpaceId> {
    const { spaces } = this.#use
    return new Set(spaces.list().flatMap(({ id, self, members }) => (self && members.length > 1 ? [id] : [])))
  }

  /** What is kept without bodies on purpose is not damaged. */
  #note(record: DamagedRecord): void {
    const { sync, log } = this.#use
    const replication = sync.replication(record.space)
    const isExpiring = record.log.startsWith('02')
    const keeping = isExpiring ? replication?.expiring : replication?.durable
    if (keeping !== undefined && keeping !== 'bodies') return
    const key = `${record.space}/${record.author}/${record.log}/${record.seq}`
    if (this.#damaged.has(key) || this.#damaged.size >= DAMAGED_MAX) return
    if (this.#damaged.size === 0) this.#since = this.#use.clock.now()
    this.#damaged.set(key, record)
    this.#found++
    const { space, author, seq, isBare } = record
    if (isBare) log.debug({ space, author, seq }, 'the body of a record is missing')
    else log.warn({ space, author, seq }, 'a record is damaged on this disk')
  }

  /** Never rejects. */
  async #heal(): Promise<void> {
    const { journal, sync, clock, random, log } = this.#use
    const { signal } = this.#abort
    const shared = this.#sharedSpaces()
    for (const [key, record] of this.#damaged) {
      if (signal.aborted) return
      const { space, author, log: name, seq, isBare } = record
      if (!shared.has(space)) continue
      try {
        if (!journal.isDamaged(record)) {
          this.#damaged.delete(key)
          continue
        }
        const fetched = await sync.fetchBodies(space, { author, log: name, from: seq, to: seq }, { signal })
        if (fetched > 0 && this.#damaged.delete(key)) this.#healed++
        // Nobody here has it; the next pass asks again.
        else if (isBare) this.#damaged.delete(key)
      } catch (error) {
        log.debug({ reason: reasonOf(error) }, 'a damaged record was not fetched yet')
      }
    }
    if (signal.aborted) return
    this.#healing =
      this.#damaged.size === 0 ? undefined : clock.setTimer(jitter(random, HEAL_INTERVAL_MS), () => void this.#heal())
  }
}

function garbledRecords(count: number): Trouble {
  return {
    reason: `${count} ${count === 1 ? 'record' : 'records'} on this disk are not as they were written`,
    fix: 'They come back by themselves from members that hold them. Check the disk; keep a backup.',
  }
}
