import { type Events, type Logger, reasonOf, type SpaceId } from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import type { Database } from '../store/index.ts'
import type { Candidate } from './candidate.ts'
import { RecordsError } from './errors.ts'
import { isSignedBy } from './frame.ts'
import { extended, frozenBefore, NO_RECORD } from './log-rules.ts'
import { type Log, LogTable } from './log-table.ts'
import { Parking } from './parking.ts'
import { type Place, RecordTable, type StoredFrame } from './record-table.ts'
import { RECORD_STATE, SIGNATURE_STATE } from './schema.ts'
import { JournalRecord } from './stored-record.ts'
import { type Authority, type JournalEvents, LOG_CLASS, type StoredRecord } from './types.ts'
import { Views } from './views.ts'

export interface LedgerInit {
  readonly database: Database
  readonly verifier: Verifier
  readonly authority: Authority
  readonly log: Logger
  readonly events: Events<JournalEvents>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface StoreOptions {
  readonly own: boolean
  /** One of SIGNATURE_STATE. */
  readonly checked: number
}

/**
 * All changes of the store. Each runs inside `commit`: tables, views and memory change together or not at all, and events are
 * emitted once the change is on disk.
 */
export class Ledger {
  readonly logs: LogTable
  readonly records: RecordTable
  readonly parking: Parking
  readonly views: Views
  readonly #init: LedgerInit
  #busy = false
  /** A rollback happened that memory has not followed yet. */
  #stale = false
  #stored: { readonly record: StoredRecord; readonly own: boolean }[] = []
  #forked: JournalEvents['log:forked'][] = []
  /** Spaces whose control records changed in this transaction. */
  readonly #controlled = new Set<SpaceId>()

  constructor(init: LedgerInit) {
    this.#init = init
    this.logs = new LogTable(init.database)
    this.records = new RecordTable(init.database, this.logs)
    this.parking = new Parking(init.database)
    this.views = new Views(init.database, this.records, init.log)
  }

  /** On disk when it returns. Whatever throws, nothing has changed. */
  commit<T>(work: () => T): T {
    if (this.#busy)
      throw new RecordsError('ERR_JOURNAL_BUSY', 'a view or an authority tried to write while it was asked')
    this.#busy = true
    let result: T
    try {
      if (this.#stale) this.#forget()
      result = this.#init.database.transaction(() => {
        const value = work()
        this.views.settle()
        this.records.flush()
        this.logs.flush()
        return value
      })
    } catch (error) {
      this.#recover()
      throw error
    } finally {
      this.#busy = false
    }
    this.#emit()
    return result
  }

  /** Appends an accepted record to its log. */
  store(log: Log, candidate: Candidate, options: StoreOptions): StoredRecord {
    const { header, id, frame } = candidate
    if (log.n === 0) this.logs.insert(log)
    const expired = header.exp > 0 && header.exp <= this.#init.now()
    const state = expired ? RECORD_STATE.erased : RECORD_STATE.live
    const body = expired ? null : frame.body
    const { checked } = options
    const { kind, exp } = header
    const rid = this.records.insert({
      log,
      seq: candidate.seq,
      id,
      kind,
      exp,
      header: frame.header,
      signature: frame.signature,
      checked,
      state,
      body,
    })
    this.logs.advance(log, extended(candidate))
    const record = new JournalRecord({
      rid,
      id,
      log,
      header,
      body,
      signatureChecked: checked === SIGNATURE_STATE.checked,
    })
    if (body !== null) this.views.touch(record)
    if (log.class === LOG_CLASS.control) {
      this.#controlled.add(log.space)
      this.#init.authority.observe(record)
    }
    this.#stored.push({ record, own: options.own })
    return record
  }

  /** A body that was missing came with another copy of its record. */
  restoreBody(place: Place, candidate: Candidate): void {
    const { header, frame } = candidate
    if (frame.body === null || (header.exp > 0 && header.exp <= this.#init.now())) return
    this.records.restoreBody(place.rid, frame.body, header.exp)
    const record = this.records.byRid(place.rid)
    if (record !== undefined) this.views.touchLate(record)
  }

  /** Drops the body; header and signature stay, so the chain does. */
  erase(record: StoredRecord): void {
    this.views.untouch(record)
    this.records.eraseBody(record.rid)
  }

  /** Keeps the proof that a log has two records at one place, and voids what stands there and after it. */
  fork(log: Log, candidate: Candidate): void {
    const { seq } = candidate
    const held = this.records.frameAt(log, seq)
    if (held === undefined) return
    this.#keepProof(log, seq, held, candidate)
    for (const record of this.records.from(log, seq)) this.views.untouch(record)
    this.records.voidFrom(log, seq)
    const before = seq === 1 ? NO_RECORD : this.records.idAt(log, seq - 1)
    this.logs.advance(log, frozenBefore(seq, before))
    this.logs.retireOwnLog(log)
    this.#stored = this.#stored.filter(({ record }) => !isOnBranch(record, log, seq))
    this.#forked.push({ space: log.space, author: log.author, log: log.hex, seq })
    if (log.class === LOG_CLASS.control) {
      this.#controlled.add(log.space)
      this.logs.flush()
      this.#init.authority.reload(log.space)
    }
  }

  /** Whether a stored record's own signature is valid; looks once. */
  isSigned(stored: StoredFrame): boolean {
    if (stored.checked !== SIGNATURE_STATE.chained) return stored.checked === SIGNATURE_STATE.checked
    const good = isSignedBy(this.#init.verifier, stored.device, stored.frame.header, stored.frame.signature)
    this.records.noteChecked(stored.rid, good ? SIGNATURE_STATE.checked : SIGNATURE_STATE.bad)
    return good
  }

  #keepProof(log: Log, seq: number, held: StoredFrame, other: Candidate): void {
    this.isSigned(held)
    this.#init.database
      .prepare('INSERT OR IGNORE INTO fork VALUES (?, ?, ?, ?, ?, ?)')
      .run(log.n, seq, held.frame.header, held.frame.signature, other.frame.header, other.frame.signature)
  }

  #emit(): void {
    this.#controlled.clear()
    const { events } = this.#init
    const stored = this.#stored
    const forked = this.#forked
    this.#stored = []
    this.#forked = []
    for (const event of stored) events.emit('record:stored', event)
    for (const event of forked) events.emit('log:forked', event)
  }

  /** Memory follows the rollback at once if the disk can be read, else before the next commit. */
  #recover(): void {
    this.#stale = true
    try {
      this.#forget()
    } catch (error) {
      this.#init.log.error({ reason: reasonOf(error) }, 'the store cannot be read after a rollback')
    }
  }

  #forget(): void {
    this.#stored = []
    this.#forked = []
    this.logs.forget()
    this.records.forget()
    this.parking.forget()
    this.views.forget()
    for (const space of this.#controlled) this.#init.authority.reload(space)
    this.#controlled.clear()
    this.#stale = false
  }
}

function isOnBranch(record: StoredRecord, log: Log, seq: number): boolean {
  return record.log === log.hex && record.author === log.author && record.space === log.space && record.seq >= seq
}
