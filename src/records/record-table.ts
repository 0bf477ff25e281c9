import { bytesOfHex, type RecordId, type SpaceId } from '../base/index.ts'
import { blob, type Database, integer, type Row, type Statement } from '../store/index.ts'
import { ControlCopies } from './control-copies.ts'
import { BATCH_HEAD_BYTES, frameBytes } from './frame.ts'
import { decodeHeader } from './header.ts'
import { type Fault, faultOf, tryDecodeHeader } from './intact.ts'
import type { Log, LogTable } from './log-table.ts'
import { QUERY_MAX_RECORDS, queryConditions } from './record-query.ts'
import { RECORD_STATE, SIGNATURE_STATE } from './schema.ts'
import type { SealedBodies } from './sealed-body.ts'
import { JournalRecord } from './stored-record.ts'
import {
  FLAG_ENCRYPTED,
  FLAG_PRUNE_POINT,
  type Frame,
  type Header,
  LOG_CLASS,
  type RecordQuery,
  RUN_MAX_BYTES,
  RUN_MAX_FRAMES,
  type StoredRecord,
} from './types.ts'
import { UsageTable } from './usage-table.ts'

/** Results of lazy signature checks that wait for the next commit; beyond that they are forgotten and made again. */
const NOTED_MAX = 16_384

const COLUMNS = 'r.rid, r.log, r.seq, r.id, r.kind, r.header, r.signature, r.checked, r.state, b.bytes'
/** As the condition of the index, so that it serves. */
const IS_UNREAD = 'r.kind = 0 AND r.state = 0'
const NO_BODY = new Uint8Array(0)
const RECORDS = `SELECT ${COLUMNS} FROM record r LEFT JOIN body b USING (rid)`

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

/** An encrypted record, to be tried with a new key. */
export interface UnreadRecord {
  readonly rid: number
  readonly space: SpaceId
  readonly header: Header
  readonly body: Uint8Array
}

/** A frame as stored, with what its signature's check needs. */
export interface StoredFrame {
  readonly rid: number
  readonly device: Uint8Array
  readonly checked: number
  readonly frame: Frame
}

export interface InspectedRow {
  readonly rid: number
  readonly log: Log
  readonly seq: number
  readonly fault: Fault | 'missing' | undefined
  /** Undefined for a row that is not fit to be passed on. */
  readonly stored: StoredFrame | undefined
}

/** What is written where a row was damaged. */
export interface RewrittenRecord {
  readonly id: Uint8Array
  readonly header: Uint8Array
  readonly signature: Uint8Array
  /** `undefined` leaves the one that the row has: of an encrypted record only reading tells it. */
  readonly kind: number | undefined
  readonly mayHaveBody: boolean
}

/** Headers, signatures and bodies. Each row is held to its hashes whenever it is read. */
export class RecordTable {
  readonly #database: Database
  readonly #logs: LogTable
  readonly #bodies: SealedBodies
  readonly #insert: Statement
  readonly #insertBody: Statement
  readonly #place: Statement
  readonly #byRid: Statement
  readonly #noted = new Map<number, number>()
  readonly usage: UsageTable
  readonly #copies: ControlCopies
  #lastRid = 0
  #faults = 0

  constructor(database: Database, logs: LogTable, bodies: SealedBodies) {
    this.#database = database
    this.#logs = logs
    this.usage = new UsageTable(database)
    this.#copies = new ControlCopies(database)
    this.#bodies = bodies
    this.#insert = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#insertBody = database.prepare('INSERT INTO body VALUES (?, ?, ?)')
    this.#place = database.prepare(
      'SELECT r.rid, r.id, r.checked, r.state, b.rid AS body FROM record r LEFT JOIN body b USING (rid) WHERE r.log = ? AND r.seq = ?',
    )
    this.#byRid = database.prepare(`${RECORDS} WHERE r.rid = ?`)
    this.#readLastRid()
  }

  /** After a rollback, which gives numbers free to be given again. */
  forget(): void {
    this.#noted.clear()
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

  /** How often a row was read since the start that is not as it was written. */
  get faults(): number {
    return this.#faults
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
      checked: this.#checkedOf(row),
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
    const row = this.#byRid.get(rid)
    return row === undefined ? undefined : this.#toStored(row)
  }

  byId(id: RecordId): StoredRecord | undefined {
    const row = this.#rowOf(id)
    return row === undefined ? undefined : this.#toStored(row)
  }

  frameOf(id: RecordId): StoredFrame | undefined {
    const row = this.#rowOf(id)
    return row === undefined ? undefined : this.#toStoredFrame(row)
  }

  frameAt(log: Log, seq: number): StoredFrame | undefined {
    const row = this.#database.prepare(`${RECORDS} WHERE r.log = ? AND r.seq = ?`).get(log.n, seq)
    return row === undefined ? undefined : this.#toStoredFrame(row)
  }

  /** `from` to `to`, or as much of it as one batch holds. */
  frames(log: Log, from: number, to: number): StoredFrame[] {
    const rows = this.#database
      .prepare(`${RECORDS} WHERE r.log = ? AND r.seq BETWEEN ? AND ? ORDER BY r.seq LIMIT ${RUN_MAX_FRAMES}`)
      .iterate(log.n, from, Math.min(to, log.state.seq))
    const frames: StoredFrame[] = []
    let bytes = BATCH_HEAD_BYTES
    for (const row of rows) {
      const stored = this.#toStoredFrame(row)
      if (stored === undefined) break
      bytes += frameBytes(stored.frame)
      if (bytes > RUN_MAX_BYTES) break
      frames.push(stored)
    }
    return frames
  }

  /** Keeps what a lazy check found. It goes to disk with the next commit: a commit of its own would cost more than the check. */
  noteChecked(rid: number, checked: number): void {
    if (this.#noted.size >= NOTED_MAX) this.#noted.clear()
    this.#noted.set(rid, checked)
  }

  /** Writes what `noteChecked` kept; within a transaction. */
  flush(): void {
    this.usage.flush()
    if (this.#noted.size === 0) return
    const update = this.#database.prepare('UPDATE record SET checked = ? WHERE rid = ?')
    for (const [rid, checked] of this.#noted) update.run(checked, rid)
    this.#noted.clear()
  }

  /** Puts a good signature in the place of one that is not. */
  replaceSignature(rid: number, signature: Uint8Array): void {
    this.#noted.delete(rid)
    this.#database
      .prepare('UPDATE record SET signature = ?, checked = ? WHERE rid = ?')
      .run(signature, SIGNATURE_STATE.checked, rid)
  }

  /** What of the row at a place is not as it was written. */
  faultAt(log: Log, seq: number): Fault | undefined {
    const row = this.#database.prepare(`${RECORDS} WHERE r.log = ? AND r.seq = ?`).get(log.n, seq)
    return row === undefined ? undefined : this.#faultOf(row)
  }

  /** The next rows, with what is wrong with them; a live record of classes 1 and 2 whose body is gone counts too. */
  inspect(afterRid: number, limit: number): readonly InspectedRow[] {
    return this.#database
      .prepare(`${RECORDS} WHERE r.rid > ? ORDER BY r.rid LIMIT ?`)
      .all(afterRid, limit)
      .map((row) => {
        const isMissing = row.bytes === null && row.state === RECORD_STATE.live
        return {
          rid: integer(row.rid),
          seq: integer(row.seq),
          log: this.#logs.byNumber(integer(row.log)),
          fault: this.#faultOf(row) ?? (isMissing ? ('missing' as const) : undefined),
          stored: this.#toStoredFrame(row),
        }
      })
  }

  /** Leaves of a row whose header is damaged only its place, under the id that its log says it has. */
  markDamaged(log: Log, rid: number, id: Uint8Array | undefined): void {
    this.#noted.delete(rid)
    this.dropBody(log, rid)
    this.#database
      .prepare('UPDATE record SET checked = ?, id = ifnull(?, id) WHERE rid = ?')
      .run(SIGNATURE_STATE.damaged, id ?? null, rid)
  }

  /** The body is to come again. */
  dropBody(log: Log, rid: number): void {
    const bytes = -integer(
      this.#database.prepare('SELECT ifnull(sum(length(bytes)), 0) AS n FROM body WHERE rid = ?').get(rid)?.n,
    )
    this.usage.change(log, { records: 0, bytes, bodyBytes: bytes })
    this.#database.prepare('DELETE FROM body WHERE rid = ?').run(rid)
  }

  /** Writes a record anew where its row was damaged; its body comes after it. */
  rewrite(log: Log, rid: number, record: RewrittenRecord): void {
    const { id, header, signature, kind, mayHaveBody } = record
    this.#noted.delete(rid)
    this.dropBody(log, rid)
    const before = this.#database.prepare('SELECT length(header) + length(signature) AS n FROM record WHERE rid = ?')
    const bytes = header.length + signature.length - integer(before.get(rid)?.n)
    this.usage.change(log, { records: 0, bytes, bodyBytes: 0 })
    const state = mayHaveBody ? RECORD_STATE.live : RECORD_STATE.erased
    this.#database
      .prepare(
        'UPDATE record SET id = ?, header = ?, signature = ?, checked = ?, state = ?, kind = ifnull(?, kind) WHERE rid = ?',
      )
      .run(id, header, signature, SIGNATURE_STATE.checked, state, kind ?? null, rid)
  }

  /** Puts the second copy of a record in the place of what is damaged of the first. */
  restoreCopy(log: Log, rid: number): boolean {
    const row = this.#byRid.get(rid)
    const copy = row === undefined ? undefined : this.#copies.of(rid, row)
    if (copy === undefined) return false
    const { id, header, signature, bytes } = copy
    this.rewrite(log, rid, { id, header, signature, kind: decodeHeader(header).kind, mayHaveBody: true })
    this.restoreBody(log, rid, bytes, 0)
    // It was not checked again; whoever serves it does that.
    this.#database.prepare('UPDATE record SET checked = ? WHERE rid = ?').run(SIGNATURE_STATE.chained, rid)
    return true
  }

  /** The row of a record, as it lies. */
  rawAt(rid: number): { readonly id: Uint8Array; readonly header: Uint8Array; readonly signature: Uint8Array } {
    const row = this.#byRid.get(rid)
    return { id: blob(row?.id), header: blob(row?.header), signature: blob(row?.signature) }
  }

  setId(rid: number, id: Uint8Array): void {
    this.#database.prepare('UPDATE record SET id = ? WHERE rid = ?').run(id, rid)
  }

  /** Keeps the place of a record of which nothing is left. `id` is empty where nothing tells it. */
  insertLost(log: Log, seq: number, id: Uint8Array): void {
    const [header, signature] = [NO_BODY, NO_BODY]
    const { damaged: checked } = SIGNATURE_STATE
    this.insert({ log, seq, id, kind: 0, exp: 0, header, signature, checked, state: RECORD_STATE.live, body: null })
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

  /** Encrypted records after `rid` that could not be read here, in storage order. */
  unread(afterRid: number, limit: number): readonly UnreadRecord[] {
    const sql = `SELECT ${COLUMNS} FROM record r JOIN body b USING (rid)
      WHERE ${IS_UNREAD} AND r.rid > ? ORDER BY r.rid LIMIT ?`
    const rows = this.#database.prepare(sql).all(afterRid, limit)
    const whole = rows.filter((row) => this.#faultOf(row) === undefined)
    const unread = whole.map((row) => ({
      rid: integer(row.rid),
      space: this.#logs.byNumber(integer(row.log)).space,
      header: decodeHeader(blob(row.header)),
      body: blob(row.bytes),
    }))
    // Fewer than asked for are the last ones.
    if (unread.length === rows.length || rows.length < limit) return unread
    return [...unread, ...this.unread(integer(rows.at(-1)?.rid), limit - unread.length)]
  }

  /** How many encrypted records could not be read here, up to a limit. */
  countUnread(limit: number): number {
    const sql = `SELECT count(*) AS records FROM (SELECT 1 FROM record r WHERE ${IS_UNREAD} LIMIT ?)`
    return integer(this.#database.prepare(sql).get(limit)?.records)
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
      const record = this.#toStored(row)
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

  /** The kinds of a log's records with their numbers, from `from` on. */
  *kinds(log: Log, from: number): Generator<{ readonly seq: number; readonly kind: number }> {
    const rows = this.#database.prepare('SELECT seq, kind FROM record WHERE log = ? AND seq >= ? ORDER BY seq')
    for (const row of rows.iterate(log.n, from)) yield { seq: integer(row.seq), kind: integer(row.kind) }
  }

  /** The number of the last prune point of a log up to `to`, if there is one after `from`. */
  lastPrunePoint(log: Log, from: number, to: number): number | undefined {
    const rows = this.#database
      .prepare('SELECT seq, header FROM record WHERE log = ? AND seq > ? AND seq <= ? ORDER BY seq DESC')
      .iterate(log.n, from, to)
    for (const row of rows) {
      if (((tryDecodeHeader(blob(row.header))?.flags ?? 0) & FLAG_PRUNE_POINT) !== 0) return integer(row.seq)
    }
    return undefined
  }

  /** Whether the time of every record that is held of a log is over. */
  hasExpired(log: Log, now: number): boolean {
    const rows = this.#database.prepare('SELECT header FROM record WHERE log = ? ORDER BY seq DESC').iterate(log.n)
    for (const row of rows) {
      const { exp = 0 } = tryDecodeHeader(blob(row.header)) ?? {}
      if (exp === 0 || exp > now) return false
    }
    return true
  }

  /**
   * The next live records of some kinds that have a body, in storage order, from so many rows; and the last of these rows, unless
   * there are no more.
   */
  scan(
    kinds: readonly number[],
    afterRid: number,
    limit: number,
  ): { readonly records: readonly StoredRecord[]; readonly through: number | undefined } {
    const sql = `SELECT ${COLUMNS} FROM record r JOIN body b USING (rid)
      WHERE r.rid > ? AND r.state = ${RECORD_STATE.live} AND r.kind IN (${kinds.map(() => '?').join(', ')})
      ORDER BY r.rid LIMIT ?`
    const rows = this.#database.prepare(sql).all(afterRid, ...kinds, limit)
    const last = rows.length < limit ? undefined : rows.at(-1)
    return { records: this.#allStored(rows), through: last === undefined ? undefined : integer(last.rid) }
  }

  /** Records whose body expired at or before `now`: the first so many of them. */
  expired(now: number, limit: number): readonly StoredRecord[] {
    const sql = `SELECT ${COLUMNS} FROM body b JOIN record r USING (rid) WHERE b.exp > 0 AND b.exp <= ? ORDER BY b.exp LIMIT ?`
    return this.#allStored(this.#database.prepare(sql).all(now, limit))
  }

  /** Records of expiring logs of a space that have a body, those first whose time is over first. */
  soonestExpiring(spaceN: number, limit: number): readonly StoredRecord[] {
    const sql = `SELECT ${COLUMNS} FROM body b INDEXED BY body_exp CROSS JOIN record r ON r.rid = b.rid CROSS JOIN log l ON l.n = r.log
      WHERE b.exp > 0 AND l.space = ? AND l.class = ${LOG_CLASS.expiring} ORDER BY b.exp LIMIT ?`
    return this.#allStored(this.#database.prepare(sql).all(spaceN, limit))
  }

  query(query: RecordQuery): readonly StoredRecord[] {
    const { where, params } = queryConditions(query)
    const limit = Math.max(0, Math.min(query.limit, QUERY_MAX_RECORDS))
    const sql = `${RECORDS} WHERE ${where} ORDER BY r.rid LIMIT ?`
    const rows = this.#database.prepare(sql).all(...params, limit)
    const records = this.#allStored(rows)
    // Nobody must take a page of damaged records for the end.
    if (records.length > 0 || rows.length === 0) return records
    return this.query({ ...query, afterRid: integer(rows.at(-1)?.rid) })
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

  #rowOf(id: RecordId): Row | undefined {
    const bytes = bytesOfHex(id)
    return this.#database
      .prepare(`${RECORDS} WHERE substr(r.id, 1, 6) = substr(?, 1, 6) AND r.id = ?`)
      .get(bytes, bytes)
  }

  #allStored(rows: readonly Row[]): readonly StoredRecord[] {
    return rows.map((row) => this.#toStored(row)).filter((record) => record !== undefined)
  }

  /** Undefined for a row that is not as it was written. */
  #toStored(row: Row): StoredRecord | undefined {
    const { whole, fault } = this.#wholeOf(row)
    if (fault === 'header') return undefined
    const log = this.#logs.byNumber(integer(whole.log))
    const header = decodeHeader(blob(whole.header))
    const body = fault === undefined ? bodyOf(whole) : null
    const isEncrypted = (header.flags & FLAG_ENCRYPTED) !== 0
    const kind = isEncrypted ? integer(whole.kind) : header.kind
    const plain = kind === 0 ? null : () => this.#bodies.open(log.space, header, body ?? NO_BODY)?.body
    return new JournalRecord({
      rid: integer(whole.rid),
      id: blob(whole.id),
      log,
      header,
      kind,
      body: isEncrypted && body !== null ? plain : body,
      signatureChecked: this.#checkedOf(whole) === SIGNATURE_STATE.checked,
    })
  }

  /** Undefined for a row that is not as it was written, or not fit to be passed on. */
  #toStoredFrame(row: Row): StoredFrame | undefined {
    const { whole, fault } = this.#wholeOf(row)
    const { device, class: logClass } = this.#logs.byNumber(integer(whole.log))
    if (fault === 'header' || (fault === 'body' && logClass === LOG_CLASS.control)) return undefined
    const body = fault === undefined ? bodyOf(whole) : null
    const frame: Frame = { header: blob(whole.header), signature: blob(whole.signature), body }
    return { rid: integer(whole.rid), device, checked: this.#checkedOf(whole), frame }
  }

  /** The row, or what a second copy makes of it; and what of it cannot be had. */
  #wholeOf(row: Row): { readonly whole: Row; readonly fault: Fault | undefined } {
    const fault = this.#faultOf(row)
    if (fault === undefined) return { whole: row, fault }
    const copy = this.#copies.of(integer(row.rid), row)
    if (copy === undefined) return { whole: row, fault }
    return { whole: { ...row, ...copy, checked: SIGNATURE_STATE.chained }, fault: undefined }
  }

  #faultOf(row: Row): Fault | undefined {
    const fault =
      row.checked === SIGNATURE_STATE.damaged ? 'header' : faultOf(blob(row.id), blob(row.header), bodyOf(row))
    if (fault !== undefined) this.#faults++
    return fault
  }

  #checkedOf(row: Row): number {
    return this.#noted.get(integer(row.rid)) ?? integer(row.checked)
  }
}

function bodyOf(row: Row): Uint8Array | null {
  return row.bytes === null ? null : blob(row.bytes)
}
