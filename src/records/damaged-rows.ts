import { type Database, integer } from '../store/index.ts'
import { decodeHeader } from './header.ts'
import type { Log } from './log-table.ts'
import type { RecordTable } from './record-table.ts'
import { RECORD_STATE, SIGNATURE_STATE } from './schema.ts'

const NOTHING: Uint8Array = new Uint8Array()

/** What is written where a row was damaged. */
export interface RewrittenRecord {
  readonly id: Uint8Array
  readonly header: Uint8Array
  readonly signature: Uint8Array
  /** `undefined` leaves the one that the row has: of an encrypted record only reading tells it. */
  readonly kind: number | undefined
  readonly mayHaveBody: boolean
}

/** What is written over rows that are not as they were written. */
export class DamagedRows {
  readonly #database: Database
  readonly #records: RecordTable

  constructor(database: Database, records: RecordTable) {
    this.#database = database
    this.#records = records
  }

  /** Leaves of a row whose header is damaged only its place, under the id that its log says it has. */
  markDamaged(log: Log, rid: number, id: Uint8Array | undefined): void {
    this.#records.rows.unnote(rid)
    this.#records.dropBody(log, rid)
    this.#database
      .prepare('UPDATE record SET checked = ?, id = ifnull(?, id) WHERE rid = ?')
      .run(SIGNATURE_STATE.damaged, id ?? null, rid)
  }

  /** Writes a record anew where its row was damaged; its body comes after it. */
  rewrite(log: Log, rid: number, record: RewrittenRecord): void {
    const { id, header, signature, kind, mayHaveBody } = record
    this.#records.rows.unnote(rid)
    this.#records.dropBody(log, rid)
    const before = this.#database.prepare('SELECT length(header) + length(signature) AS n FROM record WHERE rid = ?')
    const bytes = header.length + signature.length - integer(before.get(rid)?.n)
    this.#records.usage.change(log, { records: 0, bytes, bodyBytes: 0 })
    const state = mayHaveBody ? RECORD_STATE.live : RECORD_STATE.erased
    this.#database
      .prepare(
        'UPDATE record SET id = ?, header = ?, signature = ?, checked = ?, state = ?, kind = ifnull(?, kind) WHERE rid = ?',
      )
      .run(id, header, signature, SIGNATURE_STATE.checked, state, kind ?? null, rid)
  }

  /** Puts the second copy of a record in the place of what is damaged of the first. */
  restoreCopy(log: Log, rid: number): boolean {
    const copy = this.#records.rows.copyOf(rid)
    if (copy === undefined) return false
    const { id, header, signature, bytes } = copy
    this.rewrite(log, rid, { id, header, signature, kind: decodeHeader(header).kind, mayHaveBody: true })
    this.#records.restoreBody(log, rid, bytes, 0)
    // It was not checked again; whoever serves it does that.
    this.#database.prepare('UPDATE record SET checked = ? WHERE rid = ?').run(SIGNATURE_STATE.chained, rid)
    return true
  }

  setId(rid: number, id: Uint8Array): void {
    this.#database.prepare('UPDATE record SET id = ? WHERE rid = ?').run(id, rid)
  }

  /** Keeps the place of a record of which nothing is left. `id` is empty where nothing tells it. */
  insertLost(log: Log, seq: number, id: Uint8Array): void {
    const [header, signature] = [NOTHING, NOTHING]
    const { damaged: checked } = SIGNATURE_STATE
    this.#records.insert({
      log,
      seq,
      id,
      kind: 0,
      exp: 0,
      header,
      signature,
      checked,
      state: RECORD_STATE.live,
      body: null,
    })
  }
}
