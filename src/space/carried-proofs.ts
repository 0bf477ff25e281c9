import { type Logger, reasonOf, type SpaceId } from '../base/index.ts'
import type { ForkProof, Journal } from '../records/index.ts'
import type { ControlRecord } from './control-records.ts'

/**
 * Proofs of forks that control records carry beside a decision. The journal gets them when the turn is over, because the records are
 * told of while it writes; whoever signed the record, a proof proves itself.
 */
export class CarriedProofs {
  readonly #journal: () => Journal
  readonly #log: Logger
  #waiting: { readonly space: SpaceId; readonly proof: ForkProof }[] = []

  constructor(journal: () => Journal, log: Logger) {
    this.#journal = journal
    this.#log = log
  }

  observe(space: SpaceId, control: ControlRecord | undefined): void {
    if (control?.body.type !== 'fork') return
    const { type: _, ...proof } = control.body
    if (this.#waiting.length === 0) queueMicrotask(() => this.#handOver())
    this.#waiting.push({ space, proof })
  }

  /** After a failure of the disk they come again with the next start. */
  #handOver(): void {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      for (const { space, proof } of waiting) this.#journal().addForkProof(space, proof)
    } catch (error) {
      this.#log.warn({ reason: reasonOf(error) }, 'a proof of a fork could not be stored')
    }
  }
}
