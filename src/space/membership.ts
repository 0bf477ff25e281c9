import { compareText, hlcToMs, type PeerId, type RecordId } from '../base/index.ts'
import { type ControlRecord, type GrantableRole, LEVEL_MAX } from './control-records.ts'
import { type FormerMember, type Invite, type Member, ROLES, type Role } from './types.ts'

/** A member and what its standing rests on. */
export interface Standing extends Member {
  /** The highest role that a counting record ever gave: what its log may hold, so that lowering a role voids no past. */
  readonly granted: Role
  /** By control log, the last record that counts; `undefined` when all do, because the role is admin or better. */
  readonly countsUpTo: ReadonlyMap<string, number> | undefined
  /** The genesis or admit record that made it a member. */
  readonly admission: RecordId
  /** The record that decides its role now: what the next role record replaces. */
  readonly decision: RecordId
  /** X25519 public key, hexadecimal. */
  readonly sealing: string
  /** The invite that its admission used up. */
  readonly invite: string | undefined
}

/** An invite with the control log that counts its uses. */
export type InviteStanding = Omit<Invite, 'space' | 'role'> & { readonly role: GrantableRole; readonly log: string }

export interface Membership {
  readonly members: ReadonlyMap<PeerId, Standing>
  readonly former: ReadonlyMap<PeerId, FormerMember>
  readonly invites: readonly InviteStanding[]
}

type Genesis = ControlRecord<'genesis'>
type Admit = ControlRecord<'admit'>
type RoleChange = ControlRecord<'role'>

interface Evaluation {
  /** Of a personal space: the only principal whose devices may be members. */
  readonly onlyPrincipal: string | undefined
  readonly byAuthor: ReadonlyMap<PeerId, readonly ControlRecord[]>
  readonly members: Map<PeerId, Standing>
  readonly invites: InviteStanding[]
  /** Admissions that count so far, by device. */
  readonly admits: Map<PeerId, Admit[]>
  /** Role changes that count if their target turns out to be of a greater level than their author, by device. */
  readonly changes: Map<PeerId, RoleChange[]>
  /** Devices to settle, by level. */
  readonly waiting: Map<number, Set<PeerId>>
}

export function rankOf(role: Role): number {
  return ROLES.indexOf(role)
}

export function isAtLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && rankOf(role) >= rankOf(needed)
}

/**
 * Who is a member, by docs/specs/space.md: a pure function of the set of control records, whatever their order.
 *
 * It goes level by level. What a device may say is settled by devices of lower levels before anything it says is heard;
 * so no cycle can arise, and one pass over the records is enough.
 */
export function evaluateMembership(genesis: Genesis, records: Iterable<ControlRecord>): Membership {
  const evaluation: Evaluation = {
    onlyPrincipal: genesis.body.personal ? genesis.body.principal : undefined,
    byAuthor: Map.groupBy(records, (record) => record.author),
    members: new Map(),
    invites: [],
    admits: new Map(),
    changes: new Map(),
    waiting: new Map(),
  }
  const founder = founderOf(genesis)
  evaluation.members.set(founder.peer, founder)
  hear(evaluation, founder)
  for (let level = 1; level <= LEVEL_MAX && evaluation.waiting.size > 0; level++) {
    const settled = settleLevel(evaluation, level)
    for (const standing of settled) hear(evaluation, standing)
  }
  return { members: evaluation.members, former: new Map(), invites: evaluation.invites }
}

function founderOf(genesis: Genesis): Standing {
  const { principal, member, sealing } = genesis.body
  return {
    peer: genesis.author,
    principal,
    role: 'founder',
    granted: 'founder',
    countsUpTo: undefined,
    level: 0,
    name: member,
    admittedBy: undefined,
    since: hlcToMs(genesis.hlc),
    admission: genesis.id,
    decision: genesis.id,
    sealing,
    invite: undefined,
  }
}

function settleLevel(evaluation: Evaluation, level: number): readonly Standing[] {
  const due = evaluation.waiting.get(level) ?? []
  evaluation.waiting.delete(level)
  const settled = [...due].filter((peer) => !evaluation.members.has(peer)).map((peer) => standingOf(evaluation, peer))
  for (const standing of settled) evaluation.members.set(standing.peer, standing)
  return settled
}

/** The standing of a device whose level is reached: every record that may count for it is known now. */
function standingOf(evaluation: Evaluation, peer: PeerId): Standing {
  const admits = (evaluation.admits.get(peer) ?? []).toSorted(
    (a, b) => a.body.level - b.body.level || compareText(a.id, b.id),
  )
  const [admit] = admits
  if (admit === undefined) throw new Error('a device waits without an admission')
  const changes = evaluation.changes.get(peer) ?? []
  const roles = [...admits, ...changes].map((record) => record.body.role)
  const decision = decide(evaluation, admits, changes)
  return {
    peer,
    principal: admit.body.principal,
    role: decision.body.role,
    granted: roles.reduce((best, role) => (rankOf(role) > rankOf(best) ? role : best)),
    countsUpTo: isAtLeast(decision.body.role, 'admin') ? undefined : cutsOf(decision),
    level: admit.body.level,
    name: admit.body.name,
    admittedBy: admit.author,
    since: hlcToMs(admit.hlc),
    admission: admit.id,
    decision: decision.id,
    sealing: admit.body.sealing,
    invite: admit.body.invite,
  }
}

/**
 * Role changes form a tree under the admission, because each names what it replaces: the path from the top always takes
 * the change of the most senior author, then the lower role, then the lower id, and ends at the one that holds.
 */
function decide(evaluation: Evaluation, admits: readonly Admit[], changes: readonly RoleChange[]): Admit | RoleChange {
  const [admit] = admits as readonly [Admit]
  const device = admit.body.device
  const losing = new Set(admits.map(({ id }) => id))
  const own = (evaluation.byAuthor.get(device) ?? []).filter((record) => isRoleChangeOf(record, device))
  const parentOf = ({ body }: RoleChange): RecordId => (losing.has(body.replaces) ? admit.id : body.replaces)
  const children = Map.groupBy([...changes, ...own], parentOf)
  const seniority = (change: RoleChange): number =>
    change.author === device ? admit.body.level : (evaluation.members.get(change.author)?.level ?? 0)

  const follow = (from: Admit | RoleChange): RoleChange | undefined =>
    (children.get(from.id) ?? [])
      .filter((change) => change.author !== device || lowersItself(from, change))
      .toSorted(
        (a, b) => seniority(a) - seniority(b) || rankOf(a.body.role) - rankOf(b.body.role) || compareText(a.id, b.id),
      )[0]
  let holds: Admit | RoleChange = admit
  for (let next = follow(holds); next !== undefined; next = follow(next)) holds = next
  return holds
}

/**
 * A device may lower itself as long as it may say anything. One that was lowered by others may not: with cuts of its own
 * choice it would give back to itself what they took.
 */
function lowersItself(from: Admit | RoleChange, change: RoleChange): boolean {
  return isAtLeast(from.body.role, 'admin') && rankOf(change.body.role) < rankOf(from.body.role)
}

function cutsOf({ body }: Admit | RoleChange): ReadonlyMap<string, number> {
  return new Map(body.type === 'role' ? body.cuts.map(([log, seq]) => [log, seq]) : [])
}

function isRoleChangeOf(record: ControlRecord, device: PeerId): record is RoleChange {
  return record.body.type === 'role' && record.body.device === device
}

/** Takes in what a settled device says, log by log, as far as it counts. */
function hear(evaluation: Evaluation, author: Standing): void {
  if (!isAtLeast(author.granted, 'admin')) return
  const { peer, countsUpTo } = author
  const counting = (evaluation.byAuthor.get(peer) ?? []).filter(
    ({ log, seq }) => countsUpTo === undefined || seq <= (countsUpTo.get(log) ?? 0),
  )
  for (const records of Map.groupBy(counting, ({ log }) => log).values()) hearLog(evaluation, author, records)
}

function hearLog(evaluation: Evaluation, author: Standing, records: readonly ControlRecord[]): void {
  const invites = new Map<string, Mutable<InviteStanding>>()
  for (const record of records.toSorted((a, b) => a.seq - b.seq || compareText(a.id, b.id))) {
    const { body } = record
    if (body.type === 'invite' && !invites.has(body.key)) {
      const { key, role, uses, expires } = body
      invites.set(key, { id: key, role, uses, used: 0, expires, by: author.peer, log: record.log, revoked: false })
    } else if (body.type === 'admit') {
      hearAdmit(evaluation, author, record as Admit, invites)
    } else if (body.type === 'role') {
      // Devices of the author's own level and below are settled: for them this comes too late.
      append(evaluation.changes, body.device, record as RoleChange)
    }
  }
  evaluation.invites.push(...invites.values())
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

function hearAdmit(
  evaluation: Evaluation,
  author: Standing,
  admit: Admit,
  invites: ReadonlyMap<string, Mutable<InviteStanding>>,
): void {
  const { device, level, principal } = admit.body
  if (level <= author.level) return
  if (evaluation.onlyPrincipal !== undefined && principal !== evaluation.onlyPrincipal) return
  if (admit.body.invite !== undefined && !useUp(invites.get(admit.body.invite), admit)) return
  append(evaluation.admits, device, admit)
  const due = evaluation.waiting.get(level)
  if (due === undefined) evaluation.waiting.set(level, new Set([device]))
  else due.add(device)
}

function useUp(invite: Mutable<InviteStanding> | undefined, admit: Admit): boolean {
  if (invite === undefined || invite.role !== admit.body.role) return false
  if (hlcToMs(admit.hlc) > invite.expires || invite.used >= invite.uses) return false
  invite.used++
  return true
}

function append<T>(lists: Map<PeerId, T[]>, peer: PeerId, item: T): void {
  const list = lists.get(peer)
  if (list === undefined) lists.set(peer, [item])
  else list.push(item)
}
