import { bytesOfHex, encodeCbor, hexOf, isList, type PeerId, tryDecodeCbor } from '../base/index.ts'
import { frame, ID_BYTES } from './frames.ts'
import { MESSAGE_TTL_MAX_MS, TRACE_MAX_CHARS } from './limits.ts'
import { isKind, isTopic } from './topics.ts'
import { MESSAGE_MAX_BYTES, type Message, PRIORITIES } from './types.ts'

export const ENVELOPE_VERSION = 1

/** A message as it travels: who sent it is known from the channel. */
export type Envelope = Omit<Message, 'from'>

/** A MESSAGE or REQUEST frame, the same bytes for every peer. */
export function envelopeFrame(type: number, envelope: Envelope): Uint8Array {
  const { kind, topic, id, priority, hlc, ttlMs, trace, body } = envelope
  const from = new Uint8Array(0)
  const rank = PRIORITIES.indexOf(priority)
  const fields = encodeCbor([ENVELOPE_VERSION, kind, topic, bytesOfHex(id), from, rank, hlc, ttlMs, trace])
  // The body joins as the tenth element here and not in the encoder, which would copy it once more.
  fields[0] = ARRAY_OF_TEN
  return frame(type, fields, byteStringHead(body.byteLength), body)
}

const ARRAY_OF_TEN = 0x8a

/** The head of a CBOR byte string (RFC 8949 section 3). */
function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length)
  if (length < 0x100) return Uint8Array.of(0x58, length)
  if (length < 0x1_0000) return Uint8Array.of(0x59, length >> 8, length & 0xff)
  return Uint8Array.of(0x5a, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff)
}

/** The message in a frame of `sender`; `undefined` for anything that `envelopeFrame` would not have written. */
export function parseEnvelope(payload: Uint8Array, sender: PeerId): Message | undefined {
  const fields = tryDecodeCbor(payload)
  if (!isList(fields) || fields.length !== 10) return undefined
  const [version, kind, topic, id, from, rank, hlc, ttlMs, trace, body] = fields
  const priority = typeof rank === 'number' ? PRIORITIES[rank] : undefined
  if (version !== ENVELOPE_VERSION || priority === undefined) return undefined
  if (typeof kind !== 'string' || !isKind(kind)) return undefined
  if (typeof topic !== 'string' || (topic !== '' && !isTopic(topic))) return undefined
  if (!(id instanceof Uint8Array) || id.byteLength !== ID_BYTES) return undefined
  if (!(from instanceof Uint8Array) || from.byteLength !== 0) return undefined
  if (typeof hlc !== 'number' || hlc < 0 || typeof ttlMs !== 'number') return undefined
  if (ttlMs < 0 || ttlMs > MESSAGE_TTL_MAX_MS) return undefined
  if (typeof trace !== 'string' || trace.length > TRACE_MAX_CHARS) return undefined
  if (!(body instanceof Uint8Array) || body.byteLength > MESSAGE_MAX_BYTES) return undefined
  return { kind, topic, id: hexOf(id), from: sender, priority, hlc, ttlMs, trace, body }
}
