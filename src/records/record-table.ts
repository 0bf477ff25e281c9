import type { RecordId } from '../base/index.ts'
import { blob, type Database, integer, type Statement } from '../store/index.ts'
import { ControlCopies } from './control-copies.ts'
import { BATCH_HEAD_BYTES, frameBytes } from './frame.ts'
import { decodeHeader } from './header.ts'
import type { Fault } from './intact.ts'
import type { Log, LogTable } from './log-table.ts'
import { RecordQueries } from './record-queries.ts'
import { COLUMNS, RECORDS, RecordRows, type StoredFrame } from './record-rows.ts'
import { RECORD_STATE, SIGNATURE_STATE } from './schema.ts'
import type { SealedBodies } from './sealed-body.ts'
import { LOG_CLASS, RUN_MAX_BYTES, RUN_MAX_FRAMES, type StoredRecord } from './types.ts'
import { UsageTable } from './usage-table.ts'

export interface NewRecord {
  readonly log: Log
  readonly seq: number
  readonly id: Uint8Array
  readonly kind: number
  readonly exp: number
  readonly header: Uint8Array
  readonly signature: Uint8Array
  readonly checked: number
  readonly state: number
  readonly body: Uint8Array | null
}

/** What is known of a record without its content. */
export interface Place {
  readonly rid: number
  readonly id: Uint8Array
  readonly checked: number
  readonly state: number
  readonly hasBody: boolean
}

/** Headers, signatures and bodies, by the places of their records. */
export class RecordTable {
  readonly #database: Database
  readonly #insert: Statement
  readonly #insertBody: Statement
  readonly #place: Statement
  readonly #copies: ControlCopies
  readonly usage: UsageTable
  readonly rows: RecordRows
  readonly queries: RecordQueries
  #lastRid = 0

  constructor(database: Database, logs: LogTable, bodies: SealedBodies) {
    this.#database = database
    this.usage = new UsageTable(database)
    this.#copies = new ControlCopies(database)
    this.rows = new RecordRows({ database, logs, bodies, copies: this.#copies })
    this.queries = new RecordQueries(database, logs, this.rows)
    this.#insert = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#insertBody = database.prepare('INSERT INTO body VALUES (?, ?, ?)')
    this.#place = database.prepare(
      'SELECT r.rid, r.id, r.checked, r.state, b.rid AS body FROM record r LEFT JOIN body b USING (rid) WHERE r.log = ? AND r.seq = ?',
    )
    this.#readLastRid()
  }

  /** After a rollback, which gives numbers free to be given again. */
  forget(): void {
    this.rows.forget()
    this.usage.forget()
    this.#readLastRid()
  }

  #readLastRid(): void {
    const row = this.#database
      .prepare('SELECT ifnull(max(rid), 0) AS rid, ifnull((SELECT last_rid FROM journal), 0) AS last FROM record')
      .get()
    this.#lastRid = Math.max(integer(row?.rid), integer(row?.last))
  }

  /** The highest number ever given: one that was removed is never given again. */
  get lastRid(): number {
    return this.#lastRid
  }

  insert(record: NewRecord): number {
    const rid = ++this.#lastRid
    const { log, seq, id, kind, header, signature, checked, state, body } = record
    this.#insert.run(rid, log.n, seq, id, kind, header, signature, checked, state)
    if (body !== null) this.#insertBody.run(rid, body, record.exp)
    if (body !== null && log.class === LOG_CLASS.control) this.#copies.add(rid, header, signature, body)
    const bodyBytes = body?.length ?? 0
    this.usage.change(log, { records: 1, bytes: header.length + signature.length + bodyBytes, bodyBytes })
    return rid
  }

  place(log: Log, seq: number): Place | undefined {
    const row = this.#place.get(log.n, seq)
    if (row === undefined) return undefined
    return {
      rid: integer(row.rid),
      id: blob(row.id),
      checked: this.rows.checkedOf(row),
      state: integer(row.state),
      hasBody: row.body !== null,
    }
  }

  /** The id of the record that a log holds at a number. */
  idAt(log: Log, seq: number): Uint8Array | undefined {
    if (seq === log.state.seq && seq > 0) return log.state.id
    return this.place(log, seq)?.id
  }

  hlcAt(log: Log, seq: number): number {
    const stored = this.frameAt(log, seq)
    return stored === undefined ? 0 : decodeHeader(stored.frame.header).hlc
  }

  byRid(rid: number): StoredRecord | undefined {
    const row = this.rows.at(rid)
    return row === undefined ? undefined : this.rows.toStored(row)
  }

  byId(id: RecordId): StoredRecord | undefined {
    const row = this.rows.of(id)
    return row === undefined ? undefined : this.rows.toStored(row)
  }

  frameOf(id: RecordId): StoredFrame | undefined {
    const row = this.rows.of(id)
    return row === undefined ? undefined : this.rows.toStoredFrame(row)
  }

  frameAt(log: Log, seq: number): StoredFrame | undefined {
    const row = this.rows.atPlace(log, seq)
    return row === undefined ? undefined : this.rows.toStoredFrame(row)
  }

  /** `from` to `to`, or as much of it as one batch holds. */
  frames(log: Log, from: number, to: number): StoredFrame[] {
    const rows = this.#database
      .prepare(`${RECORDS} WHERE r.log = ? AND r.seq BETWEEN ? AND ? ORDER BY r.seq LIMIT ${RUN_MAX_FRAMES}`)
      .iterate(log.n, from, Math.min(to, log.state.seq))
    const frames: StoredFrame[] = []
    let bytes = BATCH_HEAD_BYTES
    for (const row of rows) {
      const stored = this.rows.toStoredFrame(row)
      if (stored === undefined) break
      bytes += frameBytes(stored.frame)
      if (bytes > RUN_MAX_BYTES) break
      frames.push(stored)
    }
    return frames
  }

  /** Writes what `RecordRows.noteChecked` kept; within a transaction. */
  flush(): void {
    this.usage.flush()
    this.rows.flush()
  }

  /** Puts a good signature in the place of one that is not. */
  replaceSignature(rid: number, signature: Uint8Array): void {
    this.rows.unnote(rid)
    this.#database
      .prepare('UPDATE record SET signature = ?, checked = ? WHERE rid = ?')
      .run(signature, SIGNATURE_STATE.checked, rid)
  }

  /** What of the row at a place is not as it was written. */
  faultAt(log: Log, seq: number): Fault | undefined {
    const row = this.rows.atPlace(log, seq)
    return row === undefined ? undefined : this.rows.faultOf(row)
  }

  /** Whether a row is not as it was written, or lacks its body or a good signature. */
  isDamaged(log: Log, seq: number): boolean {
    const place = this.place(log, seq)
    if (place === undefined) return false
    const isBare = place.state === RECORD_STATE.live && !place.hasBody
    return isBare || place.checked === SIGNATURE_STATE.bad || this.faultAt(log, seq) !== undefined
  }

  /** The body is to come again. */
  dropBody(log: Log, rid: number): void {
    const bytes = -integer(
      this.#database.prepare('SELECT ifnull(sum(length(bytes)), 0) AS n FROM body WHERE rid = ?').get(rid)?.n,
    )
    this.usage.change(log, { records: 0, bytes, bodyBytes: bytes })
    this.#database.prepare('DELETE FROM body WHERE rid = ?').run(rid)
  }

  /** The row of a record, as it lies. */
  rawAt(rid: number): { readonly id: Uint8Array; readonly header: Uint8Array; readonly signature: Uint8Array } {
    const row = this.rows.at(rid)
    return { id: blob(row?.id), header: blob(row?.header), signature: blob(row?.signature) }
  }

  restoreBody(log: Log, rid: number, body: Uint8Array, exp: number): void {
    this.#insertBody.run(rid, body, exp)
    this.usage.change(log, { records: 0, bytes: body.length, bodyBytes: body.length })
    this.#database.prepare('UPDATE record SET state = ? WHERE rid = ?').run(RECORD_STATE.live, rid)
    if (log.class !== LOG_CLASS.control) return
    const { header, signature } = this.rawAt(rid)
    this.#copies.add(rid, header, signature, body)
  }

  eraseBody(log: Log, rid: number): void {
    this.dropBody(log, rid)
    this.#database.prepare('UPDATE record SET state = ? WHERE rid = ?').run(RECORD_STATE.erased, rid)
  }

  /** An erased body may be had again. */
  unerase(rid: number): void {
    this.#database.prepare('UPDATE record SET state = ? WHERE rid = ?').run(RECORD_STATE.live, rid)
  }

  /** An encrypted record could be read. */
  setKind(rid: number, kind: number): void {
    this.#database.prepare('UPDATE record SET kind = ? WHERE rid = ?').run(kind, rid)
  }

  /** The records of a log between two numbers, both included, that have a body. */
  *between(log: Log, from: number, to: number): Generator<StoredRecord> {
    const rows = this.#database.prepare(
      `SELECT ${COLUMNS} FROM record r JOIN body b USING (rid) WHERE r.log = ? AND r.seq BETWEEN ? AND ? ORDER BY r.seq`,
    )
    for (const row of rows.iterate(log.n, from, to)) {
      const record = this.rows.toStored(row)
      if (record !== undefined) yield record
    }
  }

  /** Removes the records of a log between two numbers, both included. */
  remove(log: Log, from: number, to: number): void {
    const where = 'log = ? AND seq BETWEEN ? AND ?'
    const sums = this.#database
      .prepare(
        `SELECT ifnull(sum(length(header) + length(signature)), 0) AS heads, ifnull(sum(length(b.bytes)), 0) AS bodies
         FROM record LEFT JOIN body b USING (rid) WHERE ${where}`,
      )
      .get(log.n, from, to)
    const bodyBytes = -integer(sums?.bodies)
    if (log.class === LOG_CLASS.control) this.#copies.remove(log.n, from, to)
    this.#database.prepare(`DELETE FROM body WHERE rid IN (SELECT rid FROM record WHERE ${where})`).run(log.n, from, to)
    const { changes } = this.#database.prepare(`DELETE FROM record WHERE ${where}`).run(log.n, from, to)
    this.usage.change(log, { records: -changes, bytes: bodyBytes - integer(sums?.heads), bodyBytes })
    this.#database.prepare('UPDATE journal SET last_rid = ?').run(this.#lastRid)
  }

  /** The logs of the next so many records after `rid`, and the last of those; without any, what is the last of all. */
  newsSince(rid: number, limit: number): { readonly numbers: readonly number[]; readonly through: number } {
    const rows = this.#database
      .prepare(
        `SELECT log, max(rid) AS last FROM (SELECT rid, log FROM record WHERE rid > ? ORDER BY rid LIMIT ?) GROUP BY log`,
      )
      .all(rid, limit)
    const through = rows.reduce((last, row) => Math.max(last, integer(row.last)), 0)
    return { numbers: rows.map((row) => integer(row.log)), through: rows.length === 0 ? this.#lastRid : through }
  }
}
