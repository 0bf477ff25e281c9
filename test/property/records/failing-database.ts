import { type Database, type Statement as SqlStatement, StoreError } from '../../../src/store/index.ts'

/** A database whose disk gives out after so many calls. */
export class FailingDatabase implements Database {
  readonly #inner: Database
  callsLeft: number = Number.POSITIVE_INFINITY

  constructor(inner: Database) {
    this.#inner = inner
  }

  #spend(): void {
    if (--this.callsLeft < 0) throw new StoreError('ERR_STORE_FULL', 'the disk is full')
  }

  prepare(sql: string): SqlStatement {
    const { run, get, all, iterate } = this.#inner.prepare(sql)
    return {
      run: (...params) => {
        this.#spend()
        return run(...params)
      },
      get,
      all,
      iterate,
    }
  }

  exec(sql: string): void {
    this.#spend()
    this.#inner.exec(sql)
  }

  transaction<T>(work: () => T): T {
    return this.#inner.transaction(work)
  }

  beforeCommit(work: () => void): void {
    this.#inner.beforeCommit(work)
  }

  close(): void {
    this.#inner.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
