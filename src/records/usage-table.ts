import { hexOf } from '../base/index.ts'
import { blob, type Database, integer, type Row } from '../store/index.ts'
import type { Log } from './log-table.ts'
import { LOG_CLASS } from './types.ts'

/** What of a store something takes: headers, signatures and bodies as they are kept, without what SQLite and the views add. */
export interface Usage {
  readonly records: number
  readonly bytes: number
}

interface SpaceUsage {
  records: number
  bytes: number
  /** Of these, bodies of expiring logs. */
  expiringBytes: number
  /** Bytes by author. */
  readonly authors: Map<string, number>
}

interface Change {
  readonly log: Log
  records: number
  bytes: number
  bodyBytes: number
}

/** Derived from the records: made when it is missing, then kept in step with them by every transaction. */
const TABLE = `
  CREATE TABLE log_usage (
    log INTEGER PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL, body_bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO log_usage
    SELECT r.log, count(*), sum(length(r.header) + length(r.signature) + ifnull(length(b.bytes), 0)), sum(ifnull(length(b.bytes), 0))
    FROM record r LEFT JOIN body b USING (rid) GROUP BY r.log`

/** How much each log takes. Counted as records come and go, so that nothing ever reads all of them. */
export class UsageTable {
  readonly #database: Database
  readonly #spaces = new Map<number, SpaceUsage>()
  readonly #changes = new Map<number, Change>()
  #records = 0

  constructor(database: Database) {
    this.#database = database
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'log_usage'").get() === undefined) {
      database.transaction(() => database.exec(TABLE))
    }
    this.forget()
  }

  /** After a rollback. */
  forget(): void {
    this.#spaces.clear()
    this.#changes.clear()
    this.#records = 0
    const rows = this.#database
      .prepare(
        `SELECT l.space, l.device, l.class = ${LOG_CLASS.expiring} AS expiring, sum(u.records) AS records, sum(u.bytes) AS bytes,
         sum(u.body_bytes) AS body_bytes FROM log_usage u JOIN log l ON l.n = u.log GROUP BY l.space, l.device, expiring`,
      )
      .all()
    for (const row of rows) this.#add(integer(row.space), hexOf(blob(row.device)), row.expiring === 1, changeOf(row))
  }

  get records(): number {
    return this.#records
  }

  ofSpace(spaceN: number): Usage & { readonly expiringBytes: number } {
    return this.#spaces.get(spaceN) ?? { records: 0, bytes: 0, expiringBytes: 0 }
  }

  /** Bytes of an author in a space. */
  ofAuthor({ spaceN, device }: Log): number {
    return this.#spaces.get(spaceN)?.authors.get(hexOf(device)) ?? 0
  }

  change(log: Log, by: { readonly records: number; readonly bytes: number; readonly bodyBytes: number }): void {
    this.#add(log.spaceN, hexOf(log.device), log.class === LOG_CLASS.expiring, by)
    const change = this.#changes.get(log.n) ?? { log, records: 0, bytes: 0, bodyBytes: 0 }
    change.records += by.records
    change.bytes += by.bytes
    change.bodyBytes += by.bodyBytes
    this.#changes.set(log.n, change)
  }

  /** Writes what changed; within the transaction that changed it. */
  flush(): void {
    if (this.#changes.size === 0) return
    const update = this.#database.prepare(
      `INSERT INTO log_usage VALUES (?, ?, ?, ?) ON CONFLICT (log) DO UPDATE
       SET records = records + excluded.records, bytes = bytes + excluded.bytes, body_bytes = body_bytes + excluded.body_bytes`,
    )
    for (const [n, { records, bytes, bodyBytes }] of this.#changes) update.run(n, records, bytes, bodyBytes)
    this.#changes.clear()
  }

  #add(spaceN: number, device: string, isExpiring: boolean, by: Omit<Change, 'log'>): void {
    const usage = this.#spaces.get(spaceN) ?? { records: 0, bytes: 0, expiringBytes: 0, authors: new Map() }
    this.#spaces.set(spaceN, usage)
    usage.records += by.records
    usage.bytes += by.bytes
    if (isExpiring) usage.expiringBytes += by.bodyBytes
    usage.authors.set(device, (usage.authors.get(device) ?? 0) + by.bytes)
    this.#records += by.records
  }
}

function changeOf(row: Row): Omit<Change, 'log'> {
  return { records: integer(row.records), bytes: integer(row.bytes), bodyBytes: integer(row.body_bytes) }
}
