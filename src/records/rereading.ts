import type { SpaceId } from '../base/index.ts'
import type { LogTable } from './log-table.ts'
import type { UnreadRecord } from './record-queries.ts'
import type { RecordTable } from './record-table.ts'
import type { SealedBodies } from './sealed-body.ts'
import type { StoredRecord } from './types.ts'
import type { Views } from './views.ts'

/** Records that one commit tries with new keys; the rest is left to the commits after it. */
export const REREAD_MAX_RECORDS = 256

export interface RereadingInit {
  readonly logs: LogTable
  readonly records: RecordTable
  readonly views: Views
  readonly bodies: SealedBodies
}

/** Encrypted records that could not be read when they were stored, and the keys that came for them since. */
export class Rereading {
  readonly #use: RereadingInit
  /** The record after which the unread ones have yet to be tried. */
  #after: number | undefined
  #isFirst = true

  constructor(init: RereadingInit) {
    this.#use = init
  }

  /** More is to be tried than one commit takes. */
  get isPending(): boolean {
    return this.#after !== undefined
  }

  /** After a rollback, which may have taken back what was read while its keys are no news any more. */
  forget(): void {
    this.#after = 0
  }

  /** Tries a bounded number of records, if keys came to these spaces or some wait to be tried; within a transaction. */
  run(controlled: ReadonlySet<SpaceId>): readonly StoredRecord[] {
    const { logs, records, bodies } = this.#use
    // A run of the program before this one may have ended before it had tried them all.
    const spaces = this.#isFirst ? logs.spaces() : controlled
    this.#isFirst = false
    for (const space of spaces) if (bodies.hasNewKeys(space)) this.#after = 0
    if (this.#after === undefined) return []
    const unread = records.queries.unread(this.#after, REREAD_MAX_RECORDS)
    this.#after = unread.length < REREAD_MAX_RECORDS ? undefined : unread.at(-1)?.rid
    return unread.flatMap((record) => this.read(record) ?? [])
  }

  /** `undefined` if it cannot be read still. */
  read({ rid, space, header, body }: UnreadRecord): StoredRecord | undefined {
    const { records, views, bodies } = this.#use
    const plain = bodies.open(space, header, body)
    if (plain === undefined) return undefined
    records.setKind(rid, plain.kind)
    const record = records.byRid(rid)
    if (record !== undefined) views.touchLate(record)
    return record
  }
}
