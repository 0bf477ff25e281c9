import { bytesEqual, hexOf, type RecordId } from '../base/index.ts'
import { blob, type Database, integer, type Row, type SqlValue } from '../store/index.ts'
import type { Candidate } from './candidate.ts'
import { decodeHeader } from './header.ts'
import type { Log, LogTable } from './log-table.ts'
import type { Frame, VoidedRun } from './types.ts'

/** Records that are kept per space though they do not count, and their bodies; beyond that the oldest go and are counted. */
export const VOIDED_MAX_PER_SPACE = 65_536
export const VOIDED_MAX_BYTES_PER_SPACE: number = 64 * 1024 * 1024
/** Rows in memory at a time. */
const PAGE_ROWS = 256

const INSERT = 'INSERT OR IGNORE INTO voided (space, log, seq, id, header, signature, checked, body, exp)'

export interface VoidedRecord {
  readonly n: number
  /** One of SIGNATURE_STATE. */
  readonly checked: number
  readonly frame: Frame
}

interface Size {
  readonly records: number
  readonly bytes: number
}

const NOTHING: Size = { records: 0, bytes: 0 }

/** What is held and does not count: beyond the end of its log, or on a branch that was not chosen. */
export class VoidedTable {
  readonly #database: Database
  readonly #logs: LogTable
  /** By the row number of the space. */
  readonly #sizes = new Map<number, Size>()
  #dropped = 0

  constructor(database: Database, logs: LogTable) {
    this.#database = database
    this.#logs = logs
    this.forget()
  }

  /** After a rollback. */
  forget(): void {
    this.#sizes.clear()
    const rows = this.#database
      .prepare('SELECT space, count(*) AS records, ifnull(sum(length(body)), 0) AS bytes FROM voided GROUP BY space')
      .all()
    for (const row of rows) this.#sizes.set(integer(row.space), sizeOf(row))
  }

  /** Records that made room for others since the start. */
  get dropped(): number {
    return this.#dropped
  }

  get records(): number {
    return this.#sizes.values().reduce((sum, { records }) => sum + records, 0)
  }

  /**
   * Copies the records of a log from `seq` on. The last are written first, so that what makes room for others is what comes after
   * the rest.
   */
  take(log: Log, seq: number): void {
    const end = seq + VOIDED_MAX_PER_SPACE
    this.#dropped += Math.max(0, log.state.seq + 1 - end)
    this.#insert(
      log.spaceN,
      `SELECT ?, r.log, r.seq, r.id, r.header, r.signature, r.checked, b.bytes, ifnull(b.exp, 0)
       FROM record r LEFT JOIN body b USING (rid) WHERE r.log = ? AND r.seq >= ? AND r.seq < ? ORDER BY r.seq DESC`,
      [log.spaceN, log.n, seq, end],
    )
  }

  /** Keeps a genuine frame that came from outside. */
  add(log: Log, candidate: Candidate, body: Uint8Array | null, checked: number): void {
    const { header, frame, id } = candidate
    const exp = body === null ? 0 : header.exp
    this.#insert(log.spaceN, 'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      ...[log.spaceN, log.n, header.seq, id],
      ...[frame.header, frame.signature, checked, body, exp],
    ])
  }

  /** False if nothing is kept of the log's space, or of the log. */
  has({ n, spaceN }: Log): boolean {
    if (!this.#sizes.has(spaceN)) return false
    return this.#database.prepare('SELECT 1 FROM voided WHERE log = ? LIMIT 1').get(n) !== undefined
  }

  /** The records of a log in the order of their numbers. They may be removed meanwhile. */
  *of(log: Log): Generator<VoidedRecord> {
    const select = this.#database.prepare(
      `SELECT n, seq, id, header, signature, checked, body FROM voided
       WHERE log = ? AND (seq, id) > (?, ?) ORDER BY seq, id LIMIT ${PAGE_ROWS}`,
    )
    let page = select.all(log.n, 0, new Uint8Array())
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      for (const row of page) yield voidedOf(row)
      page = select.all(log.n, integer(last.seq), blob(last.id))
    }
  }

  remove({ spaceN }: Log, n: number): void {
    const row = this.#database
      .prepare('DELETE FROM voided WHERE n = ? RETURNING 1 AS records, ifnull(length(body), 0) AS bytes')
      .get(n)
    if (row !== undefined) this.#subtract(spaceN, sizeOf(row))
  }

  dropBody({ n, spaceN }: Log, seq: number): void {
    const where = 'FROM voided WHERE log = ? AND seq = ? AND body IS NOT NULL'
    const row = this.#database
      .prepare(`SELECT 0 AS records, ifnull(sum(length(body)), 0) AS bytes ${where}`)
      .get(n, seq)
    if (row === undefined || row.bytes === 0) return
    this.#database.prepare('UPDATE voided SET body = NULL, exp = 0 WHERE log = ? AND seq = ?').run(n, seq)
    this.#subtract(spaceN, sizeOf(row))
  }

  /** The places of bodies whose time is over, at most so many. */
  expired(now: number, limit: number): readonly { readonly log: Log; readonly seq: number }[] {
    return this.#database
      .prepare('SELECT log, seq FROM voided WHERE exp > 0 AND exp <= ? AND body IS NOT NULL ORDER BY exp LIMIT ?')
      .all(now, limit)
      .map((row) => ({ log: this.#logs.byNumber(integer(row.log)), seq: integer(row.seq) }))
  }

  /** What waits in a space. */
  runs(spaceN: number): readonly VoidedRun[] {
    const rows = this.#database
      .prepare('SELECT log, seq, id, header FROM voided WHERE space = ? ORDER BY log, seq, id')
      .iterate(spaceN)
    const runs: Run[] = []
    /** Those of the log at hand that end at the number before the row's or at its own. */
    let open: Run[] = []
    for (const row of rows) {
      open = open.filter(({ log, to }) => log === row.log && to >= integer(row.seq) - 1)
      const run = lengthened(open, row)
      if (run !== undefined) continue
      const begun = runOf(row)
      runs.push(begun)
      open.push(begun)
    }
    return runs.map(({ log, from, to, first, last }) => {
      const { author, hex } = this.#logs.byNumber(log)
      return { author, log: hex, from, to, first: hexOf(first) as RecordId, last: hexOf(last) as RecordId }
    })
  }

  #insert(spaceN: number, rows: string, params: readonly SqlValue[]): void {
    const newest = this.#database.prepare('SELECT ifnull(max(n), 0) AS n FROM voided').get()?.n ?? 0
    this.#database.prepare(`${INSERT} ${rows}`).run(...params)
    const row = this.#database
      .prepare('SELECT count(*) AS records, ifnull(sum(length(body)), 0) AS bytes FROM voided WHERE n > ?')
      .get(newest)
    const [before, added] = [this.#sizes.get(spaceN) ?? NOTHING, row === undefined ? NOTHING : sizeOf(row)]
    this.#sizes.set(spaceN, { records: before.records + added.records, bytes: before.bytes + added.bytes })
    this.#makeRoom(spaceN)
  }

  #makeRoom(spaceN: number): void {
    const oldest = this.#database.prepare(
      `DELETE FROM voided WHERE n = (SELECT min(n) FROM voided WHERE space = ?)
       RETURNING 1 AS records, ifnull(length(body), 0) AS bytes`,
    )
    while (isOver(this.#sizes.get(spaceN))) {
      const row = oldest.get(spaceN)
      if (row === undefined) return
      this.#subtract(spaceN, sizeOf(row))
      this.#dropped++
    }
  }

  #subtract(spaceN: number, { records, bytes }: Size): void {
    const before = this.#sizes.get(spaceN) ?? NOTHING
    const size = { records: before.records - records, bytes: before.bytes - bytes }
    if (size.records > 0) this.#sizes.set(spaceN, size)
    else this.#sizes.delete(spaceN)
  }
}

interface Run {
  readonly log: number
  readonly from: number
  to: number
  readonly first: Uint8Array
  last: Uint8Array
}

function runOf(row: Row): Run {
  const [seq, id] = [integer(row.seq), blob(row.id)]
  return { log: integer(row.log), from: seq, to: seq, first: id, last: id }
}

/** The run that the record of this row continues, with it. */
function lengthened(runs: readonly Run[], row: Row): Run | undefined {
  const seq = integer(row.seq)
  const { prev } = decodeHeader(blob(row.header))
  const run = runs.find(({ to, last }) => to === seq - 1 && bytesEqual(last, prev))
  if (run === undefined) return undefined
  run.to = seq
  run.last = blob(row.id)
  return run
}

function voidedOf(row: Row): VoidedRecord {
  const body = row.body === null ? null : blob(row.body)
  return {
    n: integer(row.n),
    checked: integer(row.checked),
    frame: { header: blob(row.header), signature: blob(row.signature), body },
  }
}

function sizeOf(row: Row): Size {
  return { records: integer(row.records), bytes: integer(row.bytes) }
}

function isOver(size: Size = NOTHING): boolean {
  return size.records > VOIDED_MAX_PER_SPACE || size.bytes > VOIDED_MAX_BYTES_PER_SPACE
}
