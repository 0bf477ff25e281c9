import { bytesOfHex, type Events, keyOfPeerId, type Logger, reasonOf, type SpaceId } from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import { type Database, StoreError } from '../store/index.ts'
import type { Candidate } from './candidate.ts'
import { Changes } from './changes.ts'
import { RecordsError } from './errors.ts'
import { ForkTable } from './fork-table.ts'
import { isSignedBy } from './frame.ts'
import { decodeHeader, logKeyOf } from './header.ts'
import type { JournalEvents } from './journal-types.ts'
import { EMPTY_LOG, extended, type HeldId } from './log-rules.ts'
import { type Log, LogTable } from './log-table.ts'
import { Parking } from './parking.ts'
import { Quotas } from './quotas.ts'
import type { StoredFrame } from './record-rows.ts'
import { type Place, RecordTable } from './record-table.ts'
import { Rereading } from './rereading.ts'
import { RECORD_STATE, SIGNATURE_STATE } from './schema.ts'
import type { PlainBody, SealedBodies } from './sealed-body.ts'
import { JournalRecord } from './stored-record.ts'
import {
  type Authority,
  FLAG_ENCRYPTED,
  FLAG_PRUNE_POINT,
  type Header,
  LOG_CLASS,
  type RecordPlace,
  type SpaceQuota,
  type StoredRecord,
} from './types.ts'
import { Views } from './views.ts'
import { VoidedTable } from './voided-table.ts'

export interface LedgerInit {
  readonly database: Database
  readonly verifier: Verifier
  readonly authority: Authority
  readonly bodies: SealedBodies
  readonly log: Logger
  readonly events: Events<JournalEvents>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly quota?: SpaceQuota | undefined
}

export interface StoreOptions {
  readonly own: boolean
  /** One of SIGNATURE_STATE. */
  readonly checked: number
  /** Whether this record supersedes everything before it in its log. */
  readonly supersedes: boolean
  /** A record that counts again is no news. */
  readonly silent?: boolean
  /** What is in the ciphertext, where it is known already. */
  readonly plain?: PlainBody
}

/** Expiring records that are looked at together to make room. */
const ROOM_BATCH_RECORDS = 64
/** More than is needed now, so that not every record has to make room; little enough for one commit. */
const ROOM_BATCH_BYTES: number = 1024 * 1024

/**
 * All changes of the store. Each runs inside `commit`: tables, views and memory change together or not at all, and events are
 * emitted once the change is on disk.
 */
export class Ledger {
  readonly logs: LogTable
  readonly records: RecordTable
  readonly parking: Parking
  readonly forks: ForkTable
  readonly voided: VoidedTable
  readonly views: Views
  readonly quotas: Quotas
  readonly rereading: Rereading
  readonly #init: LedgerInit
  #busy = false
  /** A rollback happened that memory has not followed yet. */
  #stale = false
  #changes = new Changes()
  /** Expiring logs that may have nothing left whose time is not over. */
  readonly #spent = new Set<Log>()
  /** Spaces whose control records changed in this transaction. */
  readonly #controlled = new Set<SpaceId>()

  constructor(init: LedgerInit) {
    this.#init = init
    this.logs = new LogTable(init.database)
    this.records = new RecordTable(init.database, this.logs, init.bodies)
    this.parking = new Parking(init.database)
    this.forks = new ForkTable(init.database, this.logs, init.verifier)
    this.voided = new VoidedTable(init.database, this.logs)
    this.views = new Views(init.database, this.records, init.log)
    this.quotas = new Quotas(this.records.usage, init.quota)
    this.rereading = new Rereading({ ...this, bodies: init.bodies })
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
        this.#changes.read(this.rereading.run(this.#controlled))
        for (const log of this.#spent) this.#dropSpent(log)
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
    this.logs.trim()
    return result
  }

  /** Spaces whose control records changed in this transaction. */
  get controlled(): ReadonlySet<SpaceId> {
    return this.#controlled
  }

  /** Whether a record that was stored in this transaction does not count after all. */
  wasVoided(record: StoredRecord): boolean {
    return this.#changes.wasVoided(record)
  }

  /** Appends an accepted record to its log. */
  store(log: Log, candidate: Candidate, options: StoreOptions): StoredRecord {
    const { header, id, frame, seq } = candidate
    const { checked, supersedes } = options
    if (log.n === 0) this.logs.insert(log)
    if (supersedes) this.dropBefore(log, seq)
    else if ((header.flags & FLAG_PRUNE_POINT) !== 0) this.logs.setUnpruned(log, true)
    const mayHaveBody = this.mayHaveBody(log, header)
    const state = mayHaveBody ? RECORD_STATE.live : RECORD_STATE.erased
    const body = mayHaveBody ? frame.body : null
    const isSealed = (header.flags & FLAG_ENCRYPTED) !== 0
    const plain = isSealed && body !== null ? (options.plain ?? this.#open(log, header, body)) : undefined
    const kind = plain?.kind ?? header.kind
    const rid = this.records.insert({
      log,
      seq,
      id,
      kind,
      exp: header.exp,
      header: frame.header,
      signature: frame.signature,
      checked,
      state,
      body,
    })
    this.logs.advance(log, extended(log.state, candidate))
    const record = new JournalRecord({
      rid,
      id,
      log,
      header,
      kind,
      body: isSealed ? (plain?.body ?? null) : body,
      signatureChecked: checked === SIGNATURE_STATE.checked,
    })
    if (body !== null) {
      if (!isSealed || plain !== undefined) this.views.touch(record)
    } else if (mayHaveBody) this.#changes.missing(log, seq)
    else if (log.class === LOG_CLASS.expiring) this.#spent.add(log)
    if (log.class === LOG_CLASS.control) {
      this.#controlled.add(log.space)
      this.#init.authority.observe(record)
    }
    if (options.silent) this.#changes.changed(log)
    else this.#changes.stored(record, options.own)
    return record
  }

  /**
   * Whether there is room for so many bytes in a space. Bodies of its expiring records go for it, those first whose time is over
   * first: what was meant to go goes before anything else is refused.
   */
  makeRoom(log: Log, bytes: number, own: boolean): boolean {
    const { quotas, records } = this
    if (log.class !== LOG_CLASS.control && quotas.excess(log, bytes) > 0) {
      const most = Math.min(quotas.room(log.space), ROOM_BATCH_BYTES)
      while (records.usage.ofSpace(log.spaceN).expiringBytes > 0 && quotas.excess(log, bytes + most) > 0) {
        const batch = records.queries.soonestExpiring(log.spaceN, ROOM_BATCH_RECORDS)
        for (const record of batch) {
          if (quotas.excess(log, bytes + most) === 0) break
          this.erase(record)
        }
        if (batch.length === 0) break
      }
    }
    return quotas.admits(log, bytes, own)
  }

  /** The ids of the records that a log holds. */
  heldIn(log: Log): HeldId {
    return (seq) => this.records.idAt(log, seq)
  }

  /** Whether the body of a record may be kept: its time is not over and nobody erased it. */
  mayHaveBody(log: Log, { exp, seq }: Pick<Header, 'exp' | 'seq'>): boolean {
    if (exp > 0 && exp <= this.#init.now()) return false
    return log.class === LOG_CLASS.control || !this.#init.authority.isErased(log.space, log.author, log.hex, seq)
  }

  /** A body that was missing came with another copy of its record. */
  restoreBody(log: Log, place: Place, { header, frame }: Candidate): void {
    if (frame.body === null || !this.mayHaveBody(log, header)) return
    // What was dropped to make room must not come back as a copy.
    if (!this.quotas.admits(log, frame.body.length, true)) return
    this.records.restoreBody(log, place.rid, frame.body, header.exp)
    if ((header.flags & FLAG_ENCRYPTED) !== 0) {
      this.rereading.read({ rid: place.rid, space: log.space, header, body: frame.body })
      return
    }
    const record = this.records.byRid(place.rid)
    if (record !== undefined) this.views.touchLate(record)
  }

  /** Drops the body; header and signature stay, so the chain does. */
  erase(record: StoredRecord): void {
    this.views.untouch(record)
    this.records.eraseBody(this.#logOf(record), record.rid)
    if (record.class === LOG_CLASS.expiring) this.#spent.add(this.#logOf(record))
  }

  /** Expiring logs whose bodies were all dropped, some before their time, and whose time is over now. */
  spentLogs(): readonly Log[] {
    const now = this.#init.now()
    return this.logs.withoutBodies().filter((log) => this.records.queries.hasExpired(log, now))
  }

  /** Drops the rest of such a log before the commit. */
  spend(log: Log): void {
    this.#spent.add(log)
  }

  /** Drops the body of whatever is kept of this place, or lets it be had again. Control records never lose theirs. */
  settleErasure(space: SpaceId, { author, log: name, seq }: RecordPlace): void {
    const log = this.#logOf({ space, author, log: name })
    if (log.class === LOG_CLASS.control) return
    if (!this.#init.authority.isErased(space, author, name, seq)) {
      this.#unerase(log, seq)
      return
    }
    this.parking.dropBody(space, log, seq)
    if (log.n === 0) return
    this.voided.dropBody(log, seq)
    const place = this.records.place(log, seq)
    if (!place?.hasBody) return
    const record = this.records.byRid(place.rid)
    if (record !== undefined) this.erase(record)
  }

  #unerase(log: Log, seq: number): void {
    if (log.n === 0 || this.records.place(log, seq)?.state !== RECORD_STATE.erased) return
    const stored = this.records.frameAt(log, seq)
    if (stored === undefined || !this.mayHaveBody(log, decodeHeader(stored.frame.header))) return
    this.records.unerase(stored.rid)
    this.#changes.missing(log, seq)
  }

  /** Nothing after `last` counts any more: what is held of it goes to `voided`. Of a log that was pruned after `last` nothing is left. */
  truncate(log: Log, last: number): void {
    const { base, seq } = log.state
    const from = base > 1 && last < base ? base : last + 1
    for (const record of this.records.between(log, from, seq)) this.views.untouch(record)
    this.voided.take(log, from)
    const id = from === last + 1 ? this.records.idAt(log, last) : undefined
    this.records.remove(log, from, seq)
    this.logs.advance(log, id === undefined ? EMPTY_LOG : { base, seq: last, id })
    this.logs.retireOwnLog(log)
    this.#changes.voided(log, from)
    this.#spent.delete(log)
  }

  /** Drops what the prune point at this number supersedes. */
  dropBefore(log: Log, seq: number): void {
    const { state } = log
    if (seq === 1) return
    for (const record of this.records.between(log, state.base, seq - 1)) this.views.untouch(record)
    this.records.remove(log, state.base, seq - 1)
    this.logs.advance(log, { ...state, base: seq })
    this.#changes.droppedBefore(log, seq)
  }

  /** Takes note of a fork for those who listen. */
  noteFork(log: Log, seq: number): void {
    this.#changes.forked(log, seq)
  }

  /** What is asked of the authority now it must be asked again after a rollback. */
  noteControl(space: SpaceId): void {
    this.#controlled.add(space)
  }

  /** Control records were removed: the authority reads again what is left. */
  reload(space: SpaceId): void {
    this.noteControl(space)
    this.logs.flush()
    this.#init.authority.reload(space)
  }

  /** Whether a stored record's own signature is valid; looks once. */
  isSigned(stored: StoredFrame): boolean {
    if (stored.checked !== SIGNATURE_STATE.chained) return stored.checked === SIGNATURE_STATE.checked
    const good = isSignedBy(this.#init.verifier, stored.device, stored.frame.header, stored.frame.signature)
    this.records.rows.noteChecked(stored.rid, good ? SIGNATURE_STATE.checked : SIGNATURE_STATE.bad)
    return good
  }

  /** When the time of all records of a log is over, their headers are of no use to anybody; its end is remembered. */
  #dropSpent(log: Log): void {
    const { base, seq, id } = log.state
    if (base > seq || !this.records.queries.hasExpired(log, this.#init.now())) return
    for (const record of this.records.between(log, base, seq)) this.views.untouch(record)
    this.records.remove(log, base, seq)
    this.logs.advance(log, { base: seq + 1, seq, id })
    this.#changes.changed(log)
  }

  #open(log: Log, header: Header, body: Uint8Array): PlainBody | undefined {
    return this.#init.bodies.open(log.space, header, body)
  }

  #logOf({ space, author, log }: Pick<StoredRecord, 'space' | 'author' | 'log'>): Log {
    const [device, name] = [keyOfPeerId(author), bytesOfHex(log)]
    const spaceN = this.logs.spaceNumber(space)
    if (spaceN === undefined) throw new StoreError('ERR_STORE_CORRUPT', `there is no space ${space}`)
    return this.logs.find(space, spaceN, logKeyOf(device, name), device, name)
  }

  #emit(): void {
    const changes = this.#changes
    this.#clear()
    changes.emit(this.#init.events, this.quotas.takeFreed())
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
    this.logs.forget()
    this.records.forget()
    this.parking.forget()
    this.forks.forget()
    this.voided.forget()
    this.views.forget()
    this.rereading.forget()
    for (const space of this.#controlled) this.#init.authority.reload(space)
    this.#clear()
    this.#stale = false
  }

  #clear(): void {
    this.#changes = new Changes()
    this.#spent.clear()
    this.#controlled.clear()
  }
}
