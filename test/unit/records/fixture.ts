/** What the tests of records share: journals over real SQLite, authorities, and authors that sign whatever they are told to. */
import { createHash } from 'node:crypto'
import {
  bytesOfHex,
  type Clock,
  encodeCbor,
  HLC_STEPS_PER_MS,
  hexOf,
  type PeerId,
  type Random,
  type RecordId,
  recordIdOf,
  type SpaceId,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import { type Signer, signer, verifier } from '../../../src/identity/index.ts'
import {
  type Authority,
  type AuthorityVerdict,
  type BodyMap,
  createJournal,
  encodeHeader,
  FLAG_HAS_EXPIRY,
  type Frame,
  type Header,
  type Journal,
  LOG_CLASS,
  type LogClass,
  type LogRule,
  NO_RULE,
  type RecordPlace,
  recordIdBytes,
  recordsSchema,
  type StoredRecord,
  signHeader,
} from '../../../src/records/index.ts'
import { type Database, openDatabase } from '../../../src/store/index.ts'

export const START_MS = 1_700_000_000_000
export const KIND = 65_536

/** Says yes to everybody, or what `verdicts` says of an author; remembers what it was told. */
export class TableAuthority implements Authority {
  readonly observed: StoredRecord[] = []
  readonly reloaded: SpaceId[] = []
  readonly verdicts: Map<PeerId, AuthorityVerdict | ((seq: number) => AuthorityVerdict)> = new Map()

  mayWrite(write: Parameters<Authority['mayWrite']>[0]): AuthorityVerdict {
    const verdict = this.verdicts.get(write.author) ?? { allowed: true }
    return typeof verdict === 'function' ? verdict(write.seq) : verdict
  }

  digest(): Uint8Array {
    return new Uint8Array(8).fill(7)
  }

  observe(record: StoredRecord): void {
    this.observed.push(record)
  }

  reload(space: SpaceId): void {
    this.reloaded.push(space)
  }

  ruleOf(..._of: Parameters<Authority['ruleOf']>): LogRule {
    return NO_RULE
  }

  takeChangedRules(): ReadonlySet<PeerId> {
    return new Set()
  }

  takeErased(): readonly RecordPlace[] {
    return []
  }

  isErased(..._of: Parameters<Authority['isErased']>): boolean {
    return false
  }
}

export const UNKNOWN: AuthorityVerdict = { allowed: false, unknown: true, reason: 'not admitted' }
export const REFUSED: AuthorityVerdict = { allowed: false, unknown: false, reason: 'a reader' }

export interface Rig {
  readonly journal: Journal
  readonly database: Database
  readonly authority: TableAuthority
  readonly clock: VirtualClock
  readonly signer: Signer
}

export interface RigInit {
  readonly seed?: number
  readonly path?: string
  readonly clock?: VirtualClock
  readonly random?: Random
  readonly authority?: TableAuthority
  readonly database?: Database
}

export function rig(init: RigInit = {}): Rig {
  const { seed = 1, path = ':memory:', clock = new VirtualClock(START_MS), authority = new TableAuthority() } = init
  const database = init.database ?? openDatabase({ path, schemas: [recordsSchema] })
  const self = signer(new Uint8Array(32).fill(seed))
  const random = init.random ?? seededRandom(seed)
  const journal = createJournal()({
    database,
    signer: self,
    verifier: verifier(),
    authority,
    clock: clock as Clock,
    random,
    log: silentLogger(),
  })
  return { journal, database, authority, clock, signer: self }
}

export interface Written {
  readonly frame: Frame
  readonly id: RecordId
  readonly header: Header
  readonly author: PeerId
  /** 16 hexadecimal digits. */
  readonly log: string
}

export interface WriteOptions {
  readonly kind?: number
  readonly body?: BodyMap
  /** Instead of a body: the bytes as stored, salt included. */
  readonly encoded?: Uint8Array
  readonly exp?: number
  readonly atMs?: number
  readonly fields?: Partial<Header>
}

/** A device that writes one log by the rules, unless `fields` tell it otherwise. */
export class Author {
  readonly signer: Signer
  readonly log: Uint8Array
  #space: Uint8Array
  #seq = 0
  #prev: Uint8Array = new Uint8Array(32)
  #hlc = START_MS * HLC_STEPS_PER_MS

  constructor(
    seed: number,
    space: SpaceId | undefined,
    logClass: LogClass = LOG_CLASS.durable,
    incarnation: number = seed,
  ) {
    this.signer = signer(new Uint8Array(32).fill(seed))
    this.#space = space === undefined ? new Uint8Array(32) : bytesOfHex(space)
    this.log = new Uint8Array(8).fill(incarnation)
    this.log[0] = logClass
  }

  /** An author with the same past that will write another future. */
  twin(): Author {
    const twin = new Author(1, undefined)
    Object.assign(twin, { signer: this.signer, log: this.log })
    twin.#space = this.#space
    twin.#seq = this.#seq
    twin.#prev = this.#prev
    // Another counter, so that what the twin writes has other ids.
    twin.#hlc = this.#hlc + 500
    return twin
  }

  /** What it writes from now on belongs to this space. */
  enter(space: SpaceId): void {
    this.#space = bytesOfHex(space)
  }

  write(options: WriteOptions = {}): Written {
    const { kind = KIND, body = { n: this.#seq + 1 }, exp = 0, atMs } = options
    const encoded = options.encoded ?? bodyOf(body)
    this.#hlc = Math.max(this.#hlc + 1, (atMs ?? 0) * HLC_STEPS_PER_MS)
    const header: Header = {
      v: 1,
      space: this.#space,
      device: this.signer.publicKey,
      log: this.log,
      seq: this.#seq + 1,
      prev: this.#prev,
      hlc: this.#hlc,
      auth: new Uint8Array(8),
      kind,
      flags: exp === 0 ? 0 : FLAG_HAS_EXPIRY,
      epoch: 0,
      exp,
      bodyHash: new Uint8Array(createHash('sha256').update(encoded).digest()),
      bodyLen: encoded.length,
      ...options.fields,
    }
    const written = this.sign(header, encoded)
    this.#seq = header.seq
    this.#prev = bytesOfHex(written.id)
    return written
  }

  writeMany(count: number, options: WriteOptions = {}): readonly Written[] {
    return Array.from({ length: count }, () => this.write(options))
  }

  sign(header: Header, body: Uint8Array | null): Written {
    const encoded = encodeHeader(header)
    const frame = { header: encoded, signature: signHeader(this.signer, encoded), body }
    return { frame, id: recordIdOf(recordIdBytes(encoded)), header, author: this.signer.peer, log: hexOf(this.log) }
  }
}

/** A body with a salt of zeros. */
export function bodyOf(map: BodyMap): Uint8Array {
  const encoded = encodeCbor(map)
  const body = new Uint8Array(16 + encoded.length)
  body.set(encoded, 16)
  return body
}

export interface Founded {
  readonly space: SpaceId
  readonly genesis: Written
  /** Continues the control log that the genesis begins. */
  readonly founder: Author
}

/** A space founded by a foreign device. */
export function foundedBy(seed: number, name = 'space'): Founded {
  const first = new Author(seed, undefined, LOG_CLASS.control)
  const genesis = first.write({ kind: 1, body: { name } })
  const space = genesis.id as string as SpaceId
  const founder = first.twin()
  founder.enter(space)
  return { space, genesis, founder }
}

export function framesOf(written: readonly Written[]): readonly Frame[] {
  return written.map(({ frame }) => frame)
}

/** What all records take, counted one by one. */
export function usageOf(database: Database): { readonly records: unknown; readonly bytes: unknown } {
  const sql = `SELECT count(*) AS records, ifnull(sum(length(header) + length(signature) + ifnull(length(b.bytes), 0)), 0) AS bytes
    FROM record LEFT JOIN body b USING (rid)`
  const { records, bytes } = database.prepare(sql).get() ?? {}
  return { records, bytes }
}
