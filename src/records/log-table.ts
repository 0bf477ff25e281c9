import { bytesOfHex, hexOf, type PeerId, peerIdOfKey, type RecordId, type SpaceId, spaceIdOf } from '../base/index.ts'
import { blob, type Database, integer, type Row, type Statement, StoreError } from '../store/index.ts'
import { classOfLog, logKeyOf } from './header.ts'
import { EMPTY_LOG, type LogState } from './log-rules.ts'
import { LOG_CLASS, type LogClass, type LogHead } from './types.ts'

/** Logs kept in memory; beyond that all are forgotten after a commit and read again when needed. */
const LOG_CACHE_MAX = 10_000

/** A log of a space, with or without records. */
export interface Log {
  /** Row number; 0 until the first record is stored. */
  n: number
  readonly space: SpaceId
  readonly spaceN: number
  readonly device: Uint8Array
  readonly author: PeerId
  readonly name: Uint8Array
  /** The name as 16 hexadecimal digits. */
  readonly hex: string
  readonly class: LogClass
  state: LogState
  /** Whether a fork of it is known. */
  forked: boolean
  /** Whether it holds prune points that did not take effect, because of a choice that may be withdrawn. */
  unpruned: boolean
}

/** Spaces, logs and their heads. What changes is written once per transaction by `flush`. */
export class LogTable {
  readonly #database: Database
  readonly #byKey = new Map<string, Log>()
  readonly #byNumber = new Map<number, Log>()
  readonly #changed = new Set<Log>()
  readonly #spaces = new Map<SpaceId, number>()
  readonly #select: Statement
  readonly #selectNumber: Statement
  readonly #selectOwn: Statement
  readonly #update: Statement

  constructor(database: Database) {
    this.#database = database
    this.#select = database.prepare('SELECT * FROM log WHERE space = ? AND device = ? AND name = ?')
    this.#selectNumber = database.prepare('SELECT * FROM log WHERE n = ?')
    this.#selectOwn = database.prepare('SELECT log FROM own_log WHERE space = ? AND class = ?')
    this.#update = database.prepare('UPDATE log SET base = ?, seq = ?, id = ?, forked = ?, unpruned = ? WHERE n = ?')
    this.forget()
  }

  /** After a rollback: what is in memory may never have been written. */
  forget(): void {
    this.#byKey.clear()
    this.#byNumber.clear()
    this.#changed.clear()
    this.#spaces.clear()
    for (const row of this.#database.prepare('SELECT n, id FROM space ORDER BY n').all()) {
      this.#spaces.set(spaceIdOf(blob(row.id)), integer(row.n))
    }
  }

  /** Writes what changed. */
  flush(): void {
    for (const { n, state, forked, unpruned } of this.#changed) {
      this.#update.run(state.base, state.seq, state.id, forked ? 1 : 0, unpruned ? 1 : 0, n)
    }
    this.#changed.clear()
  }

  /** Between transactions, when nobody holds a log. */
  trim(): void {
    if (this.#byKey.size > LOG_CACHE_MAX) this.forget()
  }

  spaces(): readonly SpaceId[] {
    return [...this.#spaces.keys()]
  }

  /** The row number of a space whose genesis is held. */
  spaceNumber(space: SpaceId): number | undefined {
    return this.#spaces.get(space)
  }

  addSpace(space: SpaceId): number {
    const { lastInsertRowid } = this.#database.prepare('INSERT INTO space (id) VALUES (?)').run(bytesOfHex(space))
    this.#spaces.set(space, lastInsertRowid)
    return lastInsertRowid
  }

  /** The log with this name; `key` is its `logKeyOf`. One without records exists in memory only. */
  find(space: SpaceId, spaceN: number, key: string, device: Uint8Array, name: Uint8Array): Log {
    const known = this.#byKey.get(cacheKey(spaceN, key))
    if (known !== undefined) return known
    const row = this.#select.get(spaceN, device, name)
    if (row !== undefined) return this.#remember(logOfRow(space, row))
    // Copies: the bytes are views into a batch that would otherwise stay in memory with the log.
    return this.#remember(
      makeLog({
        n: 0,
        space,
        spaceN,
        device: device.slice(),
        name: name.slice(),
        state: EMPTY_LOG,
        forked: false,
        unpruned: false,
      }),
    )
  }

  byNumber(n: number): Log {
    const known = this.#byNumber.get(n)
    if (known !== undefined) return known
    const row = this.#selectNumber.get(n)
    if (row === undefined) throw new StoreError('ERR_STORE_CORRUPT', `no log has the number ${n}`)
    return this.#remember(logOfRow(this.#spaceOf(integer(row.space)), row))
  }

  /** Gives a log its row. */
  insert(log: Log): void {
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO log (space, device, name, class, seq, id, forked) VALUES (?, ?, ?, ?, 0, ?, 0)')
      .run(log.spaceN, log.device, log.name, log.class, log.state.id)
    log.n = lastInsertRowid
    this.#remember(log)
  }

  /** Takes note of a new head or base. */
  advance(log: Log, state: LogState): void {
    log.state = state
    this.#changed.add(log)
  }

  setForked(log: Log): void {
    log.forked = true
    this.#changed.add(log)
  }

  setUnpruned(log: Log, unpruned: boolean): void {
    log.unpruned = unpruned
    this.#changed.add(log)
  }

  heads(space: SpaceId): readonly LogHead[] {
    const spaceN = this.#spaces.get(space)
    if (spaceN === undefined) return []
    const rows = this.#database
      .prepare('SELECT device, name, base, seq, id FROM log WHERE space = ? AND seq > 0 ORDER BY device, name')
      .all(spaceN)
    const authors = new Map<string, PeerId>()
    return rows.map((row) => ({
      author: authorOf(authors, blob(row.device)),
      log: hexOf(blob(row.name)),
      base: integer(row.base),
      seq: integer(row.seq),
      id: hexOf(blob(row.id)) as RecordId,
    }))
  }

  /** The log of this class that this device writes, if it has begun one in this database. */
  ownLog(spaceN: number, logClass: LogClass): Log | undefined {
    const row = this.#selectOwn.get(spaceN, logClass)
    return row === undefined ? undefined : this.byNumber(integer(row.log))
  }

  setOwnLog(log: Log): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO own_log (space, class, log) VALUES (?, ?, ?)')
      .run(log.spaceN, log.class, log.n)
  }

  /** If this device writes this log, its next record begins another one. */
  retireOwnLog(log: Log): void {
    this.#database.prepare('DELETE FROM own_log WHERE log = ?').run(log.n)
  }

  /** Expiring logs that hold records, but no body any more. */
  withoutBodies(): readonly Log[] {
    const sql = `SELECT n FROM log WHERE class = ${LOG_CLASS.expiring} AND seq >= base
      AND NOT EXISTS (SELECT 1 FROM record r JOIN body b USING (rid) WHERE r.log = log.n)`
    return this.#database
      .prepare(sql)
      .all()
      .map((row) => this.byNumber(integer(row.n)))
  }

  /** All logs of a device, those too that it no longer writes. */
  ofDevice(device: Uint8Array): readonly Log[] {
    return this.#database
      .prepare('SELECT n FROM log WHERE device = ?')
      .all(device)
      .map((row) => this.byNumber(integer(row.n)))
  }

  /** The logs of a space, or those of one of its devices: of class control, or of all others. */
  ofSpace(spaceN: number, group: 'control' | 'data', device?: Uint8Array): readonly Log[] {
    const where = `space = ? AND class ${group === 'control' ? '=' : '<>'} ${LOG_CLASS.control}`
    const rows =
      device === undefined
        ? this.#database.prepare(`SELECT n FROM log WHERE ${where}`).all(spaceN)
        : this.#database.prepare(`SELECT n FROM log WHERE ${where} AND device = ?`).all(spaceN, device)
    return rows.map((row) => this.byNumber(integer(row.n)))
  }

  #remember(log: Log): Log {
    this.#byKey.set(cacheKey(log.spaceN, logKeyOf(log.device, log.name)), log)
    if (log.n !== 0) this.#byNumber.set(log.n, log)
    return log
  }

  #spaceOf(spaceN: number): SpaceId {
    for (const [space, n] of this.#spaces) if (n === spaceN) return space
    throw new StoreError('ERR_STORE_CORRUPT', `no space has the number ${spaceN}`)
  }
}

function cacheKey(spaceN: number, key: string): string {
  return `${spaceN} ${key}`
}

function logOfRow(space: SpaceId, row: Row): Log {
  return makeLog({
    n: integer(row.n),
    space,
    spaceN: integer(row.space),
    device: blob(row.device),
    name: blob(row.name),
    state: { base: integer(row.base), seq: integer(row.seq), id: blob(row.id) },
    forked: row.forked === 1,
    unpruned: row.unpruned === 1,
  })
}

function makeLog(of: Omit<Log, 'author' | 'hex' | 'class'>): Log {
  return {
    ...of,
    author: peerIdOfKey(of.device),
    hex: hexOf(of.name),
    class: classOfLog(of.name),
  }
}

export function headOf({ author, hex, state }: Log): LogHead | undefined {
  const { base, seq, id } = state
  return seq === 0 ? undefined : { author, log: hex, base, seq, id: hexOf(id) as RecordId }
}

/** Making a peer id takes longer than reading a row. */
function authorOf(known: Map<string, PeerId>, device: Uint8Array): PeerId {
  const key = hexOf(device)
  const author = known.get(key) ?? peerIdOfKey(device)
  known.set(key, author)
  return author
}
