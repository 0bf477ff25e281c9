import {
  bytesOfHex,
  concatBytes,
  type HybridClock,
  hexOf,
  type Random,
  type SpaceId,
  spaceIdOf,
} from '../base/index.ts'
import type { Signer } from '../identity/index.ts'
import { bodyHashOf, encodeBody } from './body.ts'
import type { Candidate } from './candidate.ts'
import { RecordsError } from './errors.ts'
import { signHeader } from './frame.ts'
import {
  AUTH_BYTES,
  encodeHeader,
  isLogClass,
  logKeyOf,
  logKeyOfHeader,
  RECORD_VERSION,
  recordIdBytes,
  UINT32_MAX,
} from './header.ts'
import type { Ledger } from './ledger.ts'
import { NO_RECORD, supersedes } from './log-rules.ts'
import type { Log } from './log-table.ts'
import { FRAME_OVERHEAD_BYTES } from './quotas.ts'
import { SIGNATURE_STATE } from './schema.ts'
import type { PlainBody, SealedBodies } from './sealed-body.ts'
import {
  type Authority,
  type BodyMap,
  type Draft,
  FLAG_HAS_EXPIRY,
  FLAG_PRUNE_POINT,
  GENESIS_KIND,
  type Header,
  LOG_CLASS,
  LOG_NAME_BYTES,
  type LogClass,
  type StoredRecord,
} from './types.ts'
import type { Validity } from './validity.ts'

/** The most own records in one commit: keeps one turn of the event loop short. */
export const COMMIT_MAX_RECORDS = 256
/** Own records that may wait for their commit; beyond that new ones are refused. */
export const APPEND_QUEUE_MAX_RECORDS = 16_384
export const APPEND_QUEUE_MAX_BYTES: number = 64 * 1024 * 1024

/**
 * An expiring log is dropped when all of it has expired, so one that is written all the time would never be: after so many records
 * the next begins a new one.
 */
export const EXPIRING_LOG_MAX_RECORDS = 1_024

export interface AppenderInit {
  readonly ledger: Ledger
  readonly validity: Validity
  readonly signer: Signer
  readonly authority: Authority
  readonly bodies: SealedBodies
  readonly hybridClock: HybridClock
  readonly random: Random
  /** Calls back once the callers of this turn have had their say. */
  readonly endOfTurn: (run: () => void) => void
}

/** A record to be: all but its place in the log. `space` is missing from a genesis. */
interface Entry {
  readonly space: Draft['space'] | undefined
  readonly class: LogClass
  readonly kind: number
  readonly exp: number
  readonly flags: number
  readonly body: Uint8Array
}

/** What is seen of an entry from outside: of an encrypted one the ciphertext. */
type Outside = Pick<Entry, 'kind' | 'exp' | 'flags' | 'body'> & { readonly epoch?: number }

/** What is written in one commit or not at all. */
interface Waiting {
  readonly entries: readonly Entry[]
  readonly bytes: number
  readonly resolve: (records: readonly StoredRecord[]) => void
  readonly reject: (reason: unknown) => void
}

type Outcome = readonly StoredRecord[] | RecordsError

/** Writes this device's own records. Whoever appends in one turn of the event loop shares one commit and one flush of the disk. */
export class Appender {
  readonly #init: AppenderInit
  #queue: Waiting[] = []
  #queuedRecords = 0
  #queuedBytes = 0
  #isScheduled = false
  #appended = 0
  #commits = 0

  constructor(init: AppenderInit) {
    this.#init = init
  }

  get figures(): { readonly appended: number; readonly appendCommits: number; readonly appendsWaiting: number } {
    return { appended: this.#appended, appendCommits: this.#commits, appendsWaiting: this.#queuedRecords }
  }

  async append(draft: Draft): Promise<StoredRecord> {
    return await this.#enqueueOne(this.#entryOf(draft))
  }

  async appendAll(drafts: readonly Draft[]): Promise<readonly StoredRecord[]> {
    const entries = drafts.map((draft) => this.#entryOf(draft))
    this.#assertRoom(entries)
    return await Promise.all(entries.map((entry) => this.#enqueueOne(entry)))
  }

  async appendTogether(drafts: readonly Draft[]): Promise<readonly StoredRecord[]> {
    if (drafts.length > COMMIT_MAX_RECORDS) throw invalid(`at most ${COMMIT_MAX_RECORDS} records share a commit`)
    return await this.#enqueue(drafts.map((draft) => this.#entryOf(draft)))
  }

  async found(map: BodyMap): Promise<StoredRecord> {
    const body = encodeBody(map, this.#init.random)
    return await this.#enqueueOne({
      space: undefined,
      class: LOG_CLASS.control,
      kind: GENESIS_KIND,
      exp: 0,
      flags: 0,
      body,
    })
  }

  #entryOf(draft: Draft): Entry {
    assertDraft(draft)
    const body = encodeBody(draft.body, this.#init.random)
    const { space, class: logClass, kind, exp = 0, prune = false } = draft
    const flags = (exp === 0 ? 0 : FLAG_HAS_EXPIRY) | (prune ? FLAG_PRUNE_POINT : 0)
    return { space, class: logClass, kind, exp, flags, body }
  }

  async #enqueueOne(entry: Entry): Promise<StoredRecord> {
    const [record] = await this.#enqueue([entry])
    return record as StoredRecord
  }

  #enqueue(entries: readonly Entry[]): Promise<readonly StoredRecord[]> {
    this.#assertRoom(entries)
    const { promise, resolve, reject } = Promise.withResolvers<readonly StoredRecord[]>()
    const bytes = bytesOf(entries)
    this.#queue.push({ entries, bytes, resolve, reject })
    this.#queuedRecords += entries.length
    this.#queuedBytes += bytes
    this.#schedule()
    return promise
  }

  #assertRoom(entries: readonly Entry[]): void {
    const bytes = this.#queuedBytes + bytesOf(entries)
    if (this.#queuedRecords + entries.length <= APPEND_QUEUE_MAX_RECORDS && bytes <= APPEND_QUEUE_MAX_BYTES) return
    throw new RecordsError('ERR_APPEND_OVERFLOW', 'too many records wait to be written', {
      fix: 'Wait for earlier appends before making more.',
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.length === 0) return
    this.#isScheduled = true
    this.#init.endOfTurn(() => {
      this.#isScheduled = false
      this.#flush()
      this.#schedule()
    })
  }

  /** One commit: what must be written together alone, or as many single records as one commit takes. */
  #flush(): void {
    const firstGroup = this.#queue.findIndex(({ entries }) => entries.length > 1)
    const singles = firstGroup === -1 ? this.#queue.length : firstGroup
    const taken = this.#queue.splice(0, firstGroup === 0 ? 1 : Math.min(singles, COMMIT_MAX_RECORDS))
    for (const { entries, bytes } of taken) {
      this.#queuedRecords -= entries.length
      this.#queuedBytes -= bytes
    }
    try {
      const outcomes = this.#init.validity.commit(
        () => taken.map(({ entries }) => this.#writeAll(entries)),
        (written) => written.map((outcome) => this.#counting(outcome)),
      )
      this.#commits++
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome instanceof RecordsError) {
          taken[index]?.reject(outcome)
          continue
        }
        this.#appended += outcome.length
        taken[index]?.resolve(outcome)
      }
    } catch (error) {
      for (const { reject } of taken) reject(error)
    }
  }

  /** A single record that may not be written is no reason to lose the others of its commit, so its error is returned. */
  #writeAll(entries: readonly Entry[]): Outcome {
    const records: StoredRecord[] = []
    for (const entry of entries) {
      const outcome = this.#write(entry)
      if (!(outcome instanceof RecordsError)) records.push(outcome)
      else if (entries.length === 1) return outcome
      else throw outcome
    }
    return records
  }

  /** What was written and ends its own log is not acknowledged; what was to be together is then not written. */
  #counting(outcome: Outcome): Outcome {
    if (outcome instanceof RecordsError || !outcome.some((record) => this.#init.ledger.wasVoided(record)))
      return outcome
    const error = notAllowed('it would not count')
    if (outcome.length > 1) throw error
    return error
  }

  #write(entry: Entry): StoredRecord | RecordsError {
    const { space } = entry
    if (space === undefined) return this.#writeGenesis(entry)
    const { ledger, validity, authority } = this.#init
    const spaceN = ledger.logs.spaceNumber(space)
    if (spaceN === undefined) return notAllowed('the space is not known here')
    const log = this.#openLog(space, spaceN, entry.class)
    const { seq, id } = log.state
    const refusal = this.#refusal(space, log.hex, seq + 1, entry)
    if (refusal !== undefined) return refusal
    if (validity.limitOf(log).seq <= seq) return notAllowed('its records would not count')
    const prunes = (entry.flags & FLAG_PRUNE_POINT) !== 0
    if (!prunes && !ledger.makeRoom(log, FRAME_OVERHEAD_BYTES + entry.body.length, true))
      return full(ledger.quotas.of(space).bytes)
    const place = { space: bytesOfHex(space), log: log.name, seq: seq + 1, prev: id, auth: authority.digest(space) }
    const outside = this.#sealed(log, prunesItself(log) ? { ...entry, flags: entry.flags | FLAG_PRUNE_POINT } : entry)
    return outside instanceof RecordsError ? outside : this.#store(log, this.#sign(place, outside), entry)
  }

  /** The entry as it is to be written next. */
  #sealed({ space, name, class: logClass, state }: Log, entry: Entry): Outside | RecordsError {
    const { bodies, signer } = this.#init
    if (!bodies.mustSeal(space, logClass)) return entry
    const sealed = bodies.seal({ space, device: signer.publicKey, log: name, seq: state.seq + 1 }, entry)
    return sealed instanceof RecordsError ? sealed : { ...entry, ...sealed, flags: entry.flags | sealed.flags }
  }

  /** The log that we write, or a new incarnation where it ended, forked, or is an expiring one that grew long. */
  #openLog(space: SpaceId, spaceN: number, logClass: LogClass): Log {
    const { logs } = this.#init.ledger
    const log = logs.ownLog(spaceN, logClass)
    if (log !== undefined && !isLong(log) && log.state.seq < this.#init.validity.limitOf(log).seq) return log
    return this.#find(space, spaceN, this.#newName(logClass))
  }

  /** Without control state to digest, and without the name of the space, which is the id that comes of it. */
  #writeGenesis(entry: Entry): StoredRecord | RecordsError {
    const name = this.#newName(entry.class)
    const place = { space: NO_RECORD, log: name, seq: 1, prev: NO_RECORD, auth: new Uint8Array(AUTH_BYTES) }
    const candidate = this.#sign(place, entry)
    const space = spaceIdOf(candidate.id)
    const refusal = this.#refusal(space, hexOf(name), 1, entry)
    if (refusal !== undefined) return refusal
    return this.#store(this.#find(space, this.#init.ledger.logs.addSpace(space), name), candidate, entry)
  }

  #refusal(space: SpaceId, log: string, seq: number, entry: Entry): RecordsError | undefined {
    const { signer, authority } = this.#init
    const { class: logClass, kind } = entry
    const write = { space, author: signer.peer, class: logClass, log, seq, kind, isNew: true }
    const verdict = authority.mayWrite(write)
    return verdict.allowed ? undefined : notAllowed(verdict.reason)
  }

  #sign(place: Pick<Header, 'space' | 'log' | 'seq' | 'prev' | 'auth'>, entry: Outside): Candidate {
    const { signer, hybridClock } = this.#init
    const { body, kind, exp, flags, epoch = 0 } = entry
    const header: Header = {
      v: RECORD_VERSION,
      ...place,
      device: signer.publicKey,
      hlc: hybridClock.tick(),
      kind,
      flags,
      epoch,
      exp,
      bodyHash: bodyHashOf(body),
      bodyLen: body.length,
    }
    const encoded = encodeHeader(header)
    return {
      frame: { header: encoded, signature: signHeader(signer, encoded), body },
      header,
      key: logKeyOfHeader(encoded),
      seq: place.seq,
      prev: place.prev,
      id: recordIdBytes(encoded),
      flags,
      ahead: false,
      signature: true,
    }
  }

  #store(log: Log, candidate: Candidate, plain: PlainBody): StoredRecord {
    const { ledger, validity } = this.#init
    const isNew = log.n === 0
    const record = ledger.store(log, candidate, {
      own: true,
      checked: SIGNATURE_STATE.checked,
      supersedes: supersedes(candidate, validity.limitOf(log)),
      plain,
    })
    if (isNew) ledger.logs.setOwnLog(log)
    return record
  }

  /** The incarnation is random: a log begun by a copy of this store cannot meet one of the original. */
  #newName(logClass: LogClass): Uint8Array {
    return concatBytes(Uint8Array.of(logClass), this.#init.random.bytes(LOG_NAME_BYTES - 1))
  }

  #find(space: SpaceId, spaceN: number, name: Uint8Array): Log {
    const { publicKey } = this.#init.signer
    return this.#init.ledger.logs.find(space, spaceN, logKeyOf(publicKey, name), publicKey, name)
  }
}

function isLong({ class: logClass, state }: Log): boolean {
  return logClass === LOG_CLASS.expiring && state.seq - state.base + 1 >= EXPIRING_LOG_MAX_RECORDS
}

/** What was dropped because it expired is missed by nobody: with a prune point the log can be had from there on. */
function prunesItself({ state }: Log): boolean {
  return state.seq > 0 && state.base > state.seq
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { body }) => sum + body.length, 0)
}

function full(bytes: number): RecordsError {
  return new RecordsError('ERR_SPACE_QUOTA', `the space is full: its records may take ${bytes} bytes here`, {
    fix: 'Give it more room with `plexus space quota`, or erase records that are not needed.',
  })
}

function notAllowed(reason: string): RecordsError {
  return new RecordsError('ERR_WRITE_NOT_ALLOWED', `this device may not write here: ${reason}`, {
    fix: '`plexus members` shows the role of this device, or that it was removed; an admin of the space can change that.',
  })
}

/** The rules of docs/specs/records.md section 2 that a draft can break. */
function assertDraft({ class: logClass, kind, exp = 0, prune = false }: Draft): void {
  const isInteger = Number.isSafeInteger(kind) && Number.isSafeInteger(exp)
  if (!isInteger || kind < 1 || kind > UINT32_MAX || exp < 0) throw invalid('its kind or expiry is out of range')
  if (!isLogClass(logClass)) throw invalid('its class is unknown')
  if (logClass === LOG_CLASS.control && exp !== 0) throw invalid('a control record cannot expire')
  if (logClass === LOG_CLASS.control && prune) throw invalid('a control log is never pruned')
  if (logClass === LOG_CLASS.expiring && exp === 0) throw invalid('a record of an expiring log needs an expiry')
}

function invalid(message: string): RecordsError {
  return new RecordsError('ERR_DRAFT_INVALID', `the draft cannot become a record: ${message}`)
}
