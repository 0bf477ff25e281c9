import { compareText, type PeerId, type RecordId } from '../base/index.ts'
import type { Cut } from './control-records.ts'

/** The class of a log is the first byte of its name. */
const CONTROL_PREFIX = '00'

/** The last record of a log that counts; `seq` 0 when none does. */
export interface LogEnd {
  readonly seq: number
  readonly id: RecordId | undefined
}

export const NOTHING: LogEnd = { seq: 0, id: undefined }
/** All of the log counts. */
export const EVERYTHING: LogEnd = { seq: Number.POSITIVE_INFINITY, id: undefined }

/** A removal that counts for its device. */
export interface Revocation {
  readonly id: RecordId
  readonly author: PeerId
  readonly level: number
  readonly hlc: number
  readonly cuts: ReadonlyMap<string, LogEnd>
  /** Where it stands, if the device wrote it itself: it ends that log, and counts itself. */
  readonly own: { readonly log: string; readonly seq: number } | undefined
  /** The device that is to take over. */
  readonly successor: PeerId | undefined
}

/** A stretch of one log that counts again, or with `first` the branch that was chosen where the log forked. */
export interface Acceptance {
  readonly id: RecordId
  readonly level: number
  readonly log: string
  readonly from: number
  readonly to: number
  readonly last: RecordId
  readonly first: RecordId | undefined
}

/** By log. A log that is named twice ends at the lower place. */
export function endsOf(cuts: readonly Cut[]): ReadonlyMap<string, LogEnd> {
  const ends = new Map<string, LogEnd>()
  for (const [log, seq, id] of cuts) {
    ends.set(log, lowest([ends.get(log) ?? EVERYTHING, { seq, id }]))
  }
  return ends
}

/** The more senior first; of equals, the one with the lower id. */
export function bySeniority<T extends { readonly level: number; readonly id: RecordId }>(a: T, b: T): number {
  return a.level - b.level || compareText(a.id, b.id)
}

/** What was accepted of one log: of choices for the same place only the most senior stays. */
export function acceptedOf(accepts: readonly Acceptance[], log: string): readonly Acceptance[] {
  const chosen = new Set<number>()
  return accepts
    .filter((accept) => accept.log === log)
    .toSorted(bySeniority)
    .filter(({ first, from }) => first === undefined || (!chosen.has(from) && chosen.add(from)))
}

/** Where a revocation ends a log, moved by what members at least as senior as its author accepted. */
export function endBy(revocation: Revocation, log: string, accepted: readonly Acceptance[]): LogEnd {
  const { own, id, cuts, level } = revocation
  const end = own?.log === log ? { seq: own.seq, id } : (cuts.get(log) ?? NOTHING)
  return moved(end, level, accepted)
}

/** A log whose branch was chosen is closed where the choice says, moved by what was accepted after it. */
export function closedBy(accepted: readonly Acceptance[]): LogEnd {
  const choices = accepted.filter(({ first }) => first !== undefined)
  return lowest(choices.map(({ to, last, level }) => moved({ seq: to, id: last }, level, accepted)))
}

export function lowest(ends: readonly LogEnd[]): LogEnd {
  return ends.reduce((low, end) => (isLower(end, low) ? end : low), EVERYTHING)
}

/** Two ends at one place with different ids speak of a fork; so that all choose the same, the lower id counts. */
function isLower(a: LogEnd, b: LogEnd): boolean {
  return a.seq < b.seq || (a.seq === b.seq && compareText(a.id ?? '', b.id ?? '') < 0)
}

function moved(end: LogEnd, level: number, accepted: readonly Acceptance[]): LogEnd {
  const authorised = accepted.filter((accept) => accept.level <= level)
  let { seq } = end
  for (const { from, to } of authorised.toSorted((a, b) => a.from - b.from)) {
    if (from > seq + 1) break
    seq = Math.max(seq, to)
  }
  // The accepted stretches come in the order of seniority, so of those that end here the most senior speaks.
  return seq === end.seq ? end : { seq, id: authorised.find(({ to }) => to === seq)?.last }
}

export function isControlLog(log: string): boolean {
  return log.startsWith(CONTROL_PREFIX)
}
