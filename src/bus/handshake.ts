import { bytesOfHex, type CborValue, encodeCbor, hexOf, isList, plainLine, tryDecodeCbor } from '../base/index.ts'
import { NAME_MAX_CHARS } from '../identity/index.ts'
import type { Channel } from '../network/index.ts'
import { BusError } from './errors.ts'
import { FrameParser } from './frame-parser.ts'
import { FRAME, frame } from './frames.ts'
import { BULK_WINDOW_MAX_BYTES, HANDSHAKE_FRAME_MAX_BYTES, REASON_MAX_CHARS } from './limits.ts'
import { LANES, type Lane } from './types.ts'

export const SESSION_ID_BYTES = 8

/** The first frame on a lane, from the peer that opened it. */
export interface Hello {
  readonly lane: Lane
  /** Groups the four lanes that belong together, 16 hexadecimal digits. */
  readonly session: string
  /** The opener's own name: untrusted. */
  readonly name: string
}

/** The answer of the peer that lets the lane in. */
export interface Accepted {
  /** What the opener may have in flight on the bulk lane. */
  readonly windowBytes: number
}

export const REFUSAL_CODES = ['not-admitted', 'busy', 'protocol', 'superseded', 'stopping'] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** In place of ACCEPTED, or at any time after it: the lane is not, or no longer, served. */
export interface Refusal {
  readonly code: RefusalCode
  readonly reason: string
}

const VERSION = 1

export function helloFrame(hello: Hello): Uint8Array {
  return frame(FRAME.hello, encodeCbor([VERSION, LANES.indexOf(hello.lane), bytesOfHex(hello.session), hello.name]))
}

export function parseHello(payload: Uint8Array): Hello | undefined {
  const fields = decodedArray(payload, 4)
  if (fields === undefined) return undefined
  const [version, laneIndex, session, name] = fields
  const lane = typeof laneIndex === 'number' ? LANES[laneIndex] : undefined
  if (version !== VERSION || lane === undefined || typeof name !== 'string') return undefined
  if (!(session instanceof Uint8Array) || session.byteLength !== SESSION_ID_BYTES) return undefined
  return { lane, session: hexOf(session), name: plainLine(name, NAME_MAX_CHARS) }
}

/**
 * Reads the HELLO that a lane begins with. Rejects with `ERR_LANE_PROTOCOL` for anything else, and for anything after it: a
 * peer has nothing to say before it is let in.
 */
export async function readHello(channel: Channel): Promise<Hello> {
  const parser = new FrameParser({ maxFrameBytes: HANDSHAKE_FRAME_MAX_BYTES })
  let hello: Hello | undefined
  const sink = (type: number, payload: Buffer): string | undefined => {
    if (hello !== undefined || type !== FRAME.hello) return `frame type ${type} where HELLO belongs`
    hello = parseHello(payload)
    return hello === undefined ? 'a HELLO that cannot be read' : undefined
  }
  while (hello === undefined) {
    const chunk = await channel.read()
    const fault = chunk === undefined ? 'the stream ended before HELLO' : parser.push(chunk, sink)
    if (fault !== undefined) throw new BusError('ERR_LANE_PROTOCOL', fault)
  }
  if (parser.pendingBytes > 0) throw new BusError('ERR_LANE_PROTOCOL', 'data before the lane was accepted')
  return hello
}

export function acceptedFrame(accepted: Accepted): Uint8Array {
  return frame(FRAME.accepted, encodeCbor([accepted.windowBytes]))
}

export function parseAccepted(payload: Uint8Array): Accepted | undefined {
  const [windowBytes] = decodedArray(payload, 1) ?? []
  if (typeof windowBytes !== 'number' || windowBytes < 1) return undefined
  return { windowBytes: Math.min(windowBytes, BULK_WINDOW_MAX_BYTES) }
}

export function refusedFrame(refusal: Refusal): Uint8Array {
  return frame(FRAME.refused, encodeCbor([refusal.code, plainLine(refusal.reason, REASON_MAX_CHARS)]))
}

export function parseRefusal(payload: Uint8Array): Refusal | undefined {
  const [text, reason] = decodedArray(payload, 2) ?? []
  const code = REFUSAL_CODES.find((known) => known === text)
  if (code === undefined || typeof reason !== 'string') return undefined
  return { code, reason: plainLine(reason, REASON_MAX_CHARS) }
}

function decodedArray(bytes: Uint8Array, length: number): readonly CborValue[] | undefined {
  const value = tryDecodeCbor(bytes)
  return isList(value) && value.length === length ? value : undefined
}
