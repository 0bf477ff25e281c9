import type { SpaceId } from '../base/index.ts'
import { blob, type Database, integer } from '../store/index.ts'
import { decodeHeader } from './header.ts'
import { type Fault, tryDecodeHeader } from './intact.ts'
import type { Log, LogTable } from './log-table.ts'
import { QUERY_MAX_RECORDS, queryConditions } from './query-conditions.ts'
import { COLUMNS, RECORDS, type RecordRows, type StoredFrame } from './record-rows.ts'
import { RECORD_STATE } from './schema.ts'
import { FLAG_PRUNE_POINT, type Header, LOG_CLASS, type RecordQuery, type StoredRecord } from './types.ts'

/** As the condition of the index, so that it serves. */
const IS_UNREAD = 'r.kind = 0 AND r.state = 0'

/** An encrypted record, to be tried with a new key. */
export interface UnreadRecord {
  readonly rid: number
  readonly space: SpaceId
  readonly header: Header
  readonly body: Uint8Array
}

export interface InspectedRow {
  readonly rid: number
  readonly log: Log
  readonly seq: number
  readonly fault: Fault | 'missing' | undefined
  /** Undefined for a row that is not fit to be passed on. */
  readonly stored: StoredFrame | undefined
}

/** Records by what they are, not by where they stand. Changes nothing. */
export class RecordQueries {
  readonly #database: Database
  readonly #logs: LogTable
  readonly #rows: RecordRows

  constructor(database: Database, logs: LogTable, rows: RecordRows) {
    this.#database = database
    this.#logs = logs
    this.#rows = rows
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
          fault: this.#rows.faultOf(row) ?? (isMissing ? ('missing' as const) : undefined),
          stored: this.#rows.toStoredFrame(row),
        }
      })
  }

  /** Encrypted records after `rid` that could not be read here, in storage order. */
  unread(afterRid: number, limit: number): readonly UnreadRecord[] {
    const sql = `SELECT ${COLUMNS} FROM record r JOIN body b USING (rid)
      WHERE ${IS_UNREAD} AND r.rid > ? ORDER BY r.rid LIMIT ?`
    const rows = this.#database.prepare(sql).all(afterRid, limit)
    const whole = rows.filter((row) => this.#rows.faultOf(row) === undefined)
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
    return { records: this.#rows.allStored(rows), through: last === undefined ? undefined : integer(last.rid) }
  }

  /** Records whose body expired at or before `now`: the first so many of them. */
  expired(now: number, limit: number): readonly StoredRecord[] {
    const sql = `SELECT ${COLUMNS} FROM body b JOIN record r USING (rid) WHERE b.exp > 0 AND b.exp <= ? ORDER BY b.exp LIMIT ?`
    return this.#rows.allStored(this.#database.prepare(sql).all(now, limit))
  }

  /** Records of expiring logs of a space that have a body, those first whose time is over first. */
  soonestExpiring(spaceN: number, limit: number): readonly StoredRecord[] {
    const sql = `SELECT ${COLUMNS} FROM body b INDEXED BY body_exp CROSS JOIN record r ON r.rid = b.rid CROSS JOIN log l ON l.n = r.log
      WHERE b.exp > 0 AND l.space = ? AND l.class = ${LOG_CLASS.expiring} ORDER BY b.exp LIMIT ?`
    return this.#rows.allStored(this.#database.prepare(sql).all(spaceN, limit))
  }

  query(query: RecordQuery): readonly StoredRecord[] {
    const { where, params } = queryConditions(query)
    const limit = Math.max(0, Math.min(query.limit, QUERY_MAX_RECORDS))
    const sql = `${RECORDS} WHERE ${where} ORDER BY r.rid LIMIT ?`
    const rows = this.#database.prepare(sql).all(...params, limit)
    const records = this.#rows.allStored(rows)
    // Nobody must take a page of damaged records for the end.
    if (records.length > 0 || rows.length === 0) return records
    return this.query({ ...query, afterRid: integer(rows.at(-1)?.rid) })
  }
}
