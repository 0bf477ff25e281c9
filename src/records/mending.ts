import { bytesEqual } from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import type { Database } from '../store/index.ts'
import type { Candidate } from './candidate.ts'
import { DamagedRows } from './damaged-rows.ts'
import { isSignedBy } from './frame.ts'
import { decodeHeader, recordIdBytes } from './header.ts'
import { tryDecodeHeader } from './intact.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './log-table.ts'
import type { InspectedRow } from './record-queries.ts'
import type { StoredFrame } from './record-rows.ts'
import type { Place } from './record-table.ts'
import { SIGNATURE_STATE } from './schema.ts'
import { FLAG_ENCRYPTED, LOG_CLASS } from './types.ts'

const NOTHING: Uint8Array = new Uint8Array()

export interface MendingInit {
  readonly database: Database
  readonly ledger: Ledger
  readonly verifier: Verifier
}

/** What is done about rows that are not as they were written; what changes the store runs inside `Ledger.commit`. */
export class Mending {
  readonly #ledger: Ledger
  readonly #verifier: Verifier
  readonly #rows: DamagedRows

  constructor({ database, ledger, verifier }: MendingInit) {
    this.#ledger = ledger
    this.#verifier = verifier
    this.#rows = new DamagedRows(database, ledger.records)
  }

  /** A record whose row was damaged came again. */
  heal(log: Log, place: Place, candidate: Candidate): void {
    const { id, header, frame } = candidate
    const kind = (header.flags & FLAG_ENCRYPTED) === 0 ? header.kind : undefined
    const mayHaveBody = this.#ledger.mayHaveBody(log, header)
    this.#rows.rewrite(log, place.rid, { ...frame, id, kind, mayHaveBody })
    this.#ledger.restoreBody(log, place, candidate)
    if (log.class === LOG_CLASS.control) this.#ledger.reload(log.space)
  }

  /** Mends a row, or drops what is damaged of it, so that another copy of the record is taken. Says whether one is needed. */
  dropDamage({ rid, log, seq, fault }: InspectedRow): boolean {
    if (fault === undefined) return false
    if (fault === 'missing') return this.#isMissed(log, rid)
    if (this.#rows.restoreCopy(log, rid)) return false
    if (fault === 'body' && log.class !== LOG_CLASS.control) {
      this.#ledger.records.dropBody(log, rid)
      return true
    }
    const chained = this.idByChain(log, seq)
    if (fault === 'header' && this.#restoreId(log, seq, rid, chained)) return false
    this.#rows.markDamaged(log, rid, chained)
    return true
  }

  /** Of a body that is not there: it may have been erased before anybody told us so. */
  #isMissed(log: Log, rid: number): boolean {
    const header = tryDecodeHeader(this.#ledger.records.rawAt(rid).header)
    if (header === undefined || this.#ledger.mayHaveBody(log, header)) return true
    this.#ledger.records.eraseBody(log, rid)
    return false
  }

  /** Only the id beside the header may be damaged: then the chain names the header all the same, or its author signed it. */
  #restoreId(log: Log, seq: number, rid: number, chained: Uint8Array | undefined): boolean {
    const { header, signature } = this.#ledger.records.rawAt(rid)
    const fields = tryDecodeHeader(header)
    if (fields === undefined) return false
    const id = recordIdBytes(header)
    const isOfPlace = fields.seq === seq && bytesEqual(fields.device, log.device) && bytesEqual(fields.log, log.name)
    const isGenuine =
      chained === undefined
        ? isOfPlace && isSignedBy(this.#verifier, log.device, header, signature)
        : bytesEqual(chained, id)
    if (isGenuine) this.#rows.setId(rid, id)
    return isGenuine
  }

  /** Keeps the places of records that a log is known to have and that are lost; `next` names the last of them. */
  bridge(log: Log, next: Candidate): void {
    if (log.n === 0) this.#ledger.logs.insert(log)
    for (let seq = log.state.seq + 1; seq < next.seq; seq++) {
      this.#rows.insertLost(log, seq, seq === next.seq - 1 ? next.prev : NOTHING)
    }
    this.#ledger.logs.advance(log, { base: log.state.base, seq: next.seq - 1, id: next.prev })
  }

  /** Whether the bytes of a signature are still the good ones that were checked; if not, a copy brings them again. */
  isStillSigned({ rid, device, frame }: StoredFrame): boolean {
    const isGood = isSignedBy(this.#verifier, device, frame.header, frame.signature)
    if (!isGood) this.#ledger.records.rows.noteChecked(rid, SIGNATURE_STATE.bad)
    return isGood
  }

  /** What the head of the log, or the next record, says that the id of this one is. */
  idByChain(log: Log, seq: number): Uint8Array | undefined {
    if (seq === log.state.seq) return log.state.id
    const next = this.#ledger.records.frameAt(log, seq + 1)
    return next === undefined ? undefined : decodeHeader(next.frame.header).prev
  }
}
