import {
  type Clock,
  type Component,
  type ComponentStatus,
  HLC_MAX_AHEAD_MS,
  hlcToMs,
  type PeerId,
} from '../base/index.ts'
import type { Journal } from '../records/index.ts'

/**
 * Watches the dates of our own records. A clock that is set back, or was ahead for a while, leaves us with records from the
 * future; whatever we write after them is dated later still, and all other members set it aside until its time has come.
 */
export class ClockWatch implements Component {
  readonly name = 'clock'
  readonly #components: { readonly journal: Journal; readonly clock: Clock; readonly self: PeerId }
  #subscription: Disposable | undefined
  /** The latest date of a record of ours. */
  #newestMs = 0
  #since: number
  #isAhead = false

  constructor(components: { readonly journal: Journal; readonly clock: Clock; readonly self: PeerId }) {
    this.#components = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#subscription !== undefined) return
    const { journal, clock, self } = this.#components
    this.#since = clock.now()
    this.#subscription = journal.events.on('record:stored', ({ record, own }) => {
      if (own) this.#note(record.hlc)
    })
    const own = journal.spaces().flatMap((space) => journal.heads(space).filter(({ author }) => author === self))
    for (const { id } of own) this.#note(journal.record(id)?.hlc ?? 0)
  }

  async stop(): Promise<void> {
    this.#subscription?.[Symbol.dispose]()
    this.#subscription = undefined
    this.#since = this.#components.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    if (this.#subscription === undefined) return { state: 'stopped', since: this.#since }
    const now = this.#components.clock.now()
    const aheadMs = Math.max(0, this.#newestMs - now)
    const isAhead = aheadMs > HLC_MAX_AHEAD_MS
    if (isAhead !== this.#isAhead) this.#since = now
    this.#isAhead = isAhead
    const figures = { aheadMs }
    if (!isAhead) return { state: 'ok', since: this.#since, figures }
    return {
      state: 'degraded',
      reason: `records of this peer are dated up to ${new Date(this.#newestMs).toISOString()}: others set aside all that it writes until then`,
      since: this.#since,
      fix: 'Set the clock of this machine, if it is wrong now. If it was wrong before, wait, or join the others again with a new `--profile`.',
      figures,
    }
  }

  #note(hlc: number): void {
    this.#newestMs = Math.max(this.#newestMs, hlcToMs(hlc))
  }
}
