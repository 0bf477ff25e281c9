import { bytesOfHex, codeOf, type Logger, reasonOf } from '../base/index.ts'
import { type Database, integer, type Statement } from '../store/index.ts'
import { RecordsError } from './errors.ts'
import type { RecordTable } from './record-table.ts'
import { KIND_RANGES, type StoredRecord, type View } from './types.ts'
import {
  addFailure,
  assertView,
  failedEntities,
  makeStale,
  prepareView,
  removeFailure,
  setThrough,
} from './view-rows.ts'

/** A fold sees at most so many records of an entity: the newest by (hlc, id). Bounds what one record can cost. */
export const ENTITY_MAX_RECORDS = 10_000
/** Records that a rebuild takes per transaction. */
const REBUILD_CHUNK_RECORDS = 1_000

/** Records of one transaction that are kept for their fold; all others are read again. */
const RECENT_MAX = 1_024

/** Of these the disk is the cause and not the reducer. */
const DISK_CODES: ReadonlySet<string> = new Set([
  'ERR_STORE_FULL',
  'ERR_STORE_LOCKED',
  'ERR_STORE_CORRUPT',
  'ERR_STORE_READ_ONLY',
  'ERR_STORE_CLOSED',
])

interface Registered {
  readonly n: number
  readonly view: View
  /** Entities to fold before the transaction ends. */
  readonly dirty: Set<string>
  /** Entities without rows because their reducer threw. */
  failed: Set<string>
}

/**
 * Keeps the tables of each view in step with the records, within the transaction that stores them. The table `touch` says
 * which records speak of an entity; after a batch each touched entity is folded anew from all of its records.
 */
export class Views {
  readonly #database: Database
  readonly #records: RecordTable
  readonly #log: Logger
  readonly #registered: Registered[] = []
  readonly #byKind = new Map<number, Registered[]>()
  /** Records of this transaction, so that folding them needs no reading. */
  readonly #recent = new Map<number, StoredRecord>()
  readonly #insertTouch: Statement
  readonly #selectTouch: Statement
  /** This transaction touched records that views which are not registered may have folded already. */
  #changedThePast = false
  #failures = 0
  #unknown = 0

  constructor(database: Database, records: RecordTable, log: Logger) {
    this.#database = database
    this.#records = records
    this.#log = log
    this.#insertTouch = database.prepare(
      'INSERT OR IGNORE INTO touch (view, entity, hlc, id, rid) VALUES (?, ?, ?, ?, ?)',
    )
    this.#selectTouch = database.prepare(
      'SELECT rid FROM touch WHERE view = ? AND entity = ? ORDER BY hlc DESC, id DESC LIMIT ?',
    )
  }

  /** How often a view threw since the start. */
  get failures(): number {
    return this.#failures
  }

  /** Entities without rows because their reducer threw. */
  get failedEntities(): number {
    return this.#registered.reduce((sum, { failed }) => sum + failed.size, 0)
  }

  /** Records stored since the start whose kind no view knows: kept and served all the same, for those who do. */
  get unknownKinds(): number {
    return this.#unknown
  }

  /** Makes or rebuilds the tables if need be, and folds what was stored while the view was not registered. */
  register(view: View): void {
    assertView(view)
    if (this.#registered.some((other) => other.view.domain === view.domain)) {
      throw new RecordsError('ERR_VIEW_INVALID', `two views have the domain ${view.domain}`)
    }
    const { n, through } = this.#database.transaction(() => prepareView(this.#database, view))
    const registered: Registered = { n, view, dirty: new Set(), failed: this.#readFailed(n) }
    this.#catchUp(registered, through)
    this.#registered.push(registered)
    for (const kind of view.kinds) this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), registered])
  }

  /** A live record with a body was stored. */
  touch(record: StoredRecord): void {
    const registered = this.#byKind.get(record.kind)
    if (registered !== undefined) for (const each of registered) this.#touch(each, record)
    else if (record.kind > KIND_RANGES.space[1]) this.#unknown++
  }

  /** As `touch` for a record that was stored before its body came. */
  touchLate(record: StoredRecord): void {
    this.touch(record)
    this.#changedThePast = true
  }

  /** A record is no longer live. */
  untouch(record: StoredRecord): void {
    const id = bytesOfHex(record.id)
    for (const registered of this.#byKind.get(record.kind) ?? []) {
      for (const entity of this.#entitiesOf(registered, record)) {
        this.#database
          .prepare('DELETE FROM touch WHERE view = ? AND entity = ? AND hlc = ? AND id = ?')
          .run(registered.n, entity, record.hlc, id)
        registered.dirty.add(entity)
      }
    }
    this.#changedThePast = true
  }

  /** Folds what was touched: the last step of a transaction. */
  settle(): void {
    for (const registered of this.#registered) this.#settle(registered, this.#records.lastRid)
    if (this.#changedThePast) makeStale(this.#database, this.#registered)
    this.#changedThePast = false
    this.#recent.clear()
  }

  /** After a rollback. */
  forget(): void {
    this.#recent.clear()
    this.#changedThePast = false
    for (const registered of this.#registered) {
      registered.dirty.clear()
      registered.failed = this.#readFailed(registered.n)
    }
  }

  #catchUp(registered: Registered, from: number): void {
    let through = from
    while (through < this.#records.lastRid) {
      this.#recent.clear()
      through = this.#database.transaction(() => this.#foldChunk(registered, through))
    }
    this.#recent.clear()
  }

  /** Folds the next records after `through`; says how far the view has come. */
  #foldChunk(registered: Registered, through: number): number {
    const chunk = this.#records.queries.scan(registered.view.kinds, through, REBUILD_CHUNK_RECORDS)
    for (const record of chunk.records) this.#touch(registered, record)
    const end = chunk.through ?? this.#records.lastRid
    this.#settle(registered, end)
    return end
  }

  #touch(registered: Registered, record: StoredRecord): void {
    const entities = this.#entitiesOf(registered, record)
    if (entities.length === 0) return
    const id = bytesOfHex(record.id)
    for (const entity of entities) {
      this.#insertTouch.run(registered.n, entity, record.hlc, id, record.rid)
      registered.dirty.add(entity)
    }
    if (this.#recent.size < RECENT_MAX) this.#recent.set(record.rid, record)
  }

  /** A record that a view cannot place is kept and served, and belongs to no entity of that view. */
  #entitiesOf({ view }: Registered, record: StoredRecord): readonly string[] {
    if (record.body === undefined) return []
    try {
      return view.entitiesOf(record)
    } catch (error) {
      this.#failures++
      this.#log.error(
        { domain: view.domain, record: record.id, reason: reasonOf(error) },
        'a view cannot place a record',
      )
      return []
    }
  }

  #settle(registered: Registered, through: number): void {
    if (registered.dirty.size > 0) this.#foldDirty(registered)
    registered.dirty.clear()
    setThrough(this.#database, registered.n, through)
  }

  /** All under one savepoint; only when an entity fails does each get its own. */
  #foldDirty(registered: Registered): void {
    try {
      this.#database.transaction(() => {
        for (const entity of registered.dirty) this.#fold(registered, entity)
      })
    } catch (error) {
      rethrowDiskError(error)
      registered.failed = this.#readFailed(registered.n)
      for (const entity of registered.dirty) this.#foldAlone(registered, entity)
    }
  }

  #foldAlone(registered: Registered, entity: string): void {
    try {
      this.#database.transaction(() => this.#fold(registered, entity))
    } catch (error) {
      rethrowDiskError(error)
      this.#fail(registered, entity, reasonOf(error))
    }
  }

  #fold({ n, view, failed }: Registered, entity: string): void {
    const records = this.#recordsOf(n, entity)
    view.write(this.#database, entity, records.length === 0 ? undefined : view.fold(entity, records))
    if (failed.delete(entity)) removeFailure(this.#database, n, entity)
  }

  /** The entity loses its rows: what a table holds must depend on the records and not on the order in which they came. */
  #fail({ n, view, failed }: Registered, entity: string, reason: string): void {
    this.#failures++
    failed.add(entity)
    addFailure(this.#database, n, entity, reason)
    this.#log.error({ domain: view.domain, entity, reason }, 'a view cannot fold an entity; its records are safe')
    try {
      this.#database.transaction(() => view.write(this.#database, entity, undefined))
    } catch (error) {
      rethrowDiskError(error)
      this.#log.error({ domain: view.domain, entity, reason: reasonOf(error) }, 'a view cannot remove an entity')
    }
  }

  /** Without those whose rows are damaged, until they come again. */
  #recordsOf(n: number, entity: string): readonly StoredRecord[] {
    const newestFirst = this.#selectTouch.all(n, entity, ENTITY_MAX_RECORDS)
    return newestFirst
      .map(({ rid }) => this.#recent.get(integer(rid)) ?? this.#records.byRid(integer(rid)))
      .filter((record) => record !== undefined)
      .reverse()
  }

  #readFailed(n: number): Set<string> {
    return new Set(failedEntities(this.#database, n))
  }
}

function rethrowDiskError(error: unknown): void {
  if (DISK_CODES.has(codeOf(error))) throw error
}
