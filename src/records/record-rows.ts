import { bytesOfHex, type RecordId } from '../base/index.ts'
import { blob, type Database, integer, type Row, type Statement } from '../store/index.ts'
import type { ControlCopies, ControlCopy } from './control-copies.ts'
import { decodeHeader } from './header.ts'
import { type Fault, faultOf } from './intact.ts'
import type { Log, LogTable } from './log-table.ts'
import { SIGNATURE_STATE } from './schema.ts'
import type { SealedBodies } from './sealed-body.ts'
import { JournalRecord } from './stored-record.ts'
import { FLAG_ENCRYPTED, type Frame, LOG_CLASS, type StoredRecord } from './types.ts'

/** Results of lazy signature checks that wait for the next commit; beyond that they are forgotten and made again. */
const NOTED_MAX = 16_384

/** What a row must have for RecordRows to read it; the tables are `r` and `b`. */
export const COLUMNS: string = 'r.rid, r.log, r.seq, r.id, r.kind, r.header, r.signature, r.checked, r.state, b.bytes'
export const RECORDS: string = `SELECT ${COLUMNS} FROM record r LEFT JOIN body b USING (rid)`
const NO_BODY = new Uint8Array(0)

/** A frame as stored, with what its signature's check needs. */
export interface StoredFrame {
  readonly rid: number
  readonly device: Uint8Array
  readonly checked: number
  readonly frame: Frame
}

export interface RecordRowsInit {
  readonly database: Database
  readonly logs: LogTable
  readonly bodies: SealedBodies
  readonly copies: ControlCopies
}

/** Finds rows and makes records and frames of them. Each row is held to its hashes whenever it is read. */
export class RecordRows {
  readonly #use: RecordRowsInit
  readonly #byRid: Statement
  readonly #noted = new Map<number, number>()
  #faults = 0

  constructor(init: RecordRowsInit) {
    this.#use = init
    this.#byRid = init.database.prepare(`${RECORDS} WHERE r.rid = ?`)
  }

  /** How often a row was read since the start that is not as it was written. */
  get faults(): number {
    return this.#faults
  }

  at(rid: number): Row | undefined {
    return this.#byRid.get(rid)
  }

  atPlace(log: Log, seq: number): Row | undefined {
    return this.#use.database.prepare(`${RECORDS} WHERE r.log = ? AND r.seq = ?`).get(log.n, seq)
  }

  of(id: RecordId): Row | undefined {
    const bytes = bytesOfHex(id)
    return this.#use.database
      .prepare(`${RECORDS} WHERE substr(r.id, 1, 6) = substr(?, 1, 6) AND r.id = ?`)
      .get(bytes, bytes)
  }

  /** Keeps what a lazy check found. It goes to disk with the next commit: a commit of its own would cost more than the check. */
  noteChecked(rid: number, checked: number): void {
    if (this.#noted.size >= NOTED_MAX) this.#noted.clear()
    this.#noted.set(rid, checked)
  }

  /** The signature is another now. */
  unnote(rid: number): void {
    this.#noted.delete(rid)
  }

  /** Writes what `noteChecked` kept; within a transaction. */
  flush(): void {
    if (this.#noted.size === 0) return
    const update = this.#use.database.prepare('UPDATE record SET checked = ? WHERE rid = ?')
    for (const [rid, checked] of this.#noted) update.run(checked, rid)
    this.#noted.clear()
  }

  /** After a rollback. */
  forget(): void {
    this.#noted.clear()
  }

  allStored(rows: readonly Row[]): readonly StoredRecord[] {
    return rows.map((row) => this.toStored(row)).filter((record) => record !== undefined)
  }

  /** Undefined for a row that is not as it was written. */
  toStored(row: Row): StoredRecord | undefined {
    const { whole, fault } = this.#wholeOf(row)
    if (fault === 'header') return undefined
    const log = this.#use.logs.byNumber(integer(whole.log))
    const header = decodeHeader(blob(whole.header))
    const body = fault === undefined ? bodyOf(whole) : null
    const isEncrypted = (header.flags & FLAG_ENCRYPTED) !== 0
    const kind = isEncrypted ? integer(whole.kind) : header.kind
    const plain = kind === 0 ? null : () => this.#use.bodies.open(log.space, header, body ?? NO_BODY)?.body
    return new JournalRecord({
      rid: integer(whole.rid),
      id: blob(whole.id),
      log,
      header,
      kind,
      body: isEncrypted && body !== null ? plain : body,
      signatureChecked: this.checkedOf(whole) === SIGNATURE_STATE.checked,
    })
  }

  /** Undefined for a row that is not as it was written, or not fit to be passed on. */
  toStoredFrame(row: Row): StoredFrame | undefined {
    const { whole, fault } = this.#wholeOf(row)
    const { device, class: logClass } = this.#use.logs.byNumber(integer(whole.log))
    if (fault === 'header' || (fault === 'body' && logClass === LOG_CLASS.control)) return undefined
    const body = fault === undefined ? bodyOf(whole) : null
    const frame: Frame = { header: blob(whole.header), signature: blob(whole.signature), body }
    return { rid: integer(whole.rid), device, checked: this.checkedOf(whole), frame }
  }

  /** The second copy of a record, if it is whole. */
  copyOf(rid: number): ControlCopy | undefined {
    const row = this.at(rid)
    return row === undefined ? undefined : this.#use.copies.of(rid, row)
  }

  /** The row, or what a second copy makes of it; and what of it cannot be had. */
  #wholeOf(row: Row): { readonly whole: Row; readonly fault: Fault | undefined } {
    const fault = this.faultOf(row)
    if (fault === undefined) return { whole: row, fault }
    const copy = this.#use.copies.of(integer(row.rid), row)
    if (copy === undefined) return { whole: row, fault }
    return { whole: { ...row, ...copy, checked: SIGNATURE_STATE.chained }, fault: undefined }
  }

  /** What of a row is not as it was written. */
  faultOf(row: Row): Fault | undefined {
    const fault =
      row.checked === SIGNATURE_STATE.damaged ? 'header' : faultOf(blob(row.id), blob(row.header), bodyOf(row))
    if (fault !== undefined) this.#faults++
    return fault
  }

  /** One of SIGNATURE_STATE, as it is known by now. */
  checkedOf(row: Row): number {
    return this.#noted.get(integer(row.rid)) ?? integer(row.checked)
  }
}

function bodyOf(row: Row): Uint8Array | null {
  return row.bytes === null ? null : blob(row.bytes)
}
