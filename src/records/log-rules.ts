import { bytesEqual, HASH_BYTES } from '../base/index.ts'
import type { RefusalReason } from './types.ts'

/** Frames that wait for one log, and for all logs of a space; beyond that the one that came first is dropped and counted. */
export const PARKED_MAX_PER_LOG = 64
export const PARKED_MAX_PER_SPACE = 4_096

/** What stands where a record has no predecessor. */
export const NO_RECORD: Uint8Array = new Uint8Array(HASH_BYTES)

/** How far a log is held. A frozen log has forked right after its head and takes nothing more. */
export interface LogState {
  /** 0 while nothing is held. */
  readonly seq: number
  readonly id: Uint8Array
  readonly frozen: boolean
}

export const EMPTY_LOG: LogState = { seq: 0, id: NO_RECORD, frozen: false }

/** What the rules look at; the signature is the caller's business, see `Verdict`. */
export interface FrameFacts {
  readonly seq: number
  readonly prev: Uint8Array
  readonly id: Uint8Array
  /** Whether its timestamp is too far ahead of our clock. */
  readonly ahead: boolean
}

/**
 * `accept`: it is the next record. `duplicate`: we hold it. `fork`: another record stands at its place. `gap`: records before
 * it are missing. `park`: its time has not come. All but `duplicate` and `refuse` hold only if the signature is valid.
 */
export type Verdict = 'accept' | 'duplicate' | 'fork' | 'gap' | 'park' | { readonly refuse: RefusalReason }

const FROZEN: Verdict = { refuse: 'frozen' }
const BROKEN_CHAIN: Verdict = { refuse: 'broken-chain' }

/**
 * The rules of a log, docs/specs/records.md section 5. `heldId` gives the id of the record that the log holds at a number up
 * to its head; it is asked only for those.
 */
export function judge(log: LogState, frame: FrameFacts, heldId: (seq: number) => Uint8Array): Verdict {
  if (frame.seq <= log.seq) return bytesEqual(heldId(frame.seq), frame.id) ? 'duplicate' : 'fork'
  if (log.frozen) return FROZEN
  if (frame.ahead) return 'park'
  if (frame.seq > log.seq + 1) return 'gap'
  return bytesEqual(frame.prev, log.id) ? 'accept' : BROKEN_CHAIN
}

export function extended(frame: FrameFacts): LogState {
  return { seq: frame.seq, id: frame.id, frozen: false }
}

/** The log after two records were seen at `seq`: frozen at the one before, whose id is `before`. */
export function frozenBefore(seq: number, before: Uint8Array): LogState {
  return { seq: seq - 1, id: before, frozen: true }
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
