import type { PeerId, RecordId } from '../base/index.ts'
import {
  type Acceptance,
  acceptedOf,
  bySeniority,
  closedBy,
  endBy,
  type LogEnd,
  lowest,
  NOTHING,
  type Revocation,
} from './log-windows.ts'
import type { Role } from './types.ts'

/** One reason for a device to be a member: the genesis, an admission, or a rotation to it. */
export interface Admission {
  readonly id: RecordId
  /** The level that it gives. */
  readonly level: number
  readonly author: PeerId
  readonly authorLevel: number
  readonly role: Role
  /** The highest role that it ever gave. */
  readonly granted: Role
  readonly principal: string
  readonly name: string
  readonly sealing: string
  readonly invite: string | undefined
  /** The revocations that it undoes, as far as its author may. */
  readonly after: readonly RecordId[]
  readonly hlc: number
}

/**
 * A time of membership: all admissions of a device that undo the same revocations. Each log of the device belongs to one term at
 * most, because a log that an undone revocation names belongs to an earlier one, and a log that a standing one does not name to a
 * later one.
 */
export interface Term {
  /** Revocations that it undoes. */
  readonly undone: ReadonlySet<RecordId>
  /** Those that stand against it, the most senior first. */
  readonly standing: readonly Revocation[]
  /** The most senior first; the first one decides. */
  readonly admissions: readonly Admission[]
  readonly root: Admission
}

/** Why a device is or was a member, and what ended that: all of it the word of members of lower levels, but that it removed itself. */
export interface Tenure {
  /** The latest first; there is at least one. */
  readonly terms: readonly Term[]
  /** The most senior first. */
  readonly revocations: readonly Revocation[]
  readonly namedIn: ReadonlyMap<string, readonly Revocation[]>
  readonly accepts: readonly Acceptance[]
}

export function tenureOf(
  admissions: readonly Admission[],
  revocations: readonly Revocation[],
  accepts: readonly Acceptance[],
): Tenure {
  const sorted = revocations.toSorted(bySeniority)
  const namedIn = new Map<string, Revocation[]>()
  for (const revocation of sorted) {
    for (const log of logsOf(revocation)) {
      const naming = namedIn.get(log)
      if (naming === undefined) namedIn.set(log, [revocation])
      else naming.push(revocation)
    }
  }
  return { terms: termsOf(admissions, sorted), revocations: sorted, namedIn, accepts }
}

function logsOf({ cuts, own }: Revocation): ReadonlySet<string> {
  return own === undefined ? new Set(cuts.keys()) : new Set([...cuts.keys(), own.log])
}

function termsOf(admissions: readonly Admission[], revocations: readonly Revocation[]): readonly Term[] {
  const undoneBy = ({ after, authorLevel }: Admission): readonly RecordId[] =>
    after.length === 0
      ? []
      : revocations.filter(({ id, level }) => authorLevel <= level && after.includes(id)).map(({ id }) => id)
  const groups = Map.groupBy(admissions, (admission) => undoneBy(admission).join())
  const terms = [...groups.values()].map((group) => {
    const [root, ...others] = group.toSorted(bySeniority) as [Admission, ...Admission[]]
    const undone = new Set(undoneBy(root))
    const standing = revocations.filter(({ id }) => !undone.has(id))
    return { undone, standing, admissions: [root, ...others], root }
  })
  return terms.toSorted(byRecency)
}

function byRecency(a: Term, b: Term): number {
  return b.undone.size - a.undone.size || bySeniority(a.root, b.root)
}

/** The term against which no revocation stands; `undefined` when the device is no member. */
export function currentTerm({ terms }: Tenure): Term | undefined {
  return terms.find(({ standing }) => standing.length === 0)
}

/** How far a log counts for a term. */
function windowOf(tenure: Tenure, term: Term, log: string, accepted: readonly Acceptance[]): LogEnd {
  const naming = tenure.namedIn.get(log) ?? []
  if (naming.some(({ id }) => term.undone.has(id))) return NOTHING
  if (accepted.length > 0) return lowest(term.standing.map((revocation) => endBy(revocation, log, accepted)))
  // What nothing was accepted of ends before its first record for each revocation that does not name it.
  if (naming.length < term.standing.length) return NOTHING
  return lowest(naming.map((revocation) => endBy(revocation, log, accepted)))
}

export interface LogPlace {
  readonly term: Term
  readonly end: LogEnd
}

/** The term that a log belongs to, and how far the log counts: of more than one, the term that lets more of it count. */
export function placeOf(tenure: Tenure, log: string, own: readonly Acceptance[] = []): LogPlace {
  const accepted = acceptedOf([...tenure.accepts, ...own], log)
  const places = tenure.terms.map((term) => ({ term, end: windowOf(tenure, term, log, accepted) }))
  const best = places.reduce((found, place) => (place.end.seq > found.end.seq ? place : found))
  return { term: best.term, end: lowest([best.end, closedBy(accepted)]) }
}

/**
 * The term in which a device removed itself. What it says of its other logs cannot deny that: a key that was given up must not be
 * able to take back its last word.
 */
export function termOfOwn(tenure: Tenure, { own }: Revocation): Term | undefined {
  if (own === undefined) return undefined
  const { log, seq } = own
  const accepted = acceptedOf(tenure.accepts, log)
  const named = tenure.namedIn.get(log) ?? []
  return tenure.terms.find(
    (term) =>
      !named.some(({ id }) => term.undone.has(id)) &&
      term.standing.every((one) => one.own !== undefined || endBy(one, log, accepted).seq >= seq),
  )
}
