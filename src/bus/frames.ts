import { bytesOfHex } from '../base/index.ts'
import { inSlab } from './slab.ts'

/** Frame types of `/plexus/lane/1.1.0` (docs/specs/bus.md). */
export const FRAME = {
  hello: 1,
  accepted: 2,
  refused: 3,
  message: 4,
  request: 5,
  answer: 6,
  answerPart: 7,
  answerEnd: 8,
  error: 9,
  cancel: 10,
  credit: 11,
  ping: 12,
  pong: 13,
  addresses: 14,
  spread: 15,
  announce: 16,
  graft: 17,
  prune: 18,
  want: 19,
  mark: 20,
  requestOnce: 21,
  relay: 22,
  relayRefused: 23,
  probe: 24,
  probed: 25,
  links: 26,
} as const

/** u32 length (big-endian, of what follows it) and u8 type. */
export const FRAME_HEADER_BYTES = 5
export const ID_BYTES = 16
const TOKEN_BYTES = 4
const VIEW_MIN_BYTES = 512
const NOTHING: Uint8Array = new Uint8Array(0)

/** A whole frame: header and payload. */
export function frame(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.byteLength, 0)
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + size)
  writeFrameHeader(bytes, 0, type, bytes.byteLength)
  let at = FRAME_HEADER_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

/** The header of the frame that lies from `start` to `end`. */
export function writeFrameHeader(bytes: Buffer, start: number, type: number, end: number): void {
  bytes.writeUInt32BE(end - start - FRAME_HEADER_BYTES + 1, start)
  bytes[start + FRAME_HEADER_BYTES - 1] = type
}

/** ANSWER, ANSWER_PART, ANSWER_END, ERROR, CANCEL: the request's id, then the rest. */
export function replyFrame(type: number, id: string, body: Uint8Array = NOTHING): Uint8Array {
  return inSlab(FRAME_HEADER_BYTES + ID_BYTES + body.byteLength, (bytes, start) => {
    const bodyAt = start + FRAME_HEADER_BYTES + ID_BYTES
    const end = bodyAt + body.byteLength
    writeFrameHeader(bytes, start, type, end)
    bytes.write(id, start + FRAME_HEADER_BYTES, 'hex')
    bytes.set(body, bodyAt)
    return end
  })
}

/** The id that such a frame begins with, as 32 hexadecimal digits; `undefined` if it is too short. */
export function idOf(payload: Buffer): string | undefined {
  return payload.byteLength < ID_BYTES ? undefined : payload.toString('hex', 0, ID_BYTES)
}

/** What follows the id. */
export function bodyOf(payload: Buffer): Uint8Array {
  return kept(new Uint8Array(payload.buffer, payload.byteOffset + ID_BYTES, payload.byteLength - ID_BYTES))
}

/** A body as it is handed on: a view of the input, or a copy where it is so small that kept it would keep much more than itself. */
export function kept(body: Uint8Array): Uint8Array {
  return body.byteLength < VIEW_MIN_BYTES ? body.slice() : body
}

export function creditFrame(bytes: number, stream?: string): Uint8Array {
  const amount = uint32(bytes)
  return stream === undefined ? frame(FRAME.credit, amount) : frame(FRAME.credit, amount, bytesOfHex(stream))
}

export interface Credit {
  readonly bytes: number
  /** The streamed answer it is for; the bulk lane as a whole when absent. */
  readonly stream: string | undefined
}

export function parseCredit(payload: Buffer): Credit | undefined {
  if (payload.byteLength !== TOKEN_BYTES && payload.byteLength !== TOKEN_BYTES + ID_BYTES) return undefined
  const stream = payload.byteLength === TOKEN_BYTES ? undefined : payload.toString('hex', TOKEN_BYTES)
  return { bytes: payload.readUInt32BE(0), stream }
}

export function pingFrame(type: number, token: number): Uint8Array {
  return frame(type, uint32(token))
}

export function parseToken(payload: Buffer): number | undefined {
  return payload.byteLength === TOKEN_BYTES ? payload.readUInt32BE(0) : undefined
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(TOKEN_BYTES)
  bytes.writeUInt32BE(value, 0)
  return bytes
}
