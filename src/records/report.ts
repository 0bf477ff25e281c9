import type { IngestReport, RefusalReason } from './journal-types.ts'
import type { Log } from './log-table.ts'

/** What became of one frame. */
export type Outcome = 'stored' | 'duplicate' | 'parked' | { readonly refuse: RefusalReason }

type Gap = IngestReport['gaps'][number]

/** An ingest report in the making. */
export class Report {
  #stored = 0
  #duplicates = 0
  #parked = 0
  readonly #refused: Partial<Record<RefusalReason, number>> = {}
  readonly #gaps = new Map<Log, Gap>()

  count(outcome: Outcome): void {
    if (outcome === 'stored') this.#stored++
    else if (outcome === 'duplicate') this.#duplicates++
    else if (outcome === 'parked') this.#parked++
    else this.#refused[outcome.refuse] = (this.#refused[outcome.refuse] ?? 0) + 1
  }

  setParked(frames: number): void {
    this.#parked = frames
  }

  /** One gap per log: the lowest. */
  gap(log: Log, from: number, to: number): void {
    const known = this.#gaps.get(log)
    if (known === undefined || from < known.from) this.#gaps.set(log, { author: log.author, log: log.hex, from, to })
  }

  finish(): IngestReport {
    return {
      stored: this.#stored,
      duplicates: this.#duplicates,
      parked: this.#parked,
      refused: this.#refused,
      gaps: [...this.#gaps.values()],
    }
  }
}
