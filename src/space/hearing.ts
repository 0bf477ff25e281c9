import { hlcToMs, type PeerId } from '../base/index.ts'
import type { ControlRecord, ControlType, GrantableRole } from './control-records.ts'
import { type Device, inLogOrder, type RoleChange } from './device.ts'
import { type Acceptance, endsOf, isControlLog, type Revocation } from './log-windows.ts'
import { lowerOf } from './roles.ts'
import type { Admission, Term } from './terms.ts'
import type { Invite } from './types.ts'

/** Of the recovery key, which ranks above every device. */
export const RECOVERY_LEVEL = -1
/** An invite with the control log that counts its uses. */
export type InviteStanding = Omit<Invite, 'space' | 'role'> & { readonly role: GrantableRole; readonly log: string }

/** A control record that is heard, and what its author is: for what membership itself does not settle. */
export interface Said<T extends ControlType = ControlType> {
  readonly record: ControlRecord<T>
  readonly level: number
  /** Whether the author is heard as an admin here. */
  readonly isAdmin: boolean
}

/** A removal of another device; whether it counts shows when that one is settled. */
export interface Removing {
  readonly revocation: Revocation
  readonly isAdmin: boolean
  /** Of the author: the removal counts for a device of the same, if not for others. */
  readonly principal: string
}

/** All that settled devices have said, by the device or the invite that it is about. */
export interface Hearsay {
  /** Of a personal space: the principals whose devices may be members. */
  readonly principals: Set<string> | undefined
  readonly admissions: Map<PeerId, Admission[]>
  readonly changes: Map<PeerId, RoleChange[]>
  readonly removals: Map<PeerId, Removing[]>
  readonly accepts: Map<PeerId, Acceptance[]>
  /** Branches of their own logs of data that devices chose. */
  readonly ownChoices: Map<PeerId, Acceptance[]>
  readonly inviteRevocations: Map<string, Said<'revoke'>[]>
  readonly invites: InviteStanding[]
  readonly erasures: Said<'erase'>[]
  readonly epochs: Said<'epoch'>[]
  readonly forks: Said<'fork'>[]
}

export function silence(onlyPrincipal: string | undefined): Hearsay {
  return {
    principals: onlyPrincipal === undefined ? undefined : new Set([onlyPrincipal]),
    admissions: new Map(),
    changes: new Map(),
    removals: new Map(),
    accepts: new Map(),
    ownChoices: new Map(),
    inviteRevocations: new Map(),
    invites: [],
    erasures: [],
    epochs: [],
    forks: [],
  }
}

/** One record that is heard, with its author. */
interface Speech extends Said {
  readonly author: Device
  readonly term: Term
}

/** A device that is to be settled at a level. */
export interface Due {
  readonly peer: PeerId
  readonly level: number
}

/** Takes in what a settled device says, log by log and as far as it is heard; returns whom it admits. */
export function hear(hearsay: Hearsay, author: Device, spoken: readonly ControlRecord[]): readonly Due[] {
  const logs = [...Map.groupBy(spoken, ({ log }) => log)].map(([log, records]) => speechesOf(author, log, records))
  // An invite may be taken back in another log than its own.
  for (const { record, level, isAdmin } of logs.flat()) {
    if (isOf(record, 'revoke') && record.body.invite !== undefined) {
      append(hearsay.inviteRevocations, record.body.invite, { record, level, isAdmin })
    }
  }
  return logs.flatMap((log) => hearLog(hearsay, log))
}

function speechesOf(author: Device, log: string, records: readonly ControlRecord[]): readonly Speech[] {
  const { level } = author
  const { term, end } = author.placeOf(log)
  const { adminUpTo } = author.decisionOf(term)
  const adminEnd = adminUpTo === undefined ? end.seq : (adminUpTo.get(log)?.seq ?? 0)
  return records
    .filter(({ seq }) => seq <= end.seq)
    .toSorted(inLogOrder)
    .map((record) => ({ author, level, term, record, isAdmin: record.seq <= adminEnd }))
}

function hearLog(hearsay: Hearsay, log: readonly Speech[]): readonly Due[] {
  const invites = new Map<string, OpenInvite>()
  const due: Due[] = []
  for (const speech of log) {
    const { record, isAdmin } = speech
    if (isOf(record, 'invite')) {
      const { key } = record.body
      if (isAdmin && !invites.has(key)) invites.set(key, openInvite(hearsay, record, speech.author))
    } else if (isOf(record, 'admit')) {
      const admission = admissionBy(hearsay, speech, record, invites)
      if (admission === undefined) continue
      append(hearsay.admissions, record.body.device, admission)
      due.push({ peer: record.body.device, level: admission.level })
    } else hearOther(hearsay, speech)
  }
  for (const { standing } of invites.values()) hearsay.invites.push(standing)
  return due
}

/** What an admit record gives, or `undefined` when it gives nothing. */
function admissionBy(
  hearsay: Hearsay,
  { author, term, isAdmin }: Speech,
  record: ControlRecord<'admit'>,
  invites: ReadonlyMap<string, OpenInvite>,
): Admission | undefined {
  const { id, hlc, body } = record
  const { level, principal, role, name, sealing, invite, after = [] } = body
  if (level <= author.level) return undefined
  // Who is no admin may bring in another device of its own, if that one agrees.
  const isSecondDevice = principal === term.root.principal && body.proof !== undefined && invite === undefined
  if (!isAdmin && !isSecondDevice) return undefined
  if (author.level === RECOVERY_LEVEL) hearsay.principals?.add(principal)
  if (hearsay.principals?.has(principal) === false) return undefined
  if (invite !== undefined && !useUp(invites.get(invite), record)) return undefined
  return {
    id,
    level,
    author: author.peer,
    authorLevel: author.level,
    role: isAdmin ? role : lowerOf(role, author.decisionOf(term).role),
    granted: isAdmin ? role : lowerOf(role, author.granted),
    principal,
    name,
    sealing,
    invite,
    after,
    hlc,
  }
}

function hearOther(hearsay: Hearsay, { author, term, level, isAdmin, record }: Speech): void {
  const { peer } = author
  if (isOf(record, 'role')) {
    if (isAdmin) append(hearsay.changes, record.body.device, { level, record })
  } else if (isOf(record, 'revoke')) {
    const { device, cuts = [] } = record.body
    if (device === undefined || device === peer) return
    const { id, hlc } = record
    const revocation = { id, author: peer, level, hlc, cuts: endsOf(cuts), own: undefined, successor: undefined }
    append(hearsay.removals, device, { revocation, isAdmin, principal: term.root.principal })
  } else if (isOf(record, 'accept')) {
    hearAcceptance(hearsay, { peer, level, isAdmin }, record)
  } else if (isOf(record, 'erase')) hearsay.erasures.push({ record, level, isAdmin })
  else if (isOf(record, 'epoch')) hearsay.epochs.push({ record, level, isAdmin })
  else if (isOf(record, 'fork')) hearsay.forks.push({ record, level, isAdmin })
}

function hearAcceptance(
  hearsay: Hearsay,
  by: { readonly peer: PeerId; readonly level: number; readonly isAdmin: boolean },
  { id, body }: ControlRecord<'accept'>,
): void {
  const { device, log, from, to, first } = body
  const acceptance = { id, level: by.level, log, from, to, last: body.id, first }
  if (device !== by.peer) {
    if (by.isAdmin) append(hearsay.accepts, device, acceptance)
  } else if (first !== undefined && !isControlLog(log)) {
    // Not of its control logs: two of them could each stand by what the other says.
    append(hearsay.ownChoices, device, acceptance)
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

interface OpenInvite {
  readonly standing: Mutable<InviteStanding>
  /** The last record of the log that may use it. */
  readonly until: number
}

function openInvite(hearsay: Hearsay, { log, body }: ControlRecord<'invite'>, issuer: Device): OpenInvite {
  const { key, role, uses, expires } = body
  const ends = (hearsay.inviteRevocations.get(key) ?? [])
    .filter(({ record, level, isAdmin }) => record.author === issuer.peer || (isAdmin && level < issuer.level))
    .map(({ record }) => {
      const isInPlace = record.author === issuer.peer && record.log === log
      return isInPlace ? record.seq : (endsOf(record.body.cuts ?? []).get(log)?.seq ?? 0)
    })
  const standing = { id: key, role, uses, used: 0, expires, by: issuer.peer, revoked: ends.length > 0, log }
  return { standing, until: Math.min(Number.POSITIVE_INFINITY, ...ends) }
}

function useUp(invite: OpenInvite | undefined, admit: ControlRecord<'admit'>): boolean {
  if (invite === undefined || admit.seq > invite.until) return false
  const { standing } = invite
  if (standing.role !== admit.body.role) return false
  if (hlcToMs(admit.hlc) > standing.expires || standing.used >= standing.uses) return false
  standing.used++
  return true
}

function isOf<T extends ControlType>(record: ControlRecord, type: T): record is ControlRecord & ControlRecord<T> {
  return record.body.type === type
}

function append<K, T>(lists: Map<K, T[]>, key: K, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}
