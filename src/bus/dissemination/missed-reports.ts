import type { Events, PeerId } from '../../base/index.ts'
import type { Counters } from '../counters.ts'
import { MISSED_REPORTS_MAX } from '../limits.ts'
import type { BusEvents } from '../types.ts'

const COUNT_MAX = 1_000_000_000

export interface MissedReportsComponents {
  readonly events: Events<BusEvents>
  readonly counters: Counters
}

/** Tells of messages that did not come and will not: summed up per group and author, about once a second. */
export class MissedReports {
  readonly #use: MissedReportsComponents
  readonly #since = new Map<string, BusEvents['messages:missed']>()

  constructor(components: MissedReportsComponents) {
    this.#use = components
  }

  /** A count beyond `COUNT_MAX` can only be a lie of that author, or of a member about it. */
  note(group: string, from: PeerId, counted: number): void {
    if (counted === 0) return
    const count = Math.min(counted, COUNT_MAX)
    this.#use.counters.missed += count
    const key = `${from} ${group}`
    this.#since.set(key, { group, from, count: count + (this.#since.get(key)?.count ?? 0) })
    if (this.#since.size >= MISSED_REPORTS_MAX) this.flush()
  }

  flush(): void {
    const reports = [...this.#since.values()]
    this.#since.clear()
    for (const report of reports) this.#use.events.emit('messages:missed', report)
  }
}
