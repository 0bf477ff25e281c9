import { renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BaseError, createPrivateFile, keepNewest, syncToDisk } from '../../base/index.ts'
import type { Database, Row, Schema, SqlValue, Statement } from '../database.ts'
import { StoreError } from '../errors.ts'
import { migrate } from '../migrate.ts'
import { storeErrorOf } from './sqlite-errors.ts'
import { committedFrames } from './wal-frames.ts'

/** Prepared statements kept per database; the least recently used goes first. */
const STATEMENT_CACHE_SIZE = 256
const BUSY_TIMEOUT_MS = 5_000
/** Of the connection that writes: at a million records it changes pages all over some indexes of tens of megabytes. */
const PAGE_CACHE_KIB = 64 * 1024
/** One that only reads must forget what it read whenever another commits. */
const READING_PAGE_CACHE_KIB = 16 * 1024
/** The write-ahead log is cut back to this size when a checkpoint has emptied it. */
const WAL_KEEP_BYTES = 64 * 1024 * 1024

export interface OpenDatabaseInit {
  /** A file, made with mode 0600 when missing, or `:memory:`. */
  readonly path: string
  /** Brought up to date before this returns. A file whose tables change is first copied to `<path>.backup`. */
  readonly schemas?: readonly Schema[]
  /** The version of this program, for the message that an older one will give. */
  readonly appVersion?: string
  /** For a second connection that only reads; `schemas` is ignored then. */
  readonly readOnly?: boolean
  /** Told when a damaged write-ahead log shows that transactions which were committed are gone. */
  readonly onLostCommits?: () => void
  /** Told, once, when SQLite meets pages that cannot be right. */
  readonly onCorrupt?: (error: StoreError) => void
  /** How long to wait for another connection's lock. Default 5,000. */
  readonly busyTimeoutMs?: number
}

/** Opens a SQLite database through node:sqlite. Throws `StoreError`. */
export function openDatabase(init: OpenDatabaseInit): Database {
  const { path, schemas = [], appVersion = 'unknown' } = init
  const written = init.onLostCommits === undefined ? 0 : committedFrames(`${path}-wal`)
  const database = new SqliteDatabase(init)
  try {
    if (written > 0 && written > framesFound(database)) init.onLostCommits?.()
    if (!init.readOnly) migrate(database, schemas, { appVersion, backup: () => backUp(database, path) })
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** What SQLite takes the write-ahead log to hold. */
function framesFound(database: Database): number {
  return Number(database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()?.log ?? 0)
}

class SqliteDatabase implements Database {
  readonly #path: string
  #onCorrupt: ((error: StoreError) => void) | undefined
  readonly #sqlite: DatabaseSync
  readonly #statements = new Map<string, Statement>()
  /** For each open transaction and savepoint, what is to run before the outermost commits. */
  readonly #open: (() => void)[][] = []
  /** Why SQLite itself rolled back everything: nothing may be written until the outermost transaction is left. */
  #lost: unknown

  constructor({ path, readOnly = false, busyTimeoutMs = BUSY_TIMEOUT_MS, onCorrupt }: OpenDatabaseInit) {
    this.#path = path
    this.#onCorrupt = onCorrupt
    this.#sqlite = this.#guard(() => {
      if (path !== ':memory:' && !readOnly) createPrivateFile(path)
      return new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
    })
    try {
      if (!readOnly) this.exec(`PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=${WAL_KEEP_BYTES}`)
      // secure_delete: what is erased is overwritten; the last line reads the header, so that a damaged file shows now.
      this.exec(
        `PRAGMA synchronous=FULL; PRAGMA cache_size=-${readOnly ? READING_PAGE_CACHE_KIB : PAGE_CACHE_KIB}; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF;
         PRAGMA cell_size_check=ON;
         SELECT count(*) FROM sqlite_schema`,
      )
    } catch (error) {
      this.#sqlite.close()
      throw error
    }
  }

  prepare(sql: string): Statement {
    const statement = this.#statements.get(sql) ?? this.#compile(sql)
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    keepNewest(this.#statements, STATEMENT_CACHE_SIZE)
    return statement
  }

  exec(sql: string): void {
    this.#guard(() => this.#sqlite.exec(sql))
  }

  transaction<T>(work: () => T): T {
    const outer = this.#open.at(-1)
    const name = `s${this.#open.length}`
    this.exec(outer === undefined ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${name}`)
    const last: (() => void)[] = []
    this.#open.push(last)
    try {
      const result = work()
      if (result instanceof Promise) {
        throw new BaseError('ERR_INVALID_ARGUMENT', 'the work of a transaction must not be asynchronous')
      }
      if (outer === undefined) for (const step of last) step()
      this.exec(outer === undefined ? 'COMMIT' : `RELEASE ${name}`)
      if (outer !== undefined) for (const step of last) outer.push(step)
      return result
    } catch (error) {
      // After a full disk or an I/O error SQLite has rolled back everything by itself.
      if (this.#sqlite.isTransaction) this.#sqlite.exec(outer ? `ROLLBACK TO ${name}; RELEASE ${name}` : 'ROLLBACK')
      throw this.#told(error)
    } finally {
      this.#open.pop()
      if (outer === undefined) this.#lost = undefined
    }
  }

  beforeCommit(work: () => void): void {
    const innermost = this.#open.at(-1)
    if (innermost === undefined) this.transaction(work)
    else innermost.push(work)
  }

  close(): void {
    this.#statements.clear()
    if (this.#sqlite.isOpen) this.#sqlite.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #compile(sql: string): Statement {
    const compiled = this.#guard(() => this.#sqlite.prepare(sql))
    return {
      run: (...params) => {
        const { changes, lastInsertRowid } = this.#guard(() => compiled.run(...params.map(bound)))
        return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) }
      },
      get: (...params) => this.#guard(() => compiled.get(...params.map(bound))) as Row | undefined,
      all: (...params) => this.#guard(() => compiled.all(...params.map(bound))) as Row[],
      iterate: (...params) => this.#iterate(sql, params),
    }
  }

  /** With a statement of its own, because running a shared one again would end the iteration. */
  *#iterate(sql: string, params: readonly SqlValue[]): Generator<Row, void> {
    const rows = this.#guard(() => this.#sqlite.prepare(sql).iterate(...params.map(bound)))
    try {
      for (let next = this.#guard(() => rows.next()); !next.done; next = this.#guard(() => rows.next())) {
        yield next.value as Row
      }
    } finally {
      rows.return?.()
    }
  }

  #guard<T>(work: () => T): T {
    if (this.#lost !== undefined) {
      throw new StoreError('ERR_STORE_FAILED', `${this.#path}: the transaction was rolled back`, { cause: this.#lost })
    }
    try {
      return work()
    } catch (cause) {
      if (this.#open.length > 0 && !this.#sqlite.isTransaction) this.#lost = cause
      throw this.#told(storeErrorOf(cause, this.#path))
    }
  }

  #told(error: unknown): unknown {
    if (!(error instanceof StoreError) || error.code !== 'ERR_STORE_CORRUPT') return error
    const tell = this.#onCorrupt
    this.#onCorrupt = undefined
    tell?.(error)
    return error
  }
}

/** node:sqlite binds every number as REAL; whole ones become INTEGER here. */
function bound(value: SqlValue): SqlValue | bigint {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
}

/** `VACUUM INTO` neither replaces a file nor waits for the disk, so both are done here. */
function backUp(database: Database, path: string): void {
  const unfinished = `${path}.backup.tmp`
  try {
    rmSync(unfinished, { force: true })
    createPrivateFile(unfinished)
    database.prepare('VACUUM INTO ?').run(unfinished)
    syncToDisk(unfinished)
    renameSync(unfinished, `${path}.backup`)
    if (process.platform !== 'win32') syncToDisk(dirname(path))
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw storeErrorOf(cause, `${path}.backup`)
  }
}
