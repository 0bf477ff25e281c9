import { bytesEqual } from '../base/index.ts'
import { blob, type Database, type Row, type Statement } from '../store/index.ts'
import { HEADER_MAX_BYTES, recordIdBytes } from './header.ts'
import { faultOf } from './intact.ts'

/** Columns of a row, as its second copy has them. */
export interface ControlCopy {
  readonly id: Uint8Array
  readonly header: Uint8Array
  readonly signature: Uint8Array
  /** The body. */
  readonly bytes: Uint8Array
}

/**
 * Control records are kept twice, on pages of their own. They tell who the members are: without them a peer would not know whom to
 * ask for what it lost, nor they it.
 */
export class ControlCopies {
  readonly #database: Database
  readonly #insert: Statement

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare('INSERT OR REPLACE INTO control_copy VALUES (?, ?, ?, ?)')
  }

  add(rid: number, header: Uint8Array, signature: Uint8Array, body: Uint8Array): void {
    this.#insert.run(rid, header, signature, body)
  }

  /** Of the record of this row, if its copy is whole. */
  of(rid: number, { id, header }: Row): ControlCopy | undefined {
    const row = this.#database.prepare('SELECT header, signature, body FROM control_copy WHERE rid = ?').get(rid)
    if (row === undefined) return undefined
    const copy = { header: blob(row.header), signature: blob(row.signature), bytes: blob(row.body) }
    if (copy.header.length > HEADER_MAX_BYTES) return undefined
    const found = recordIdBytes(copy.header)
    // The id of the row may be what is damaged: then the headers agree.
    const isOfRow = bytesEqual(found, blob(id)) || bytesEqual(copy.header, blob(header))
    return isOfRow && faultOf(found, copy.header, copy.bytes) === undefined ? { id: found, ...copy } : undefined
  }

  /** Those of a log between two numbers; before their records are removed. */
  remove(logN: number, from: number, to: number): void {
    const sql = 'DELETE FROM control_copy WHERE rid IN (SELECT rid FROM record WHERE log = ? AND seq BETWEEN ? AND ?)'
    this.#database.prepare(sql).run(logN, from, to)
  }
}
