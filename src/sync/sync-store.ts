import { bytesOfHex, hexOf, type PeerId, type SpaceId } from '../base/index.ts'
import { blob, type Database, integer, type Schema } from '../store/index.ts'
import type { Cursor } from './comparison.ts'
import type { Replication } from './types.ts'
import type { Keeping } from './wire.ts'

/** Cursors kept per space; beyond that the one that moved longest ago is forgotten. */
export const CURSORS_MAX = 1_024

const TABLES = `
  CREATE TABLE sync_cursor (
    space BLOB NOT NULL,
    peer TEXT NOT NULL,
    store_id BLOB NOT NULL,
    rid INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    PRIMARY KEY (space, peer)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sync_keeping (
    space BLOB NOT NULL,
    class INTEGER NOT NULL,
    keeping TEXT NOT NULL,
    claims TEXT NOT NULL,
    PRIMARY KEY (space, class)
  ) STRICT, WITHOUT ROWID;
`

/** The tables of sync, for `openDatabase`. Whoever loses records on purpose, or restores a copy, may empty `sync_cursor`. */
export const syncSchema: Schema = { module: 'sync', migrations: [{ version: 1, up: TABLES }] }

/** How much of one class is kept, and whether all of it is there. */
export interface KeptClass {
  readonly keeping: Keeping
  /** What others are told: no bodies while they are still to be fetched for records that were taken without. */
  readonly claims: Keeping
}

const WHOLE: KeptClass = { keeping: 'bodies', claims: 'bodies' }

/** What sync remembers of one space. */
export class SyncStore {
  readonly #database: Database
  readonly #space: Uint8Array
  readonly #cursors = new Map<PeerId, Cursor>()
  readonly #kept = new Map<number, KeptClass>()
  #moves = 0

  constructor(database: Database, space: SpaceId) {
    this.#database = database
    this.#space = bytesOfHex(space)
    for (const row of database.prepare('SELECT * FROM sync_cursor WHERE space = ?').all(this.#space)) {
      this.#cursors.set(row.peer as PeerId, { storeId: hexOf(blob(row.store_id)), rid: integer(row.rid) })
      this.#moves = Math.max(this.#moves, integer(row.moved))
    }
    for (const row of database.prepare('SELECT * FROM sync_keeping WHERE space = ?').all(this.#space)) {
      this.#kept.set(integer(row.class), { keeping: row.keeping as Keeping, claims: row.claims as Keeping })
    }
  }

  cursor(peer: PeerId): Cursor | undefined {
    return this.#cursors.get(peer)
  }

  /** All that the peer's store took in up to there is on disk here. */
  keepCursor(peer: PeerId, storeId: Uint8Array, rid: number): void {
    const known = this.#cursors.get(peer)
    const cursor: Cursor = { storeId: hexOf(storeId), rid }
    if (known?.storeId === cursor.storeId && known.rid === rid) return
    this.#database.transaction(() => {
      const put = this.#database.prepare('INSERT OR REPLACE INTO sync_cursor VALUES (?, ?, ?, ?, ?)')
      put.run(this.#space, peer, storeId, rid, ++this.#moves)
      if (known === undefined && this.#cursors.size >= CURSORS_MAX) this.#forgetOldest()
    })
    this.#cursors.set(peer, cursor)
  }

  /** What was held because of them may not be all any more: membership changed, or what is kept of the space. */
  forgetCursors(): void {
    if (this.#cursors.size === 0) return
    this.#database.prepare('DELETE FROM sync_cursor WHERE space = ?').run(this.#space)
    this.#cursors.clear()
  }

  kept(logClass: number): KeptClass {
    return this.#kept.get(logClass) ?? WHOLE
  }

  keep(logClass: number, kept: KeptClass): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO sync_keeping VALUES (?, ?, ?, ?)')
      .run(this.#space, logClass, kept.keeping, kept.claims)
    this.#kept.set(logClass, kept)
  }

  replication(): Replication {
    return { durable: this.kept(1).keeping, expiring: this.kept(2).keeping }
  }

  #forgetOldest(): void {
    const row = this.#database
      .prepare('SELECT peer FROM sync_cursor WHERE space = ? ORDER BY moved LIMIT 1')
      .get(this.#space)
    if (row === undefined) return
    this.#database.prepare('DELETE FROM sync_cursor WHERE space = ? AND peer = ?').run(this.#space, row.peer ?? null)
    this.#cursors.delete(row.peer as PeerId)
  }
}
