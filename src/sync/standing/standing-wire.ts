import { bytesOfHex, type CborValue, encodeCbor, HASH_BYTES, type SpaceId, spaceIdOf } from '../../base/index.ts'
import { RUN_MAX_BYTES } from '../../records/index.ts'
import { asBytes, malformed, openMessage, WIRE_VERSION } from '../fields.ts'

/** docs/specs/standing.md */
export const STANDING_PROTOCOL = '/plexus/standing/1.0.0'
/** One frame: at most a batch of control records with its head. */
export const STANDING_FRAME_MAX_BYTES: number = RUN_MAX_BYTES + 64

export type StandingMessage =
  /** You refused me: am I no member? */
  | { readonly is: 'ask'; readonly space: SpaceId }
  /** You are no member any more: what says so follows. */
  | { readonly is: 'tell'; readonly space: SpaceId }
  | { readonly is: 'member' }
  /** What says so follows. */
  | { readonly is: 'removed' }
  /** I know nothing of you: show what makes you a member. */
  | { readonly is: 'show' }
  | { readonly is: 'unknown' }
  /** A batch of frames of one control log, in the encoding of docs/specs/records.md. */
  | { readonly is: 'control'; readonly frames: Uint8Array }
  | { readonly is: 'end' }

const TYPES = ['ask', 'tell', 'member', 'removed', 'show', 'unknown', 'control', 'end'] as const

export function encodeStanding(message: StandingMessage): Uint8Array {
  return encodeCbor([WIRE_VERSION, TYPES.indexOf(message.is), contentOf(message)])
}

function contentOf(message: StandingMessage): CborValue {
  if (message.is === 'ask' || message.is === 'tell') return bytesOfHex(message.space)
  return message.is === 'control' ? message.frames : null
}

/** Throws `ERR_SYNC_MALFORMED`. */
export function decodeStanding(bytes: Uint8Array): StandingMessage {
  const [type, content] = openMessage(bytes, 2)
  const is = typeof type === 'number' ? TYPES[type] : undefined
  if (is === undefined) return malformed()
  if (is === 'ask' || is === 'tell') return { is, space: spaceIdOf(asBytes(content, HASH_BYTES)) }
  if (is === 'control') return { is, frames: asBytes(content, 1, RUN_MAX_BYTES) }
  return content === null ? { is } : malformed()
}
