import type { Events, PeerId, RecordId, SpaceId } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import type {
  BodyMap,
  DamagedRecord,
  Draft,
  Fork,
  ForkProof,
  Frame,
  LogHead,
  RecordPlace,
  RecordQuery,
  SpaceQuota,
  StoredRecord,
  View,
  VoidedRun,
} from './types.ts'

export type RefusalReason =
  | 'malformed'
  | 'not-canonical'
  | 'wrong-space'
  | 'bad-signature'
  | 'bad-body'
  | 'broken-chain'
  | 'not-allowed'
  | 'fork'
  | 'frozen'
  | 'too-large'
  /** The space has no room for more of this author. It is asked for again when there is. */
  | 'over-quota'

export interface IngestReport {
  readonly stored: number
  readonly duplicates: number
  /** Set aside: a gap before it, an author not yet known, or a clock too far ahead. */
  readonly parked: number
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>
  /** Logs in which frames before the received ones are missing. */
  readonly gaps: readonly {
    readonly author: PeerId
    readonly log: string
    readonly from: number
    readonly to: number
  }[]
}

export interface JournalEvents {
  /** On disk. For own records this fires after the commit and before `append` resolves. */
  'record:stored': { readonly record: StoredRecord; readonly own: boolean }
  /** A key came for an encrypted record that could not be read when it was stored: its kind and body are known now. */
  'record:read': { readonly record: StoredRecord }
  /** Two signed headers at one place of a log: the proof is kept and the log is frozen. */
  'log:forked': { readonly space: SpaceId; readonly author: PeerId; readonly log: string; readonly seq: number }
  /**
   * What counts of a log changed otherwise than by storing the next record: its end moved back, voided records count again, or its
   * beginning was dropped. `head` is how far it is held now; `undefined` when nothing is.
   */
  'log:changed': {
    readonly space: SpaceId
    readonly author: PeerId
    readonly log: string
    readonly head: LogHead | undefined
  }
  /** Bodies that may be kept and are not held, among the records of a log from one number to another: others may have them. */
  'bodies:missing': {
    readonly space: SpaceId
    readonly author: PeerId
    readonly log: string
    readonly from: number
    readonly to: number
  }
  /** A space that refused records because it was full takes them again. */
  'space:room': { readonly space: SpaceId }
}

export interface SpaceUsage {
  readonly records: number
  readonly bytes: number
  readonly quota: SpaceQuota
  /** Authors whose records are refused for now; `undefined` for everybody. */
  readonly full: readonly (PeerId | undefined)[]
}

/** Logs that have grown, by the order in which this store took their records in. */
export interface News {
  readonly logs: readonly { readonly author: PeerId; readonly log: string }[]
  /** The position up to which these are all. */
  readonly through: number
  /** More was stored after that. */
  readonly more: boolean
}

/** The durable pillar: append, ingest, serve and fold signed records. */
export interface Journal {
  readonly events: Events<JournalEvents>
  /** Random, made when the store was created: another peer's cursor into this store is void when it differs. */
  readonly storeId: Uint8Array
  /** Creates a space: writes its genesis record (kind 1) with this body and returns the id. */
  found(body: BodyMap): Promise<StoredRecord>
  /** Signs, stores and folds a record; resolves once it is on disk. Appends of one turn share one commit. */
  append(draft: Draft): Promise<StoredRecord>
  /** As `append` for many at once, in order, in as few commits as the limits allow. */
  appendAll(drafts: readonly Draft[]): Promise<readonly StoredRecord[]>
  /**
   * At most COMMIT_MAX_RECORDS in one commit: all of them, or none and the error of the first that may not be written. They come
   * after everything that was appended before; so without any drafts this says when that is written.
   */
  appendTogether(drafts: readonly Draft[]): Promise<readonly StoredRecord[]>
  /**
   * Judges frames of one space from the network and stores what is right; on disk when it returns. `single` checks every
   * signature; `run` expects contiguous stretches of logs and checks the last signature of each stretch.
   * Never throws for bad input.
   */
  ingest(space: SpaceId, frames: readonly Frame[], mode: 'single' | 'run'): IngestReport
  /** Judges again what was set aside, e.g. after control records arrived. */
  retryParked(space: SpaceId): IngestReport
  spaces(): readonly SpaceId[]
  /** Counted as records come and go: costs nothing, however many there are. */
  usage(space: SpaceId): SpaceUsage
  /** Until the next start; `undefined` for the default of JournalInit. */
  setQuota(space: SpaceId, quota: SpaceQuota | undefined): void
  heads(space: SpaceId): readonly LogHead[]
  /** The lowest known fork of each forked log, as far as both signatures are known to be good. */
  forks(space: SpaceId): readonly Fork[]
  /**
   * Takes a proof that somebody else found and freezes the log before it, whatever is held of it. `refused`: it proves nothing, or
   * its author may not write to this space as far as we know. Never throws for bad input.
   */
  addForkProof(space: SpaceId, proof: ForkProof): 'new' | 'known' | 'refused'
  /** What is kept though it does not count, until a rule lets it count or others need its room. */
  voided(space: SpaceId): readonly VoidedRun[]
  /**
   * Frames of a log, `from` to `to` inclusive, cut at RUN_MAX_FRAMES and RUN_MAX_BYTES. What comes before the log's base is left
   * out: the frame at the base is a prune point, with which a log may begin.
   */
  frames(space: SpaceId, author: PeerId, log: string, from: number, to: number): readonly Frame[]
  /** One frame to be served alone: its signature is checked first if it never was; `undefined` if absent or bad. */
  frame(id: RecordId): Frame | undefined
  record(id: RecordId): StoredRecord | undefined
  /** In storage order. */
  records(query: RecordQuery): readonly StoredRecord[]
  /** The `rid` of the record stored last, of whatever space; 0 for none. */
  readonly lastRid: number
  /** Logs of the space with records among the next `limit` records of the store after `rid`. Costs those and nothing more. */
  newsSince(space: SpaceId, rid: number, limit: number): News
  /** Drops bodies whose time is over, at most 1,000 a call; says how many. Their headers stay. */
  purgeExpired(): number
  /**
   * Compares the next rows after `afterRid` with their hashes, at most so many; `through` is the last of them, undefined at the
   * end. Nothing that is damaged is served or folded; its place now takes another copy of the record, by `ingest`.
   */
  scrub(
    afterRid: number,
    limit: number,
  ): {
    readonly through: number | undefined
    readonly damaged: readonly DamagedRecord[]
  }
  /**
   * As `ingest` in mode `run` for what was read out of a damaged store of our own, each log in its order: data records that are
   * missing before a genuine one keep an empty place, so that what follows them is not lost with them.
   */
  salvage(space: SpaceId, frames: readonly Frame[]): IngestReport
  /** Whether what `scrub` found still holds: the record may have come again, or be gone. */
  isDamaged(record: RecordPlace & { readonly space: SpaceId }): boolean
  /** Registers a view; (re)builds its tables if its version is new. Before any append or ingest. */
  register(view: View): void
  /** Read access to view tables for the domain's queries. */
  readonly database: Database
  figures(): Readonly<Record<string, number>>
}
