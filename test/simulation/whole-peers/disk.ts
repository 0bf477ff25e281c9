import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Random, randomInt } from '../../../src/base/index.ts'
import { IDENTITY_FILE } from '../../../src/identity/index.ts'
import { type Database, type OpenDatabaseInit, openDatabase, type Statement } from '../../../src/store/index.ts'

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512
const STORE = 'plexus.db'
const LOG = 'plexus.db-wal'
const PAGES_WITHOUT_LIMIT = 1_073_741_823
/** `PRAGMA synchronous` at which a commit waits for the disk. */
const FULL = 2

/** Thrown out of the middle of whatever ran when the power went. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/**
 * When the power goes: before the n-th statement from now, or at the n-th commit from now: before it, after it but before
 * anybody hears of it, or while its sectors are being written.
 */
export interface CrashPlan {
  readonly at: 'statement' | 'before-commit' | 'after-commit' | 'torn-commit'
  readonly n: number
}

/** The bytes of the files of a store. */
export type Image = ReadonlyMap<string, Buffer>

/**
 * The disk of one machine, as far as its folder goes. The store in it is a real SQLite file. A crash leaves in a new folder what
 * a real disk would still hold: all that was synced, and of what was not, any of the sectors.
 */
export class Disk {
  readonly #root: string
  readonly #random: Random
  readonly #onCrash: (plan: CrashPlan | 'now') => void
  #version = 0
  #folder: string
  #plan: CrashPlan | undefined
  #left = 0
  #database: Database | undefined
  #isDead = false
  #isFull = false
  #wasFull = false
  #isTorn = false
  #wasTorn = false
  /** What the disk holds for sure, if commits do not wait for it. */
  #synced: Image | undefined

  constructor(root: string, random: Random, onCrash: (plan: CrashPlan | 'now') => void) {
    this.#root = root
    this.#random = random
    this.#onCrash = onCrash
    this.#folder = this.#newFolder()
  }

  get folder(): string {
    return this.#folder
  }

  /** Whether the process began with a commit that was written in part. */
  get wasTorn(): boolean {
    return this.#wasTorn
  }

  /** Whether this disk has ever been full since the process began. */
  get wasFull(): boolean {
    return this.#wasFull
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** As `NodeInit.openStore`. */
  readonly open = (init: OpenDatabaseInit): Database => {
    this.#wasTorn = this.#isTorn
    this.#isTorn = false
    const database = openDatabase(init)
    this.#isDead = false
    this.#wasFull = this.#isFull
    this.#database = database
    const isSafe = database.prepare('PRAGMA synchronous').get()?.synchronous === FULL
    // Nothing here really loses power, so nothing has to wait for the real disk.
    database.exec('PRAGMA synchronous=OFF')
    this.#synced = isSafe ? undefined : this.#read()
    if (this.#isFull) this.fill()
    return this.#watched(database)
  }

  /** The power will go at that point. */
  plan(plan: CrashPlan | undefined): void {
    this.#plan = plan
    this.#left = plan?.n ?? 0
  }

  /** The power goes now, between two events. */
  crash(): void {
    this.#die(this.#read(), 'now')
  }

  /** No page can be added any more. */
  fill(): void {
    this.#isFull = true
    this.#wasFull = true
    this.#database?.exec('PRAGMA max_page_count=1')
  }

  free(): void {
    this.#isFull = false
    if (!this.#isDead) this.#database?.exec(`PRAGMA max_page_count=${PAGES_WITHOUT_LIMIT}`)
  }

  /** What somebody keeps who copies the folder while nothing is being written. */
  copy(): Image {
    return this.#read()
  }

  /** Puts a copy in place. Only while the peer is down. */
  restore(image: Image): void {
    this.#moveOn(image)
  }

  /** The process is gone; what it left open is closed, because it is this process that has it. */
  close(): void {
    this.#database?.close()
    this.#database = undefined
  }

  #watched(database: Database): Database {
    let depth = 0
    // What is left of a process that ended must not reach the files of the next one.
    const isMine = (): boolean => this.#database === database
    const statements = new WeakMap<Statement, Statement>()
    const use = <T>(work: () => T): T => {
      if (!isMine()) throw new PowerCut('this process is over')
      this.#step('statement')
      return work()
    }
    const watch = (statement: Statement): Statement => ({
      run: (...params) => use(() => statement.run(...params)),
      get: (...params) => use(() => statement.get(...params)),
      all: (...params) => use(() => statement.all(...params)),
      iterate: (...params) => use(() => statement.iterate(...params)),
    })
    const transaction = <T>(work: () => T): T => {
      if (!isMine()) throw new PowerCut('this process is over')
      this.#assertAlive()
      if (depth > 0) return database.transaction(work)
      depth++
      try {
        return this.#commit(database, work)
      } finally {
        depth--
      }
    }
    return {
      prepare: (sql) => {
        if (!isMine()) throw new PowerCut('this process is over')
        this.#assertAlive()
        const statement = database.prepare(sql)
        const known = statements.get(statement) ?? watch(statement)
        statements.set(statement, known)
        return known
      },
      exec: (sql) => use(() => database.exec(sql)),
      transaction,
      beforeCommit: (work) => database.beforeCommit(work),
      close: () => {
        if (!this.#isDead) database.close()
      },
      [Symbol.dispose]: () => {
        if (!this.#isDead) database.close()
      },
    }
  }

  #commit<T>(database: Database, work: () => T): T {
    let before: Image | undefined
    const result = database.transaction(() => {
      const value = work()
      this.#step('before-commit')
      if (this.#plan?.at === 'torn-commit' && this.#left === 1) before = this.#read()
      return value
    })
    this.#step('after-commit')
    if (this.#plan?.at === 'torn-commit' && --this.#left <= 0) {
      const after = this.#read()
      this.#isTorn = true
      this.#die(before === undefined ? after : this.#torn(before, after), this.#plan)
      throw new PowerCut('the power went while a commit was written')
    }
    return result
  }

  #step(at: CrashPlan['at']): void {
    this.#assertAlive()
    if (this.#plan?.at !== at || --this.#left > 0) return
    this.#die(this.#read(), this.#plan)
    throw new PowerCut(`the power went: ${at}`)
  }

  #assertAlive(): void {
    if (this.#isDead) throw new PowerCut('there is no power')
  }

  #die(image: Image, plan: CrashPlan | 'now'): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#plan = undefined
    this.#moveOn(this.#synced ?? image)
    this.#onCrash(plan)
  }

  /** Of every sector in which the two differ, either may be what is found; the store itself is written after its log is synced. */
  #torn(before: Image, after: Image): Image {
    const [storeBefore, storeAfter] = [before.get(STORE), after.get(STORE)]
    const isCheckpoint = storeBefore === undefined || storeAfter === undefined || !storeBefore.equals(storeAfter)
    const name = isCheckpoint ? STORE : LOG
    const mixed = mix(before.get(name) ?? Buffer.alloc(0), after.get(name) ?? Buffer.alloc(0), this.#random)
    return new Map([...after, [name, mixed]])
  }

  #read(): Image {
    const names = [IDENTITY_FILE, STORE, LOG].filter((name) => existsSync(join(this.#folder, name)))
    return new Map(names.map((name) => [name, readFileSync(join(this.#folder, name))]))
  }

  #moveOn(image: Image): void {
    this.#folder = this.#newFolder()
    for (const [name, bytes] of image) writeFileSync(join(this.#folder, name), bytes, { mode: 0o600 })
  }

  /** For a second machine with the same key and the same records. */
  cloneTo(other: Disk): void {
    for (const name of readdirSync(this.#folder)) {
      if ([IDENTITY_FILE, STORE, LOG].includes(name)) copyFileSync(join(this.#folder, name), join(other.folder, name))
    }
  }

  #newFolder(): string {
    const folder = join(this.#root, String(this.#version++))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  }
}

function mix(before: Buffer, after: Buffer, random: Random): Buffer {
  const mixed = Buffer.from(after)
  for (let at = 0; at < after.length; at += SECTOR_BYTES) {
    if (randomInt(random, 2) === 0) continue
    const old = before.subarray(at, at + SECTOR_BYTES)
    mixed.fill(0, at, Math.min(at + SECTOR_BYTES, after.length))
    old.copy(mixed, at)
  }
  return mixed
}
