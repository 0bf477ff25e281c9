import type { Verifier } from '../identity/index.ts'
import { blob, type Database, integer, type Row } from '../store/index.ts'
import { type ForkClaim, forkClaimOf, forkProofOf, isProven } from './fork-proof.ts'
import { bearsAboveChoice, type ForkPlace, type HeldId } from './log-rules.ts'
import type { Log, LogTable } from './log-table.ts'
import { SIGNATURE_STATE } from './schema.ts'
import type { Fork, ForkProof, LogRule } from './types.ts'

const NO_FORKS: readonly ForkPlace[] = []

/** A fork, and whether both its signatures are known to be good: only then can it be shown to others. */
export interface FoundFork {
  readonly claim: ForkClaim
  readonly proof: ForkProof
  readonly isProven: boolean
}

/**
 * Forks that bear on what counts: of each log the lowest, and those of a chosen branch above the choice, of which there is never
 * more than one without a choice of its own.
 */
export class ForkTable {
  readonly #database: Database
  readonly #logs: LogTable
  readonly #verifier: Verifier
  /** Of the logs that were asked for, by row number. */
  readonly #places = new Map<number, readonly ForkPlace[]>()

  constructor(database: Database, logs: LogTable, verifier: Verifier) {
    this.#database = database
    this.#logs = logs
    this.#verifier = verifier
  }

  /** After a rollback. */
  forget(): void {
    this.#places.clear()
  }

  /** In the order of their numbers. */
  of(log: Log): readonly ForkPlace[] {
    if (!log.forked) return NO_FORKS
    const known = this.#places.get(log.n)
    if (known !== undefined) return known
    const places = this.#rowsOf(log)
      .map((row) => forkClaimOf(proofOf(row)))
      .filter((claim) => claim !== undefined)
    this.#places.set(log.n, places)
    return places
  }

  /** Whether a fork at this place, or one below it, makes this one no news. */
  isKnown(log: Log, place: ForkPlace, rule: LogRule, heldId: HeldId): boolean {
    const known = this.of(log)
    if (known.some(({ seq }) => seq === place.seq))
      return this.#rowsOf(log, place.seq).some((row) => this.#isProven(row))
    return known.some(({ seq }) => seq < place.seq) && !bearsAboveChoice(place, rule, heldId)
  }

  /** Keeps a fork of which `isKnown` said no. The log has a row. */
  add(log: Log, found: FoundFork, rule: LogRule, heldId: HeldId): void {
    const { claim, proof } = found
    const others = this.of(log).filter(({ seq }) => seq !== claim.seq)
    const kept = others.filter((fork) => fork.seq < claim.seq || bearsAboveChoice(fork, rule, heldId))
    this.#places.set(
      log.n,
      [...kept, claim].toSorted((a, b) => a.seq - b.seq),
    )
    for (const { seq } of others.filter((fork) => !kept.includes(fork))) {
      this.#database.prepare('DELETE FROM fork WHERE log = ? AND seq = ?').run(log.n, seq)
    }
    const { headerA, signatureA, headerB, signatureB } = proof
    const checked = found.isProven ? SIGNATURE_STATE.checked : SIGNATURE_STATE.bad
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO fork (log, seq, header_a, signature_a, header_b, signature_b, checked)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(log.n, claim.seq, headerA, signatureA, headerB, signatureB, checked)
    this.#logs.setForked(log)
  }

  /** The forks of a space that can be shown to others. */
  list(spaceN: number): readonly Fork[] {
    return this.#database
      .prepare('SELECT f.* FROM fork f JOIN log l ON l.n = f.log WHERE l.space = ? ORDER BY l.device, l.name, f.seq')
      .all(spaceN)
      .filter((row) => this.#isProven(row))
      .map((row) => {
        const { author, hex } = this.#logs.byNumber(integer(row.log))
        return { author, log: hex, seq: integer(row.seq), proof: proofOf(row) }
      })
  }

  #rowsOf(log: Log, seq?: number): readonly Row[] {
    const [where, params] = seq === undefined ? ['log = ?', [log.n]] : ['log = ? AND seq = ?', [log.n, seq]]
    return this.#database.prepare(`SELECT * FROM fork WHERE ${where} ORDER BY seq`).all(...params)
  }

  /** Those that an older version of this program wrote were not checked: they are few, and looked at each time. */
  #isProven(row: Row): boolean {
    if (row.checked !== SIGNATURE_STATE.chained) return row.checked === SIGNATURE_STATE.checked
    const proof = proofOf(row)
    const claim = forkClaimOf(proof)
    return claim !== undefined && isProven(claim, proof, this.#verifier)
  }
}

/** In the order that proofs have now. */
function proofOf(row: Row): ForkProof {
  return forkProofOf(
    { header: blob(row.header_a), signature: blob(row.signature_a) },
    { header: blob(row.header_b), signature: blob(row.signature_b) },
  )
}
