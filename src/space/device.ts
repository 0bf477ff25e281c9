import { compareText, type PeerId, type RecordId } from '../base/index.ts'
import type { ControlRecord } from './control-records.ts'
import { type Acceptance, acceptedOf, endBy, endsOf, type LogEnd, lowest, type Revocation } from './log-windows.ts'
import { highestOf, isAtLeast, rankOf } from './roles.ts'
import { type Admission, type LogPlace, placeOf, type Tenure, type Term, tenureOf, termOfOwn } from './terms.ts'
import type { Role } from './types.ts'

/** A change of a role with the level of its author. */
export interface RoleChange {
  readonly level: number
  readonly record: ControlRecord<'role'>
}

/** What members of lower levels said of a device, as far as it counts. */
export interface Heard {
  readonly admissions: readonly Admission[]
  readonly changes: readonly RoleChange[]
  readonly revocations: readonly Revocation[]
  readonly accepts: readonly Acceptance[]
}

/** The role of a term, and how it came about. */
export interface Decision {
  readonly role: Role
  /** The admission or role record that says so. */
  readonly id: RecordId
  /** By log, up to where the device is heard as an admin; `undefined` for all of it. */
  readonly adminUpTo: ReadonlyMap<string, LogEnd> | undefined
}

/** A device whose level was reached: what it is, before anything else that it says is heard. */
export interface Device {
  readonly peer: PeerId
  readonly level: number
  readonly tenure: Tenure
  /** The highest role that a counting record ever gave: what its logs may hold, so that lowering a role voids no past. */
  readonly granted: Role
  decisionOf(term: Term): Decision
  /** The term of one of its control logs, and how far the log is heard. */
  placeOf(log: string): LogPlace
  /**
   * How far a control log is kept. This depends on members of lower levels and on that log alone: the device's own last word in
   * another log ends what is heard and not what is kept, or two logs could void each other, and what arrived first would decide.
   */
  keptOf(log: string): LogEnd
  /** Its rotations that count, with the term that each hands over: one a term, because two contradict each other. */
  readonly rotations: readonly { readonly record: ControlRecord<'rotate'>; readonly term: Term }[]
}

/** Settles a device. `spoken` are all its own control records. */
export function settle(peer: PeerId, level: number, heard: Heard, spoken: readonly ControlRecord[]): Device {
  const { admissions, accepts } = heard
  const fromOthers = tenureOf(admissions, heard.revocations, accepts)
  const lastWords = lastWordsOf({ peer, level, admissions }, fromOthers, spoken)
  const own = [...lastWords.values()].flat()
  const tenure = own.length === 0 ? fromOthers : tenureOf(admissions, [...heard.revocations, ...own], accepts)
  const places = new Map<string, LogPlace>()
  const place = (log: string): LogPlace => {
    const found = places.get(log) ?? placeOf(tenure, log)
    places.set(log, found)
    return found
  }
  const ownChanges = spoken
    .filter((record) => record.body.type === 'role' && record.body.device === peer)
    .map((record) => ({ level, record: record as ControlRecord<'role'> }))
  const decisions = new Map(
    tenure.terms.map((term) => {
      const inTerm = ownChanges.filter(
        ({ record }) => place(record.log).term === term && record.seq <= place(record.log).end.seq,
      )
      return [term, decide(peer, term, [...heard.changes, ...inTerm])] as const
    }),
  )
  return {
    peer,
    level,
    tenure,
    granted: highestOf([...admissions.map((one) => one.granted), ...heard.changes.map((one) => one.record.body.role)]),
    decisionOf: (term) => decisions.get(term) as Decision,
    placeOf: place,
    keptOf: (log) => {
      const accepted = acceptedOf(accepts, log)
      const ends = (lastWords.get(log) ?? []).map((one) => endBy(one, log, accepted))
      return lowest([placeOf(fromOthers, log).end, ...ends])
    },
    rotations: rotationsOf(tenure, own, spoken),
  }
}

/**
 * By log, the records with which a device removed itself. The first one ends its log, so a second counts only if somebody let the
 * log go on.
 */
function lastWordsOf(
  device: { readonly peer: PeerId; readonly level: number; readonly admissions: readonly Admission[] },
  fromOthers: Tenure,
  spoken: readonly ControlRecord[],
): ReadonlyMap<string, readonly Revocation[]> {
  const candidates = spoken.filter((record) => removesItself(record, device)) as ControlRecord<'revoke' | 'rotate'>[]
  const found = new Map<string, readonly Revocation[]>()
  for (const [log, records] of Map.groupBy(candidates, (record) => record.log)) {
    const accepted = acceptedOf(fromOthers.accepts, log)
    let end = placeOf(fromOthers, log).end
    const words: Revocation[] = []
    for (const record of records.toSorted(inLogOrder)) {
      if (record.seq > end.seq) break
      const word = lastWord(record, device.level)
      words.push(word)
      end = lowest([end, endBy(word, log, accepted)])
    }
    if (words.length > 0) found.set(log, words)
  }
  return found
}

function removesItself(
  { body }: ControlRecord,
  { peer, admissions }: { readonly peer: PeerId; readonly admissions: readonly Admission[] },
): boolean {
  if (body.type === 'revoke') return body.device === peer
  if (body.type !== 'rotate') return false
  return body.device !== peer && admissions.some(({ principal }) => principal === body.principal)
}

function lastWord(record: ControlRecord<'revoke' | 'rotate'>, level: number): Revocation {
  const { id, author, log, seq, hlc, body } = record
  const successor = body.type === 'rotate' ? body.device : undefined
  return { id, author, level, hlc, cuts: endsOf(body.cuts ?? []), own: { log, seq }, successor }
}

function rotationsOf(
  tenure: Tenure,
  own: readonly Revocation[],
  spoken: readonly ControlRecord[],
): Device['rotations'] {
  const rotations = own.flatMap((word) => {
    const term = word.successor === undefined ? undefined : termOfOwn(tenure, word)
    const record = spoken.find(({ id }) => id === word.id)
    return term === undefined ? [] : [{ record: record as ControlRecord<'rotate'>, term }]
  })
  return [...Map.groupBy(rotations, ({ term }) => term).values()].flatMap((inTerm) => {
    const successors = new Set(inTerm.map(({ record }) => record.body.device))
    return successors.size > 1 ? [] : inTerm.toSorted((a, b) => compareText(a.record.id, b.record.id)).slice(0, 1)
  })
}

/**
 * Role records form a tree under the admissions of a term, because each names what it replaces: the path from the top always takes
 * the change of the most senior author, then the lower role, then the lower id, and ends at the one that holds.
 */
function decide(device: PeerId, term: Term, changes: readonly RoleChange[]): Decision {
  const { root } = term
  const tops = new Set(term.admissions.map(({ id }) => id))
  const children = Map.groupBy(changes, ({ record }) =>
    tops.has(record.body.replaces) ? root.id : record.body.replaces,
  )
  let holds: Decision = { id: root.id, role: root.role, adminUpTo: adminUpTo(root.role, new Map()) }
  for (;;) {
    const { role } = holds
    const [next] = (children.get(holds.id) ?? [])
      .filter(({ record }) => record.author !== device || lowersItself(role, record.body.role))
      .toSorted(byAuthority)
    if (next === undefined) return holds
    const { id, body } = next.record
    holds = { id, role: body.role, adminUpTo: adminUpTo(body.role, endsOf(body.cuts)) }
  }
}

function byAuthority(a: RoleChange, b: RoleChange): number {
  const [one, other] = [a.record, b.record]
  return a.level - b.level || rankOf(one.body.role) - rankOf(other.body.role) || compareText(one.id, other.id)
}

/**
 * A device may lower itself as long as it may say anything. One that was lowered by others may not: with cuts of its own
 * choice it would give back to itself what they took.
 */
function lowersItself(from: Role, to: Role): boolean {
  return from === 'admin' && rankOf(to) < rankOf(from)
}

function adminUpTo(role: Role, cuts: ReadonlyMap<string, LogEnd>): ReadonlyMap<string, LogEnd> | undefined {
  return isAtLeast(role, 'admin') ? undefined : cuts
}

/** Two records at one place are a fork, which the store knows to settle; here only their order must be certain. */
export function inLogOrder(a: ControlRecord, b: ControlRecord): number {
  return a.seq - b.seq || compareText(a.id, b.id)
}
