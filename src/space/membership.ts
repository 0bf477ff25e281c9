import { bytesOfHex, hlcToMs, type PeerId, peerIdOfKey, type RecordId } from '../base/index.ts'
import type { ControlRecord } from './control-records.ts'
import { type Device, type Heard, settle } from './device.ts'
import { type Due, type Hearsay, hear, type InviteStanding, RECOVERY_LEVEL, type Said, silence } from './hearing.ts'
import { bySeniority } from './log-windows.ts'
import { SpaceRules } from './rules.ts'
import { type Admission, currentTerm, type Term } from './terms.ts'
import type { FormerMember, Member, Role } from './types.ts'

/** A member and what its standing rests on. */
export interface Standing extends Member {
  /** The highest role that a counting record ever gave: what its logs may hold, so that lowering a role voids no past. */
  readonly granted: Role
  /** The genesis, admit or rotate record that made it a member. */
  readonly admission: RecordId
  /** The record that decides its role now: what the next role record replaces. */
  readonly decision: RecordId
  /** X25519 public key, hexadecimal. */
  readonly sealing: string
  /** The invite that its admission used up. */
  readonly invite: string | undefined
}

export interface Membership {
  readonly members: ReadonlyMap<PeerId, Standing>
  readonly former: ReadonlyMap<PeerId, FormerMember>
  readonly invites: readonly InviteStanding[]
  /** Records of kind 7 that are heard. */
  readonly epochs: readonly Said<'epoch'>[]
  /** Records of kind 9 that are heard; what they carry proves itself. */
  readonly forks: readonly Said<'fork'>[]
  readonly rules: SpaceRules
}

type Genesis = ControlRecord<'genesis'>

interface Evaluation {
  readonly spoken: ReadonlyMap<PeerId, readonly ControlRecord[]>
  readonly hearsay: Hearsay
  /** Settled, in the order of their levels. */
  readonly devices: Map<PeerId, Device>
  /** What makes a device a member without the word of somebody of a lower level: the genesis, and rotations. */
  readonly successions: Map<PeerId, Admission>
  /** Devices to settle, by level. */
  readonly waiting: Map<number, Set<PeerId>>
  readonly recovery: PeerId | undefined
}

/**
 * Who is a member, and what counts of each log, by docs/specs/space.md: a pure function of the set of control records, whatever their
 * order.
 *
 * It goes level by level. What a device may say is settled by devices of lower levels before anything it says is heard;
 * so no cycle can arise, and one pass over the records is enough.
 */
export function evaluateMembership(genesis: Genesis, records: Iterable<ControlRecord>): Membership {
  const { personal, principal, recovery } = genesis.body
  const recoveryPeer = recovery === undefined ? undefined : peerIdOfKey(bytesOfHex(recovery))
  const evaluation: Evaluation = {
    spoken: Map.groupBy(records, (record) => record.author),
    hearsay: silence(personal ? principal : undefined),
    devices: new Map(),
    successions: new Map([[genesis.author, foundingOf(genesis)]]),
    waiting: new Map([[0, new Set([genesis.author])]]),
    recovery: recoveryPeer === genesis.author ? undefined : recoveryPeer,
  }
  if (evaluation.recovery !== undefined) listen(evaluation, recoveryDevice(evaluation.recovery))
  while (evaluation.waiting.size > 0) settleLevel(evaluation, Math.min(...evaluation.waiting.keys()))
  return conclude(genesis, evaluation)
}

function foundingOf(genesis: Genesis): Admission {
  const { principal, member: name, sealing } = genesis.body
  return {
    id: genesis.id,
    level: 0,
    author: genesis.author,
    authorLevel: RECOVERY_LEVEL,
    role: 'founder',
    granted: 'founder',
    principal,
    name,
    sealing,
    invite: undefined,
    after: [],
    hlc: genesis.hlc,
  }
}

/** The recovery key speaks as an admin whom nobody can remove, and is no member. */
function recoveryDevice(peer: PeerId): Device {
  const root: Admission = {
    id: '' as RecordId,
    level: RECOVERY_LEVEL,
    author: peer,
    authorLevel: RECOVERY_LEVEL,
    role: 'admin',
    granted: 'admin',
    principal: '',
    name: '',
    sealing: '',
    invite: undefined,
    after: [],
    hlc: 0,
  }
  return settle(peer, RECOVERY_LEVEL, { admissions: [root], changes: [], revocations: [], accepts: [] }, [])
}

/** A level is settled in rounds: devices that were admitted to it, devices to which those handed over, and so on. */
function settleLevel(evaluation: Evaluation, level: number): void {
  const due = evaluation.waiting.get(level) ?? []
  evaluation.waiting.delete(level)
  let round: readonly PeerId[] = [...due].filter((peer) => isOpen(evaluation, peer))
  while (round.length > 0) {
    const settled = round.map((peer) => settleDevice(evaluation, peer, level))
    for (const device of settled) evaluation.devices.set(device.peer, device)
    for (const device of settled) listen(evaluation, device)
    round = successorsOf(evaluation, settled)
  }
}

function isOpen({ devices, recovery }: Evaluation, peer: PeerId): boolean {
  return !devices.has(peer) && peer !== recovery
}

/** By the word of devices of lower levels alone: what others say of it comes too late. */
function settleDevice(evaluation: Evaluation, peer: PeerId, level: number): Device {
  const { hearsay, successions, spoken } = evaluation
  const succession = successions.get(peer)
  const admitted = (hearsay.admissions.get(peer) ?? []).filter(({ authorLevel }) => authorLevel < level)
  const admissions = succession === undefined ? admitted : [succession, ...admitted]
  const principals = new Set(admissions.map(({ principal }) => principal))
  const heard: Heard = {
    admissions,
    changes: (hearsay.changes.get(peer) ?? []).filter((change) => change.level < level),
    revocations: (hearsay.removals.get(peer) ?? [])
      .filter(({ revocation }) => revocation.level < level)
      .filter(({ isAdmin, principal }) => isAdmin || principals.has(principal))
      .map(({ revocation }) => revocation),
    accepts: (hearsay.accepts.get(peer) ?? []).filter((accept) => accept.level < level),
  }
  return settle(peer, level, heard, spoken.get(peer) ?? [])
}

function listen({ hearsay, spoken, waiting }: Evaluation, device: Device): void {
  const enlist = ({ peer, level }: Due): void => {
    const due = waiting.get(level)
    if (due === undefined) waiting.set(level, new Set([peer]))
    else due.add(peer)
  }
  for (const due of hear(hearsay, device, spoken.get(device.peer) ?? [])) enlist(due)
}

/** The devices to which those of the last round handed over. Of two that hand over to the same, the lower record counts. */
function successorsOf(evaluation: Evaluation, settled: readonly Device[]): readonly PeerId[] {
  const successors = new Map<PeerId, Admission>()
  for (const device of settled) {
    for (const { record, term } of device.rotations) {
      const peer = record.body.device
      const known = successors.get(peer)
      if (!isOpen(evaluation, peer) || (known !== undefined && known.id < record.id)) continue
      successors.set(peer, successionOf(device, term, record))
    }
  }
  for (const [peer, admission] of successors) evaluation.successions.set(peer, admission)
  return [...successors.keys()]
}

function successionOf(device: Device, term: Term, { id, hlc, body }: ControlRecord<'rotate'>): Admission {
  const { principal, name, sealing } = body
  return {
    id,
    level: device.level,
    author: device.peer,
    authorLevel: device.level,
    role: device.decisionOf(term).role,
    granted: device.granted,
    principal,
    name,
    sealing,
    invite: undefined,
    after: [],
    hlc,
  }
}

function conclude(genesis: Genesis, evaluation: Evaluation): Membership {
  const { devices, hearsay, successions, recovery } = evaluation
  const { invites, epochs, forks } = hearsay
  const members = new Map<PeerId, Standing>()
  const former = new Map<PeerId, FormerMember>()
  for (const device of devices.values()) {
    const term = currentTerm(device.tenure)
    if (term === undefined) former.set(device.peer, formerOf(device, successions))
    else members.set(device.peer, standingOf(device, term, genesis))
  }
  return { members, former, invites, epochs, forks, rules: new SpaceRules({ genesis, devices, hearsay, recovery }) }
}

function standingOf(device: Device, term: Term, genesis: Genesis): Standing {
  const { root } = term
  const decision = device.decisionOf(term)
  return {
    peer: device.peer,
    principal: root.principal,
    role: decision.role,
    granted: device.granted,
    level: device.level,
    name: root.name,
    admittedBy: root.id === genesis.id ? undefined : root.author,
    since: hlcToMs(root.hlc),
    admission: root.id,
    decision: decision.id,
    sealing: root.sealing,
    invite: root.invite,
  }
}

function formerOf(device: Device, successions: ReadonlyMap<PeerId, Admission>): FormerMember {
  const { peer, level, tenure } = device
  const [term] = tenure.terms as readonly [Term]
  const [by] = term.standing.toSorted(bySeniority)
  if (by === undefined) throw new Error('a term against which nothing stands is the current one')
  const { successor } = by
  const tookOver = successor !== undefined && successions.get(successor)?.id === by.id
  return {
    peer,
    principal: term.root.principal,
    role: device.decisionOf(term).role,
    level,
    name: term.root.name,
    reason: by.own === undefined ? 'removed' : successor === undefined ? 'left' : 'rotated',
    removedBy: by.author,
    at: hlcToMs(by.hlc),
    removerLevel: tenure.revocations[0]?.level ?? by.level,
    revocations: tenure.revocations.map(({ id }) => id),
    successor: tookOver ? successor : undefined,
  }
}
