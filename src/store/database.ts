/**
 * The SQLite port. Synchronous on purpose: whoever decides and writes does so in one turn of the event loop,
 * and a transaction can never interleave with another.
 */
export type SqlValue = null | number | string | Uint8Array
export type Row = Readonly<Record<string, SqlValue>>

export interface Statement {
  run(...params: readonly SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number }
  get(...params: readonly SqlValue[]): Row | undefined
  all(...params: readonly SqlValue[]): readonly Row[]
  iterate(...params: readonly SqlValue[]): IterableIterator<Row>
}

export interface Database extends Disposable {
  /** Statements are cached by their text. */
  prepare(sql: string): Statement
  exec(sql: string): void
  /**
   * Runs `work` in one transaction: committed and on disk (WAL, synchronous=FULL) when this returns, rolled back when it
   * throws. Inside another transaction it becomes a savepoint.
   */
  transaction<T>(work: () => T): T
  /**
   * Runs `work` inside the outermost open transaction, just before it commits, in the order of the calls; not at all when
   * the transaction or the savepoint around the call is rolled back. Without a transaction: at once, in one of its own.
   */
  beforeCommit(work: () => void): void
  close(): void
}

/** One step of a module's schema. Steps are applied in order, each once, inside a transaction. */
export interface Migration {
  readonly version: number
  readonly up: string | ((database: Database) => void)
}

/** The schema of one module; versions count from 1 without gaps. */
export interface Schema {
  readonly module: string
  readonly migrations: readonly Migration[]
}
