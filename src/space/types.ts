import type { Events, PeerId, SpaceId } from '../base/index.ts'
import type { Authority, Journal, LogClass, StoredRecord } from '../records/index.ts'

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

export interface SpaceInfo {
  readonly id: SpaceId
  readonly name: string
  /** A personal space holds what is private; nobody is ever invited to it. */
  readonly personal: boolean
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
  | 'ERR_INVITE_PROOF'
  | 'ERR_INVITE_SPACE'
  | 'ERR_INVITE_NOT_ISSUER'
  | 'ERR_JOIN_MALFORMED'

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

export interface SpaceEvents {
  'space:added': { readonly space: SpaceId }
  /** The evaluated membership of a space changed. */
  'members:changed': { readonly space: SpaceId }
  'invite:used': { readonly space: SpaceId; readonly invite: string; readonly by: PeerId; readonly name: string }
}

/** Membership of all spaces of this peer: answers `records` (as Authority) and, through the node, the bus. */
export interface Spaces extends Authority {
  readonly events: Events<SpaceEvents>
  /** Gives the journal, which itself needs this as its `Authority`; once, before everything else. */
  attach(journal: Journal): void
  /** Reads the control records of the store; once, before any append or ingest. */
  load(): void
  /** Accepts the genesis of a space that we are joining, until disposed. Other unknown spaces are refused. */
  expect(space: SpaceId): Disposable
  create(options: { readonly name: string; readonly personal: boolean }): Promise<SpaceInfo>
  list(): readonly SpaceInfo[]
  get(space: SpaceId): SpaceInfo | undefined
  roleOf(space: SpaceId, peer: PeerId): Role | undefined
  /**
   * Whether a log of this device and class belongs to the space, by all control records held: what sync compares, serves
   * and asks for. The same at all peers with the same control records, whatever each has stored.
   */
  admitsLog(space: SpaceId, peer: PeerId, logClass: LogClass): boolean
  /** Peers other than us, over all spaces that are not personal. */
  peers(): ReadonlySet<PeerId>
  invite(space: SpaceId, options: InviteOptions): Promise<{ readonly ticket: string; readonly invite: Invite }>
  invites(space: SpaceId): readonly Invite[]
  /** Admin side of a join: checks the request and appends the admit record; exactly one admission per use. */
  redeem(request: JoinRequest): Promise<JoinOutcome>
  /** Joiner side: builds the signed request of a ticket. */
  requestFor(ticket: Ticket, name: string): JoinRequest
  setRole(space: SpaceId, peer: PeerId, role: Role): Promise<void>
  /** What keys for a directory of strangers are derived from, see `discoverySecret`; `undefined` for a space that we lack. */
  discoverySecret(space: SpaceId): Uint8Array | undefined
}
