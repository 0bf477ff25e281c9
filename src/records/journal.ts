import {
  bytesOfHex,
  type Clock,
  Events,
  HybridClock,
  isPeerId,
  keyOfPeerId,
  type Logger,
  type PeerId,
  type Random,
  type RecordId,
  type SpaceId,
} from '../base/index.ts'
import type { Signer, Verifier } from '../identity/index.ts'
import { blob, type Database } from '../store/index.ts'
import { Appender } from './append.ts'
import { logKeyOf } from './header.ts'
import { Ingest } from './ingest.ts'
import type { IngestReport, Journal, JournalEvents, News, SpaceUsage } from './journal-types.ts'
import { Ledger } from './ledger.ts'
import { Mending } from './mending.ts'
import type { StoredFrame } from './record-rows.ts'
import { SIGNATURE_STATE, STORE_ID_BYTES } from './schema.ts'
import { SealedBodies } from './sealed-body.ts'
import {
  type Authority,
  type BodyCipher,
  type BodyMap,
  type DamagedRecord,
  type Draft,
  type Fork,
  type ForkProof,
  type Frame,
  LOG_NAME_BYTES,
  type LogHead,
  type RecordPlace,
  type RecordQuery,
  type SpaceQuota,
  type StoredRecord,
  type View,
  type VoidedRun,
} from './types.ts'
import { Validity } from './validity.ts'

/** Expired bodies that one call drops. */
const PURGE_MAX_RECORDS = 1_000
/** Counting more would take long, and more is more than enough to know. */
const UNREAD_COUNTED_MAX = 10_000

export interface JournalInit {
  /**
   * Calls back once the callers of this turn of the event loop have had their say; all they appended goes into one commit.
   * The default is a microtask, which joins only what one callback appends. Peers pass the function `endOfTurn`.
   */
  readonly endOfTurn?: (run: () => void) => void
  /** Of each space that has none of its own. Default: 10 GiB, of which another author may have half. */
  readonly quota?: SpaceQuota
}

export interface JournalComponents {
  /** Opened with `recordsSchema`. */
  readonly database: Database
  /** Signs our own records. */
  readonly signer: Signer
  readonly verifier: Verifier
  readonly authority: Authority
  /** The keys of encrypted spaces. Without them records of such spaces are kept and served, and not read. */
  readonly cipher?: BodyCipher
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Opens the journal of this device in a database. Throws `StoreError` when that cannot be read or written. */
export function createJournal(init: JournalInit = {}): (components: JournalComponents) => Journal {
  return (components) => new SqliteJournal(init, components)
}

class SqliteJournal implements Journal {
  readonly events: Events<JournalEvents>
  readonly storeId: Uint8Array
  readonly database: Database
  readonly #components: JournalComponents
  readonly #bodies: SealedBodies
  readonly #ledger: Ledger
  readonly #validity: Validity
  readonly #mending: Mending
  readonly #appender: Appender
  readonly #hybridClock: HybridClock
  readonly #totals: Record<string, number> = {}

  constructor(init: JournalInit, components: JournalComponents) {
    const { database, clock, signer, verifier, authority, random } = components
    const log = components.log.child({ module: 'records' })
    this.#components = components
    this.database = database
    this.events = new Events(log)
    this.storeId = storeIdOf(database, random)
    this.#bodies = new SealedBodies(components.cipher)
    const [bodies, later] = [this.#bodies, init.endOfTurn ?? queueMicrotask]
    const now = (): number => clock.now()
    const { quota } = init
    this.#ledger = new Ledger({ database, verifier, authority, bodies, log, events: this.events, now, quota })
    this.#validity = new Validity({ ledger: this.#ledger, authority, bodies, verifier, later, log })
    this.#mending = new Mending({ database, ledger: this.#ledger, verifier })
    this.#hybridClock = new HybridClock(clock, newestOf(signer, this.#ledger))
    this.#appender = new Appender({
      ledger: this.#ledger,
      validity: this.#validity,
      signer,
      authority,
      hybridClock: this.#hybridClock,
      random,
      bodies,
      endOfTurn: later,
    })
  }

  found(body: BodyMap): Promise<StoredRecord> {
    return this.#appender.found(body)
  }

  append(draft: Draft): Promise<StoredRecord> {
    return this.#appender.append(draft)
  }

  appendAll(drafts: readonly Draft[]): Promise<readonly StoredRecord[]> {
    return this.#appender.appendAll(drafts)
  }

  appendTogether(drafts: readonly Draft[]): Promise<readonly StoredRecord[]> {
    return this.#appender.appendTogether(drafts)
  }

  salvage(space: SpaceId, frames: readonly Frame[]): IngestReport {
    return this.#ingest(this.#newIngest(space, true), frames, 'run')
  }

  ingest(space: SpaceId, frames: readonly Frame[], mode: 'single' | 'run'): IngestReport {
    return this.#ingest(this.#newIngest(space), frames, mode)
  }

  #ingest(ingest: Ingest, frames: readonly Frame[], mode: 'single' | 'run'): IngestReport {
    const candidates = ingest.decode(frames)
    if (candidates.length > 0) this.#validity.commit(() => ingest.frames(candidates, mode))
    return this.#counted(ingest.finish())
  }

  retryParked(space: SpaceId): IngestReport {
    const ingest = this.#newIngest(space)
    if (this.#ledger.parking.size(space) > 0) this.#validity.commit(() => ingest.parked())
    return this.#counted(ingest.finish())
  }

  spaces(): readonly SpaceId[] {
    return this.#ledger.logs.spaces()
  }

  usage(space: SpaceId): SpaceUsage {
    const { logs, records, quotas } = this.#ledger
    const { records: count, bytes } = records.usage.ofSpace(logs.spaceNumber(space) ?? 0)
    const full = quotas.full.filter((place) => place.space === space).map(({ author }) => author)
    return { records: count, bytes, quota: quotas.of(space), full }
  }

  setQuota(space: SpaceId, quota: SpaceQuota | undefined): void {
    const { quotas } = this.#ledger
    quotas.set(space, quota)
    for (const freed of quotas.takeFreed()) this.events.emit('space:room', { space: freed })
  }

  heads(space: SpaceId): readonly LogHead[] {
    return this.#ledger.logs.heads(space)
  }

  forks(space: SpaceId): readonly Fork[] {
    const spaceN = this.#ledger.logs.spaceNumber(space)
    return spaceN === undefined ? [] : this.#ledger.forks.list(spaceN)
  }

  addForkProof(space: SpaceId, proof: ForkProof): 'new' | 'known' | 'refused' {
    return this.#validity.commit(() => this.#validity.addProof(space, proof))
  }

  voided(space: SpaceId): readonly VoidedRun[] {
    const spaceN = this.#ledger.logs.spaceNumber(space)
    return spaceN === undefined ? [] : this.#ledger.voided.runs(spaceN)
  }

  frames(space: SpaceId, author: PeerId, log: string, from: number, to: number): readonly Frame[] {
    const { logs, records } = this.#ledger
    const spaceN = logs.spaceNumber(space)
    const name = bytesOfHex(log)
    if (spaceN === undefined || name.length !== LOG_NAME_BYTES || !isPeerId(author)) return []
    const device = keyOfPeerId(author)
    const stored = records.frames(logs.find(space, spaceN, logKeyOf(device, name), device, name), from, to)
    return this.#servable(stored).map(({ frame }) => frame)
  }

  frame(id: RecordId): Frame | undefined {
    const stored = this.#ledger.records.frameOf(id)
    return stored !== undefined && this.#isServable(stored) ? stored.frame : undefined
  }

  record(id: RecordId): StoredRecord | undefined {
    return this.#ledger.records.byId(id)
  }

  records(query: RecordQuery): readonly StoredRecord[] {
    return this.#ledger.records.queries.query(query)
  }

  get lastRid(): number {
    return this.#ledger.records.lastRid
  }

  newsSince(space: SpaceId, rid: number, limit: number): News {
    const { logs, records } = this.#ledger
    const { through, numbers } = records.newsSince(rid, limit)
    const grown = numbers.map((n) => logs.byNumber(n)).filter((log) => log.space === space)
    return { logs: grown.map(({ author, hex }) => ({ author, log: hex })), through, more: through < records.lastRid }
  }

  register(view: View): void {
    this.#ledger.views.register(view)
  }

  scrub(
    afterRid: number,
    limit: number,
  ): { readonly through: number | undefined; readonly damaged: readonly DamagedRecord[] } {
    const rows = this.#ledger.records.queries.inspect(afterRid, limit)
    const faulty = rows.filter(({ fault, stored }) => fault !== undefined || !this.#isWellSigned(stored))
    const isWanted = (): typeof faulty =>
      faulty.filter((row) => this.#mending.dropDamage(row) || !this.#isWellSigned(row.stored))
    const wanted = faulty.length === 0 ? faulty : this.#validity.commit(isWanted)
    const damaged = wanted.map(({ log, seq, fault }) => {
      return { space: log.space, author: log.author, log: log.hex, seq, isBare: fault === 'missing' }
    })
    return { through: rows.length < limit ? undefined : rows.at(-1)?.rid, damaged }
  }

  isDamaged({ space, author, log: name, seq }: RecordPlace & { readonly space: SpaceId }): boolean {
    const { logs, records } = this.#ledger
    const spaceN = logs.spaceNumber(space)
    if (spaceN === undefined) return false
    const [device, bytes] = [keyOfPeerId(author), bytesOfHex(name)]
    const log = logs.find(space, spaceN, logKeyOf(device, bytes), device, bytes)
    return log.n !== 0 && records.isDamaged(log, seq)
  }

  purgeExpired(): number {
    const { records, voided } = this.#ledger
    const now = this.#components.clock.now()
    const expired = records.queries.expired(now, PURGE_MAX_RECORDS)
    const expiredVoid = voided.expired(now, PURGE_MAX_RECORDS - expired.length)
    const spent = this.#ledger.spentLogs()
    if (expired.length + expiredVoid.length + spent.length === 0) return 0
    this.#validity.commit(() => {
      for (const log of spent) this.#ledger.spend(log)
      for (const record of expired) this.#ledger.erase(record)
      for (const { log, seq } of expiredVoid) voided.dropBody(log, seq)
    })
    return expired.length + expiredVoid.length
  }

  figures(): Readonly<Record<string, number>> {
    const { records, parking, views, voided, logs } = this.#ledger
    return {
      ...this.#appender.figures,
      ...this.#totals,
      records: records.usage.records,
      spaces: logs.spaces().length,
      parked: parking.size(),
      parkedDropped: parking.dropped,
      voided: voided.records,
      voidedDropped: voided.dropped,
      faults: records.rows.faults,
      viewFailures: views.failures,
      failedEntities: views.failedEntities,
      unknownKinds: views.unknownKinds,
      unread: records.queries.countUnread(UNREAD_COUNTED_MAX),
    }
  }

  #newIngest(space: SpaceId, salvaging = false): Ingest {
    const { verifier, authority, signer } = this.#components
    const [ledger, validity, hybridClock] = [this.#ledger, this.#validity, this.#hybridClock]
    const [bodies, mending, self] = [this.#bodies, this.#mending, signer.peer]
    return new Ingest({ ledger, validity, mending, verifier, authority, bodies, hybridClock, self, salvaging }, space)
  }

  /** One that nobody checked yet is checked when it is served. */
  #isWellSigned(stored: StoredFrame | undefined): boolean {
    return stored === undefined || stored.checked === SIGNATURE_STATE.chained || this.#isServable(stored)
  }

  /** Its own signature was good once and still is: a disk may have turned a bit of it. */
  #isServable(stored: StoredFrame): boolean {
    if (stored.checked !== SIGNATURE_STATE.checked) return this.#ledger.isSigned(stored)
    return this.#mending.isStillSigned(stored)
  }

  /** A stretch is believed for its last signature, so it must end on a good one. */
  #servable(stored: StoredFrame[]): readonly StoredFrame[] {
    const end = stored.findLastIndex((frame) => this.#isServable(frame))
    return stored.slice(0, end + 1)
  }

  #counted(report: IngestReport): IngestReport {
    const add = (name: string, frames: number): void => {
      this.#totals[name] = (this.#totals[name] ?? 0) + frames
    }
    add('ingested', report.stored)
    add('duplicates', report.duplicates)
    for (const [reason, frames] of Object.entries(report.refused)) add(`refused:${reason}`, frames)
    return report
  }
}

/** Made with the store, and lost with it. */
function storeIdOf(database: Database, random: Random): Uint8Array {
  return database.transaction(() => {
    const row = database.prepare('SELECT store_id FROM journal').get()
    if (row !== undefined) return blob(row.store_id)
    const storeId = random.bytes(STORE_ID_BYTES)
    database.prepare('INSERT INTO journal (store_id) VALUES (?)').run(storeId)
    return storeId
  })
}

/** The timestamp after which our next one comes, so that a wall clock set back does not reorder our own records. */
function newestOf(device: Signer, { logs, records }: Ledger): number {
  return logs.ofDevice(device.publicKey).reduce((newest, log) => Math.max(newest, records.hlcAt(log, log.state.seq)), 0)
}
