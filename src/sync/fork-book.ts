import { bytesOfHex, type SpaceId, sha256 } from '../base/index.ts'
import type { Fork, Journal } from '../records/index.ts'
import { type ClaimedFork, FORKS_MAX_PROOFS } from './fork-wire.ts'
import { type Admits, type LogRef, logKey } from './log-index.ts'
import { keyOf } from './peer-keys.ts'
import { Sums } from './sums.ts'
import type { ForkSummary } from './wire.ts'

/** Which logs of a space are known to have forked, and where. Read from the journal when first asked after a change. */
export class ForkBook {
  readonly #journal: Journal
  readonly #space: SpaceId
  readonly #admits: Admits
  #known: { readonly byLog: ReadonlyMap<string, readonly Fork[]>; readonly summary: ForkSummary } | undefined

  constructor(journal: Journal, space: SpaceId, admits: Admits) {
    this.#journal = journal
    this.#space = space
    this.#admits = admits
  }

  /** Something may have changed: a proof came, or membership. */
  forget(): void {
    this.#known = undefined
  }

  get summary(): ForkSummary {
    return this.#read().summary
  }

  /** Places at which more than one record was signed. */
  placesOf(log: LogRef): readonly number[] {
    return (this.#read().byLog.get(logKey(log)) ?? []).map(({ seq }) => seq)
  }

  /** Proofs in the order of the names of their logs, from behind `after` on; those of one log together. */
  page(after: LogRef | undefined): { readonly forks: readonly ClaimedFork[]; readonly more: boolean } {
    const from = after === undefined ? '' : logKey(after)
    const logs = [...this.#read().byLog].filter(([name]) => name > from).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const forks: Fork[] = []
    for (const [, ofLog] of logs) {
      if (forks.length + ofLog.length > FORKS_MAX_PROOFS && forks.length > 0) return { forks, more: true }
      forks.push(...ofLog.slice(0, FORKS_MAX_PROOFS))
    }
    return { forks, more: false }
  }

  /** Whether each may be what it says; one that proves nothing is not. Those of authors whom we do not know wait for another time. */
  take(claimed: readonly ClaimedFork[]): boolean {
    const known = claimed.filter((fork) => this.#admits(fork))
    const outcomes = known.map(({ proof }) => this.#journal.addForkProof(this.#space, proof))
    if (outcomes.includes('new')) this.forget()
    return !outcomes.includes('refused')
  }

  #read(): { readonly byLog: ReadonlyMap<string, readonly Fork[]>; readonly summary: ForkSummary } {
    if (this.#known !== undefined) return this.#known
    const forks = this.#journal.forks(this.#space).filter((fork) => this.#admits(fork))
    const sums = new Sums(1)
    for (const fork of forks) sums.add(0, termOfFork(fork))
    const byLog = Map.groupBy(forks, logKey)
    this.#known = { byLog, summary: { count: forks.length, fingerprint: sums.bytes(0) } }
    return this.#known
  }
}

/** SHA-256(device 32, log name 8, place 8): peers may hold different proofs of one fork. */
function termOfFork({ author, log, seq }: Fork): Uint8Array {
  const place = new Uint8Array(8)
  new DataView(place.buffer).setBigUint64(0, BigInt(seq))
  return sha256(keyOf(author), bytesOfHex(log), place)
}
