import type { Events, PeerId, RecordId, SpaceId } from '../base/index.ts'
import type { Identity } from '../identity/index.ts'
import type { Authority, BodyCipher, Journal, LogClass, StoredRecord } from '../records/index.ts'
import type { Cut } from './control-records.ts'

export const ROLES = ['relay', 'reader', 'writer', 'admin', 'founder'] as const
export type Role = (typeof ROLES)[number]

/** Kinds of control records (docs/specs/space.md). */
export const CONTROL_KIND = {
  genesis: 1,
  admit: 2,
  role: 3,
  invite: 4,
  revoke: 5,
  accept: 6,
  epoch: 7,
  erase: 8,
  fork: 9,
  rotate: 10,
} as const

/** The first prefix of every ticket. */
export const TICKET_PREFIX = 'plexus1'
export const INVITE_DEFAULT_TTL_MS: number = 7 * 24 * 3_600_000
export const INVITE_MAX_USES = 100

export interface Member {
  readonly peer: PeerId
  /** 64 hexadecimal digits. */
  readonly principal: string
  readonly role: Role
  /** 0 for the founder's device; strictly greater than the admitter's. */
  readonly level: number
  /** Chosen by the member: untrusted text. */
  readonly name: string
  readonly admittedBy: PeerId | undefined
  readonly since: number
}

/** A device that was a member and is none now. */
export interface FormerMember {
  readonly peer: PeerId
  readonly principal: string
  /** The last role it had. */
  readonly role: Role
  readonly level: number
  readonly name: string
  readonly reason: 'removed' | 'left' | 'rotated'
  /** The device itself unless it was removed. */
  readonly removedBy: PeerId
  /** Only members of this level or a lower one can admit it again. */
  readonly removerLevel: number
  /** By the clock of whoever removed it; milliseconds since 1970. */
  readonly at: number
  /** All revocations that count: what an admission must name to undo them. */
  readonly revocations: readonly RecordId[]
  /** The device that took over, after a rotation. */
  readonly successor: PeerId | undefined
}

export interface SpaceInfo {
  readonly id: SpaceId
  readonly name: string
  /** A personal space holds what is private; nobody is ever invited to it. */
  readonly personal: boolean
  readonly encrypted: boolean
  /** What a new member may read of the time before it came. */
  readonly history: 'all' | 'since-admission'
  /** There is a recovery key. */
  readonly recoverable: boolean
  readonly founder: PeerId
  readonly self: Member | undefined
  readonly members: readonly Member[]
}

/** What a ticket says (docs/specs/tickets.md). The seed is a secret. */
export interface Ticket {
  readonly space: SpaceId
  readonly issuer: PeerId
  readonly seed: Uint8Array
  readonly addresses: readonly string[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface Invite {
  /** The invite key's public half, 64 hexadecimal digits. */
  readonly id: string
  readonly space: SpaceId
  readonly role: Role
  readonly uses: number
  readonly used: number
  readonly expires: number
  readonly by: PeerId
  /** It admits nobody any more. */
  readonly revoked: boolean
}

export interface InviteOptions {
  readonly role: Role
  /** How many devices may use the ticket. */
  readonly uses: number
  readonly ttlMs: number
  /** Where the joiner may reach us, best first. */
  readonly addresses: readonly string[]
}

export type JoinRefusal =
  | 'ERR_INVITE_UNKNOWN'
  | 'ERR_INVITE_USED'
  | 'ERR_INVITE_EXPIRED'
  | 'ERR_INVITE_REVOKED'
  | 'ERR_INVITE_REMOVED'
  | 'ERR_INVITE_PROOF'
  | 'ERR_INVITE_SPACE'
  | 'ERR_INVITE_NOT_ISSUER'
  | 'ERR_JOIN_MALFORMED'

export interface CreateOptions {
  readonly name: string
  readonly personal: boolean
  /** The public half of the recovery key, 64 hexadecimal digits: it ranks above the founder's device. */
  readonly recovery?: string
  /** Whether records of classes 1 and 2 are encrypted, for ever. Default true. */
  readonly encrypted?: boolean
  /** What a new member of an encrypted space may read of the time before it came. Default `all`. */
  readonly history?: 'all' | 'since-admission'
}

/** What a removal left valid. */
export interface Removal {
  /** The last record of each log of the device that stays. A log that is not named ends before its first record. */
  readonly cuts: readonly Cut[]
  /** Whether a new key was made in the same commit: false when the space is not encrypted, or an admin has to do it. */
  readonly epoch: boolean
}

/** Records of a log, beyond its end, that are to count again. */
export interface AcceptOptions {
  readonly device: PeerId
  readonly log: string
  /** The record after the end of the log, if not given. */
  readonly from?: number
  /** The last one held that follows on it, if not given. */
  readonly to?: number
  /** Where more than one branch is held: the record at `from`. */
  readonly first?: RecordId
}

/** A log of which two records at one place are signed. */
export interface ForkInfo {
  readonly device: PeerId
  readonly log: string
  /** The place where the branches part. */
  readonly seq: number
  readonly branches: readonly ForkBranch[]
  /** The first record of the branch that was chosen. */
  readonly chosen: RecordId | undefined
}

export interface ForkBranch {
  /** Of the record at the place of the fork. */
  readonly id: RecordId
  /** The last record of the branch that is held; `undefined` when none is. */
  readonly to: number | undefined
}

export interface BranchChoice {
  readonly device: PeerId
  readonly log: string
  readonly seq: number
  /** The record at `seq` that is to count. */
  readonly id: RecordId
}

/** A second device of a person. */
export interface DeviceAdmission {
  readonly certificate: Uint8Array
  readonly device: PeerId
  readonly name: string
  readonly role: Role
  /** By the key of that device: see `deviceProof`. */
  readonly proof: Uint8Array
}

/** What a joiner sends to the issuer; see docs/specs/join.md. */
export interface JoinRequest {
  readonly space: SpaceId
  readonly inviteId: string
  readonly device: PeerId
  readonly certificate: Uint8Array
  readonly name: string
  /** Made with the invite key over (device, space, invite, certificate). */
  readonly proof: Uint8Array
}

export type JoinOutcome =
  | { readonly ok: true; readonly record: StoredRecord }
  | { readonly ok: false; readonly code: JoinRefusal; readonly message: string }

/**
 * What the keys of a space lack. `epoch`: there is none, somebody knows it who should not, or it is old. `grant`: readers lack
 * it. `chain`: we hold older keys that it does not lead to. `stuck`: we lack it ourselves, and only a new one would help.
 */
export type KeysDue = 'epoch' | 'grant' | 'chain' | 'stuck'

export interface KeyFigures {
  /** The number of the epoch that we write under; 0 while there is none. */
  readonly epoch: number
  /** Keys that we hold, of all epochs. */
  readonly keys: number
  /** What is to be done that this device may do. */
  readonly due: KeysDue | undefined
}

export interface SpaceEvents {
  'space:added': { readonly space: SpaceId }
  /** The evaluated membership of a space changed. */
  'members:changed': { readonly space: SpaceId }
  'invite:used': { readonly space: SpaceId; readonly invite: string; readonly by: PeerId; readonly name: string }
}

/** Membership of all spaces of this peer: answers `records` (as Authority) and, through the node, the bus. */
export interface Spaces extends Authority {
  readonly events: Events<SpaceEvents>
  /** The keys of encrypted spaces, for the journal. */
  readonly cipher: BodyCipher
  /** Gives the journal, which itself needs this as its `Authority`; once, before everything else. */
  attach(journal: Journal): void
  /** Reads the control records of the store; once, before any append or ingest. */
  load(): void
  /** Accepts the genesis of a space that we are joining, until disposed. Other unknown spaces are refused. */
  expect(space: SpaceId): Disposable
  create(options: CreateOptions): Promise<SpaceInfo>
  list(): readonly SpaceInfo[]
  get(space: SpaceId): SpaceInfo | undefined
  roleOf(space: SpaceId, peer: PeerId): Role | undefined
  /**
   * Whether a log of this device and class belongs to the space, by all control records held: what sync compares, serves
   * and asks for. The same at all peers with the same control records, whatever each has stored.
   */
  admitsLog(space: SpaceId, peer: PeerId, logClass: LogClass): boolean
  /**
   * Whether this peer may be given records of this class: a reader or better all, a relay the control records and, of an
   * encrypted space, the ciphertexts. Of ourselves: what we may ask for and keep.
   */
  mayReceive(space: SpaceId, peer: PeerId, logClass: LogClass): boolean
  /** Peers other than us, over all spaces that we are a member of. */
  peers(): ReadonlySet<PeerId>
  invite(space: SpaceId, options: InviteOptions): Promise<{ readonly ticket: string; readonly invite: Invite }>
  invites(space: SpaceId): readonly Invite[]
  /** Admin side of a join: checks the request and appends the admit record; exactly one admission per use. */
  redeem(request: JoinRequest): Promise<JoinOutcome>
  /** Joiner side: builds the signed request of a ticket. */
  requestFor(ticket: Ticket, name: string): JoinRequest
  setRole(space: SpaceId, peer: PeerId, role: Role): Promise<void>
  /** Removes a device; its records count as far as we hold them. */
  revoke(space: SpaceId, peer: PeerId): Promise<Removal>
  /** Whoever came by the invite stays, as far as we know of them. */
  revokeInvite(space: SpaceId, inviteId: string): Promise<void>
  /** Removes this device. Refused for the last admin while others remain, unless forced. */
  leave(space: SpaceId, options?: { readonly force?: boolean }): Promise<void>
  /** Lets records of a removed device, beyond its end, count again. */
  accept(space: SpaceId, options: AcceptOptions): Promise<void>
  /** Drops the body of a record, here and at all members. */
  erase(space: SpaceId, record: RecordId): Promise<void>
  forksOf(space: SpaceId): readonly ForkInfo[]
  /** Says which branch of a forked log counts; the log ends with what we hold of it. */
  chooseBranch(space: SpaceId, choice: BranchChoice): Promise<void>
  /** Admits a second device of our own principal, with at most our role. */
  admitDevice(space: SpaceId, admission: DeviceAdmission): Promise<Member>
  /** Hands our place over to a device with these keys, of the same principal; this one is no member from then on. */
  rotateTo(space: SpaceId, next: Identity): Promise<void>
  /** With the seed of the recovery key: removes the founder's devices and admits this one in their place. */
  recover(space: SpaceId, seed: Uint8Array): Promise<Member>
  /** The state of the keys of an encrypted space; `undefined` of any other. */
  keys(space: SpaceId): KeyFigures | undefined
  /** Does what is due and this device may do, and says what it was. */
  renewKeys(space: SpaceId): Promise<KeysDue | undefined>
  former(space: SpaceId): readonly FormerMember[]
  /** What keys for a directory of strangers are derived from, see `discoverySecret`; `undefined` for a space that we lack. */
  discoverySecret(space: SpaceId): Uint8Array | undefined
}
