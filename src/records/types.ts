import type { CborValue, PeerId, RecordId, SpaceId } from '../base/index.ts'
import type { Database } from '../store/index.ts'

/** The class of a log, first byte of its 8-byte name. */
export const LOG_CLASS = { control: 0, durable: 1, expiring: 2 } as const
export type LogClass = (typeof LOG_CLASS)[keyof typeof LOG_CLASS]

export const BODY_MAX_BYTES = 65_536
/** Random bytes in front of every body, so that the hash of an erased short body cannot be guessed. */
export const BODY_SALT_BYTES = 16
export const LOG_NAME_BYTES = 8
/** The most frames in one batch of catch-up, and the most bytes. */
export const RUN_MAX_FRAMES = 256
export const RUN_MAX_BYTES: number = 256 * 1024

/** Kinds are numbers; each domain owns a range. 0 is "inside the ciphertext". */
export const KIND_RANGES = {
  space: [1, 63],
  cognition: [64, 127],
  research: [128, 191],
  models: [192, 255],
  decisions: [256, 319],
  learning: [320, 383],
  /** For programs of one's own. */
  application: [65_536, 131_071],
} as const

/** The kind of the record that founds a space; the first of its log. */
export const GENESIS_KIND = 1

export const FLAG_ENCRYPTED = 1
export const FLAG_PRUNE_POINT = 2
export const FLAG_HAS_EXPIRY = 4

/** The fourteen fields of a record header, in the order in which they are encoded (docs/specs/records.md). */
export interface Header {
  readonly v: 1
  readonly space: Uint8Array
  readonly device: Uint8Array
  readonly log: Uint8Array
  readonly seq: number
  readonly prev: Uint8Array
  readonly hlc: number
  readonly auth: Uint8Array
  readonly kind: number
  readonly flags: number
  readonly epoch: number
  readonly exp: number
  readonly bodyHash: Uint8Array
  readonly bodyLen: number
}

/** A record as it travels: the header bytes as signed, the signature, and the body unless it was erased. */
export interface Frame {
  readonly header: Uint8Array
  readonly signature: Uint8Array
  readonly body: Uint8Array | null
}

export type BodyMap = { readonly [key: string]: CborValue }

/** A record of our store, as reducers and queries see it. */
export interface StoredRecord {
  /** Position in this store: grows with every record stored here; means nothing elsewhere. */
  readonly rid: number
  readonly id: RecordId
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: LogClass
  /** The log's name, 16 hexadecimal digits. */
  readonly log: string
  readonly seq: number
  readonly hlc: number
  /** 0 as long as an encrypted record could not be read. */
  readonly kind: number
  /** Expiry, milliseconds since 1970; 0 for none. */
  readonly exp: number
  /** The body without its salt, decoded when first read; `undefined` when erased or unreadable. */
  readonly body: BodyMap | undefined
  /** True when this record's own signature was checked, false when only its chain was. */
  readonly signatureChecked: boolean
}

/** What one writes; the journal adds everything else. */
export interface Draft {
  readonly space: SpaceId
  readonly class: LogClass
  readonly kind: number
  readonly body: BodyMap
  /** Milliseconds since 1970. */
  readonly exp?: number | undefined
  /**
   * A prune point, of classes 1 and 2: this record supersedes everything before it in its log. Whoever holds the log drops that,
   * headers too, and views forget it.
   */
  readonly prune?: boolean | undefined
}

/** A log and how far we hold it: records that count only. */
export interface LogHead {
  readonly author: PeerId
  /** 16 hexadecimal digits; the first two are the class. */
  readonly log: string
  /**
   * The first number held: 1, or that of a prune point. `seq + 1` when all of an expiring log has expired and was dropped: there is
   * nothing to serve, and nothing up to `seq` is wanted.
   */
  readonly base: number
  readonly seq: number
  readonly id: RecordId
}

/** Two headers that one device signed for one place of a log. The one with the lower id comes first. */
export interface ForkProof {
  readonly headerA: Uint8Array
  readonly signatureA: Uint8Array
  readonly headerB: Uint8Array
  readonly signatureB: Uint8Array
}

/** A fork that we can prove. Peers may hold different proofs of the same fork: (author, log, seq) names it. */
export interface Fork {
  readonly author: PeerId
  readonly log: string
  readonly seq: number
  readonly proof: ForkProof
}

/** A stretch of records that do not count for now: beyond the end of their log, or on a branch of a fork. Each follows the one before. */
export interface VoidedRun {
  readonly author: PeerId
  readonly log: string
  readonly from: number
  readonly to: number
  /** Of the record at `from`: names the branch. */
  readonly first: RecordId
  /** Of the record at `to`. */
  readonly last: RecordId
}

/** The place of a record. */
export interface RecordPlace {
  readonly author: PeerId
  readonly log: string
  readonly seq: number
}

/** A record whose row in this store is not as it was written, or has lost its body. Its place is kept. */
export interface DamagedRecord extends RecordPlace {
  readonly space: SpaceId
  /** All is as it was written, and only the body is not there: it may be nowhere any more. */
  readonly isBare: boolean
}

export type AuthorityVerdict =
  | { readonly allowed: true }
  /** `unknown` means "not admitted as far as we know": the frame is set aside until control records say more. */
  | { readonly allowed: false; readonly unknown: boolean; readonly reason: string }

/** A record that somebody wants to write, as far as whether they may depends on it. */
export interface Write {
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: LogClass
  readonly log: string
  readonly seq: number
  readonly kind: number
  /** This device is about to sign it. Otherwise it is signed already, whoever wrote it. */
  readonly isNew?: boolean
}

/** What the control records of a space say of one log. */
export interface LogRule {
  /** The last record that counts, by its number and id; later ones are void. Number 0: none counts. Absent: all do. */
  readonly end?: { readonly seq: number; readonly id: RecordId | undefined }
  /** The records that somebody with the right to do so chose where the log forked. A log with a choice counts up to `end`. */
  readonly branches: readonly { readonly seq: number; readonly id: RecordId }[]
}

/** Nothing is said of the log: all of it counts, up to a fork. */
export const NO_RULE: LogRule = { branches: [] }

/**
 * The question that `records` asks and `space` answers, so that neither imports the other.
 * All methods are synchronous, are called inside the writing transaction, must not write to the journal and must not throw.
 */
export interface Authority {
  mayWrite(write: Write): AuthorityVerdict
  /** Eight bytes that stand for the control state of the space, for the header's `auth` field. */
  digest(space: SpaceId): Uint8Array
  /** A control record was stored. Called in storage order, before the next frame is judged. */
  observe(record: StoredRecord): void
  /**
   * What was observed of this space no longer holds: a transaction was rolled back, or a fork voided control records. Reads the
   * control records again (`Journal.records` with class control).
   */
  reload(space: SpaceId): void
  /**
   * A pure function of the control records that are held. A record that ends its own log must not end it before itself: it would
   * take back what it says.
   */
  ruleOf(space: SpaceId, author: PeerId, log: string): LogRule
  /** Authors whose rules may have changed since the last call. */
  takeChangedRules(space: SpaceId): ReadonlySet<PeerId>
  /**
   * Records that may be erased, or no longer be so, since the last call: `isErased` says which. After `reload`, all that are or
   * ever were.
   */
  takeErased(space: SpaceId): readonly RecordPlace[]
  /** Whether the body of this record is to be dropped, and not to be taken again. */
  isErased(space: SpaceId, author: PeerId, log: string, seq: number): boolean
}

/** Where a record stands: bound to its ciphertext. */
export interface CipherPlace {
  readonly space: SpaceId
  /** Ed25519 public key, 32 bytes. */
  readonly device: Uint8Array
  /** 8 bytes. */
  readonly log: Uint8Array
  readonly seq: number
}

/** The keys of encrypted spaces, which `space` holds and `records` uses. Synchronous; called inside the writing transaction. */
export interface BodyCipher {
  /** Whether records of classes 1 and 2 of this space must be encrypted, for ever: its genesis says so. */
  isEncrypted(space: SpaceId): boolean
  /** Undefined while no key is held. */
  seal(place: CipherPlace, plain: Uint8Array): { readonly epoch: number; readonly body: Uint8Array } | undefined
  /** Undefined without the key, and for a ciphertext that does not open. */
  open(place: CipherPlace, epoch: number, body: Uint8Array): Uint8Array | undefined
  /** Epochs whose keys came since the last call: what could not be read may be readable now. */
  takeNewEpochs(space: SpaceId): readonly number[]
}

/** How much the records of a space may take here: headers, signatures and bodies. */
export interface SpaceQuota {
  /** 0 for no bound. */
  readonly bytes: number
  /** The part of it that another author may have, above 0 and at most 1. */
  readonly authorShare: number
}

/**
 * A pure fold from records to rows. Any order, duplication and partition of the same records must leave
 * byte-identical tables; so `fold` sees all live records of an entity at once, sorted by (hlc, id).
 */
export interface View<State = unknown> {
  /** Also the prefix of its tables: `view_<domain>_...`. */
  readonly domain: string
  /** A higher number rebuilds the tables from the records. */
  readonly version: number
  readonly kinds: readonly number[]
  /** DDL of its tables, run with IF NOT EXISTS semantics after the old ones were dropped. */
  readonly schema: string
  readonly tables: readonly string[]
  /** The entities that a record speaks of: short stable strings. */
  entitiesOf(record: StoredRecord): readonly string[]
  fold(entity: string, records: readonly StoredRecord[]): State | undefined
  /** Replaces the entity's rows; `undefined` removes them. Must depend on its arguments only. */
  write(database: Database, entity: string, state: State | undefined): void
}

export interface RecordQuery {
  readonly space?: SpaceId
  readonly kinds?: readonly number[]
  readonly class?: LogClass
  readonly author?: PeerId
  readonly afterRid?: number
  /** At most 1,000. */
  readonly limit: number
}
