import { bytesEqual, HASH_BYTES, hexOf } from '../base/index.ts'
import type { RefusalReason } from './journal-types.ts'
import { FLAG_PRUNE_POINT, type LogRule, NO_RULE } from './types.ts'

/** Frames that wait for one log, and for all logs of a space; beyond that the one that came first is dropped and counted. */
export const PARKED_MAX_PER_LOG = 64
export const PARKED_MAX_PER_SPACE = 4_096

/** What stands where a record has no predecessor. */
export const NO_RECORD: Uint8Array = new Uint8Array(HASH_BYTES)

/** How far a log is held: the records from `base` to `seq`, none missing. */
export interface LogState {
  /** 1, or the number of a prune point; `seq + 1` when all has expired and was dropped. */
  readonly base: number
  /** 0 while nothing is held. */
  readonly seq: number
  readonly id: Uint8Array
}

export const EMPTY_LOG: LogState = { base: 1, seq: 0, id: NO_RECORD }

/** What the rules look at; the signature is the caller's business, see `Verdict`. */
export interface FrameFacts {
  readonly seq: number
  readonly prev: Uint8Array
  readonly id: Uint8Array
  readonly flags: number
  /** Whether its timestamp is too far ahead of our clock. */
  readonly ahead: boolean
}

/** A place where two records are known, both signed by the author of the log. */
export interface ForkPlace {
  readonly seq: number
  /** What both name as their predecessor; `undefined` when they name two, so that the log forked earlier. */
  readonly prev: Uint8Array | undefined
}

/** How far a log may be held. */
export interface Limit {
  /** The last number that may count. */
  readonly seq: number
  /** Why later ones do not. */
  readonly reason: 'not-allowed' | 'frozen'
  /** What the space says of the log: at the places named there, one record may stand and no other. */
  readonly rule: LogRule
  /** The lowest number at which a branch was chosen. Prune points above it are records like others. */
  readonly chosen: number
}

/** The id of the record that is held at a number, if there is one. */
export type HeldId = (seq: number) => Uint8Array | undefined

const UNLIMITED: Limit = {
  seq: Number.POSITIVE_INFINITY,
  reason: 'not-allowed',
  rule: NO_RULE,
  chosen: Number.POSITIVE_INFINITY,
}

/**
 * The limit of a log by what its space says of it and by its forks. Without a choice the lowest fork ends it. Above a chosen
 * branch another fork does so only if that branch leads to it: those of the branches that were not chosen mean nothing.
 */
export function limitOf(rule: LogRule, forks: readonly ForkPlace[], heldId: HeldId): Limit {
  const { end, branches } = rule
  if (end === undefined && branches.length === 0 && forks.length === 0) return UNLIMITED
  const chosen = branches.reduce((lowest, { seq }) => Math.min(lowest, seq), Number.POSITIVE_INFINITY)
  let seq = end?.seq ?? Number.POSITIVE_INFINITY
  let reason: Limit['reason'] = 'not-allowed'
  for (const fork of forks) {
    if (fork.seq > seq || branches.some((branch) => branch.seq === fork.seq)) continue
    if (fork.seq > chosen && !bearsAboveChoice(fork, rule, heldId)) continue
    seq = fork.seq - 1
    reason = 'frozen'
  }
  return { seq, reason, rule, chosen }
}

/** Whether a chosen branch leads to this fork above it. */
export function bearsAboveChoice({ seq, prev }: ForkPlace, { branches }: LogRule, heldId: HeldId): boolean {
  if (prev === undefined || !branches.some((branch) => branch.seq < seq)) return false
  const before = heldId(seq - 1)
  return before !== undefined && bytesEqual(prev, before)
}

/** The last number up to which what is held counts: that of the head if all of it does. */
export function countsUpTo(log: LogState, { seq, rule, chosen }: Limit, heldId: HeldId): number {
  let last = Math.min(log.seq, seq)
  const only = rule.end === undefined ? rule.branches : [...rule.branches, rule.end]
  for (const place of only) if (place.seq <= last && !holds(place, heldId)) last = place.seq - 1
  // What a prune point superseded is wanted after all.
  const lostItsStart = log.base > chosen || (last < log.seq && last < log.base)
  return lostItsStart ? 0 : last
}

function holds({ seq, id }: NonNullable<LogRule['end']>, heldId: HeldId): boolean {
  const held = heldId(seq)
  return id === undefined || (held !== undefined && hexOf(held) === id)
}

/**
 * `accept`: it is the next record. `start`: it is a prune point, so that what comes before it is not missed. `duplicate`: we hold
 * it, or what superseded it. `fork`: another record stands at its place. `gap`: records before it are missing. `park`: its time
 * has not come. All but `duplicate` and `refuse` hold only if the signature is valid.
 */
export type Verdict = 'accept' | 'start' | 'duplicate' | 'fork' | 'gap' | 'park' | { readonly refuse: RefusalReason }

const FROZEN: Verdict = { refuse: 'frozen' }
const NOT_ALLOWED: Verdict = { refuse: 'not-allowed' }
const BROKEN_CHAIN: Verdict = { refuse: 'broken-chain' }

/** The rules of a log, docs/specs/records.md sections 5 and 6. `heldId` is asked only for numbers up to the head. */
export function judge(log: LogState, frame: FrameFacts, limit: Limit, heldId: HeldId): Verdict {
  if (frame.seq < log.base) return 'duplicate'
  if (frame.seq <= log.seq) return judgeHeld(log, frame, limit, heldId)
  if (frame.seq > limit.seq) return limit.reason === 'frozen' ? FROZEN : NOT_ALLOWED
  if (isOtherBranch(frame, limit)) return FROZEN
  const { end } = limit.rule
  if (end?.seq === frame.seq && end.id !== undefined && end.id !== hexOf(frame.id)) return NOT_ALLOWED
  if (frame.ahead) return 'park'
  if (frame.seq > log.seq + 1) return supersedes(frame, limit) ? 'start' : 'gap'
  return bytesEqual(frame.prev, log.id) ? 'accept' : BROKEN_CHAIN
}

/** A frame at the place of a record that is held. */
function judgeHeld(log: LogState, frame: FrameFacts, limit: Limit, heldId: HeldId): Verdict {
  const held = heldId(frame.seq)
  if (held !== undefined && bytesEqual(held, frame.id)) return 'duplicate'
  if (isOtherBranch(frame, limit)) return FROZEN
  if (frame.seq < limit.chosen) return 'fork'
  // Above a choice it is a fork of the chosen branch only if it continues that.
  const before = frame.seq === log.base ? undefined : heldId(frame.seq - 1)
  return before !== undefined && bytesEqual(before, frame.prev) ? 'fork' : BROKEN_CHAIN
}

function isOtherBranch({ seq, id }: FrameFacts, { rule }: Limit): boolean {
  const choice = rule.branches.find((branch) => branch.seq === seq)
  return choice !== undefined && choice.id !== hexOf(id)
}

/** Whether everything before this record is to be dropped: what a prune point says, unless a choice needs it. */
export function supersedes({ seq, flags }: Pick<FrameFacts, 'seq' | 'flags'>, { chosen }: Limit): boolean {
  return (flags & FLAG_PRUNE_POINT) !== 0 && seq <= chosen
}

export function extended({ base }: LogState, frame: Pick<FrameFacts, 'seq' | 'id'>): LogState {
  return { base, seq: frame.seq, id: frame.id }
}

/** A frame of a batch, as far as its place in a log goes. */
export interface Link {
  /** Names the log. */
  readonly key: string
  readonly seq: number
  readonly prev: Uint8Array
  readonly id: Uint8Array
}

/**
 * The index of the last frame of the contiguous stretch that begins at `start`. Each header commits to the id of the one
 * before it, so a valid signature on one frame of a stretch speaks for all frames before it.
 */
export function stretchEnd(links: readonly Link[], start: number): number {
  let end = start
  for (let next = links[end + 1]; next !== undefined && follows(next, links[end]); next = links[end + 1]) end++
  return end
}

function follows(next: Link, link: Link | undefined): boolean {
  return link !== undefined && next.key === link.key && next.seq === link.seq + 1 && bytesEqual(next.prev, link.id)
}
