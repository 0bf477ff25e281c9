import type { Events, SpaceId } from '../base/index.ts'
import type { JournalEvents } from './journal-types.ts'
import { headOf, type Log } from './log-table.ts'
import type { StoredRecord } from './types.ts'

/** What one transaction changes, for those who listen: they hear of it once it is on disk. */
export class Changes {
  #stored: JournalEvents['record:stored'][] = []
  readonly #forked: JournalEvents['log:forked'][] = []
  /** Numbers of records that were stored and voided in this transaction. */
  readonly #lost = new Set<number>()
  readonly #read: StoredRecord[] = []
  readonly #changed = new Set<Log>()
  readonly #missing = new Map<Log, { from: number; to: number }>()

  stored(record: StoredRecord, own: boolean): void {
    this.#stored.push({ record, own })
  }

  /** A key came for records after they were stored. */
  read(records: readonly StoredRecord[]): void {
    this.#read.push(...records)
  }

  forked({ space, author, hex }: Log, seq: number): void {
    this.#forked.push({ space, author, log: hex, seq })
  }

  /** Something of a log was removed, or counts again. */
  changed(log: Log): void {
    this.#changed.add(log)
  }

  /** A body is not here that may be kept. */
  missing(log: Log, seq: number): void {
    const { from, to } = this.#missing.get(log) ?? { from: seq, to: seq }
    this.#missing.set(log, { from: Math.min(from, seq), to: Math.max(to, seq) })
  }

  /** Records of a log from a number on do not count after all. */
  voided(log: Log, from: number): void {
    const isVoid = (record: StoredRecord): boolean => isOf(record, log) && record.seq >= from
    for (const { record } of this.#stored) if (isVoid(record)) this.#lost.add(record.rid)
    this.#stored = this.#stored.filter(({ record }) => !isVoid(record))
    this.changed(log)
  }

  /** Records of a log before a number were dropped. */
  droppedBefore(log: Log, seq: number): void {
    this.#stored = this.#stored.filter(({ record }) => !(isOf(record, log) && record.seq < seq))
    this.changed(log)
  }

  /** Whether a record that was stored in this transaction does not count after all. */
  wasVoided({ rid }: StoredRecord): boolean {
    return this.#lost.has(rid)
  }

  /** `freed`: spaces that have room again. */
  emit(events: Events<JournalEvents>, freed: ReadonlySet<SpaceId>): void {
    const nameOf = ({ space, author, hex }: Log) => ({ space, author, log: hex })
    const changed = [...this.#changed].map((log) => ({ ...nameOf(log), head: headOf(log) }))
    const missing = [...this.#missing].map(([log, range]) => ({ ...nameOf(log), ...range }))
    for (const space of freed) events.emit('space:room', { space })
    for (const event of this.#stored) events.emit('record:stored', event)
    for (const event of this.#forked) events.emit('log:forked', event)
    for (const event of changed) events.emit('log:changed', event)
    for (const event of missing) events.emit('bodies:missing', event)
    for (const record of this.#read) events.emit('record:read', { record })
  }
}

function isOf(record: StoredRecord, log: Log): boolean {
  return record.log === log.hex && record.author === log.author && record.space === log.space
}
