import {
  type Clock,
  type Component,
  type ComponentStatus,
  jitter,
  type Logger,
  type Random,
  reasonOf,
  type Timer,
} from '../base/index.ts'
import type { Journal } from '../records/index.ts'

/** How often the bodies of expired records are dropped; they are shown to nobody from the moment they expire. */
const EXPIRY_INTERVAL_MS = 10 * 60_000
/** While there is more to drop than one call takes. */
const EXPIRY_PAUSE_MS = 50

/** Drops the bodies of records whose time is over, a bounded number at a time. */
export class Expiry implements Component {
  readonly name = 'expiry'
  readonly #components: {
    readonly journal: Journal
    readonly clock: Clock
    readonly random: Random
    readonly log: Logger
  }
  #timer: Timer | undefined
  #since: number
  #dropped = 0
  #failure: string | undefined

  constructor(components: {
    readonly journal: Journal
    readonly clock: Clock
    readonly random: Random
    readonly log: Logger
  }) {
    this.#components = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    this.#since = this.#components.clock.now()
    this.#timer ??= this.#components.clock.setTimer(EXPIRY_PAUSE_MS, () => this.#turn())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const figures = { dropped: this.#dropped }
    if (this.#timer === undefined) return { state: 'stopped', since: this.#since, figures }
    if (this.#failure === undefined) return { state: 'ok', since: this.#since, figures }
    return {
      state: 'degraded',
      since: this.#since,
      reason: this.#failure,
      fix: 'Let `plexus doctor` look at the store and the disk.',
      figures,
    }
  }

  #turn(): void {
    const { journal, clock, random, log } = this.#components
    let dropped = 0
    try {
      dropped = journal.purgeExpired()
      if (this.#failure !== undefined) this.#since = clock.now()
      this.#failure = undefined
    } catch (error) {
      if (this.#failure === undefined) this.#since = clock.now()
      this.#failure = reasonOf(error)
      log.warn({ reason: this.#failure }, 'expired records could not be dropped')
    }
    this.#dropped += dropped
    const pause = dropped > 0 ? EXPIRY_PAUSE_MS : jitter(random, EXPIRY_INTERVAL_MS)
    this.#timer = clock.setTimer(pause, () => this.#turn())
  }
}
