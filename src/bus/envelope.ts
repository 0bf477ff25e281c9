import { type PeerId, PUBLIC_KEY_BYTES } from '../base/index.ts'
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { FRAME_HEADER_BYTES, ID_BYTES, kept, writeFrameHeader } from './frames.ts'
import { KIND_MAX_CHARS, MESSAGE_TTL_MAX_MS, TRACE_MAX_CHARS } from './limits.ts'
import { inSlab } from './slab.ts'
import { isKind, isTopic } from './topics.ts'
import { MESSAGE_MAX_BYTES, type Message, PRIORITIES, TOPIC_MAX_CHARS } from './types.ts'

export const ENVELOPE_VERSION = 1

/** A message as it travels: who sent it is known from the channel. */
export type Envelope = Omit<Message, 'from'>

/** A message as it travels through others: it names its author by key. */
export interface AuthoredEnvelope extends Envelope {
  /** Ed25519 public key. */
  readonly author: Uint8Array
}

const NOBODY: Uint8Array = new Uint8Array(0)
const FIELDS = 10
/** The most that the fields take besides texts and body: heads, an id, an author, three numbers. */
const FIELDS_MAX_BYTES = 128

/** A MESSAGE or REQUEST frame, the same bytes for every peer. */
export function envelopeFrame(type: number, envelope: Envelope): Uint8Array {
  return inSlab(FRAME_HEADER_BYTES + sizeBound(envelope), (bytes, start) => {
    const end = write(bytes, start + FRAME_HEADER_BYTES, envelope, NOBODY)
    writeFrameHeader(bytes, start, type, end)
    return end
  })
}

/** The bytes that an author signs. */
export function authoredEnvelope(envelope: AuthoredEnvelope): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(sizeBound(envelope))
  return new Uint8Array(bytes.buffer, 0, write(bytes, 0, envelope, envelope.author))
}

function sizeBound({ kind, topic, trace, body }: Envelope): number {
  return FIELDS_MAX_BYTES + kind.length + topic.length + trace.length + body.byteLength
}

/** Returns where it ends. */
function write(bytes: Buffer, at: number, envelope: Envelope, author: Uint8Array): number {
  const writer = new FieldWriter(bytes, at)
  writer.array(FIELDS)
  writer.uint(ENVELOPE_VERSION)
  writer.ascii(envelope.kind)
  writer.ascii(envelope.topic)
  writer.hex(envelope.id)
  writer.bytes(author)
  writer.uint(PRIORITIES.indexOf(envelope.priority))
  writer.uint(envelope.hlc)
  writer.uint(envelope.ttlMs)
  writer.ascii(envelope.trace)
  writer.bytes(envelope.body)
  return writer.at
}

/**
 * The message in a frame of `sender`; `undefined` for anything that `envelopeFrame` would not have written. Its body may be a
 * view of `payload`.
 */
export function parseEnvelope(payload: Uint8Array, sender: PeerId): Message | undefined {
  const fields = parseFields(payload, 0)
  return fields === undefined ? undefined : messageOf(fields, sender, kept(fields.body))
}

/** What `authoredEnvelope` made; who its author claims to be is not proven yet. */
export function parseAuthoredEnvelope(payload: Uint8Array): AuthoredEnvelope | undefined {
  const fields = parseFields(payload, PUBLIC_KEY_BYTES)
  return fields === undefined ? undefined : { ...fields, author: fields.author.slice(), body: fields.body.slice() }
}

/** The message in an envelope whose sender is proven. */
export function messageOf(envelope: AuthoredEnvelope, from: PeerId, body: Uint8Array = envelope.body): Message {
  const { kind, topic, id, priority, hlc, ttlMs, trace } = envelope
  return { kind, topic, id, from, priority, hlc, ttlMs, trace, body }
}

function parseFields(payload: Uint8Array, authorBytes: number): AuthoredEnvelope | undefined {
  const reader = new FieldReader(payload)
  if (reader.array() !== FIELDS || reader.uint() !== ENVELOPE_VERSION) return undefined
  const kind = reader.ascii(KIND_MAX_CHARS)
  const topic = reader.ascii(TOPIC_MAX_CHARS)
  const id = reader.hex(ID_BYTES)
  const author = reader.bytes(authorBytes)
  const priority = PRIORITIES[reader.uint()]
  const hlc = reader.uint()
  const ttlMs = reader.uint()
  const trace = reader.ascii(TRACE_MAX_CHARS)
  const body = reader.bytes(MESSAGE_MAX_BYTES)
  if (reader.failed || !reader.isAtEnd || priority === undefined) return undefined
  if (author.byteLength !== authorBytes || ttlMs > MESSAGE_TTL_MAX_MS) return undefined
  if (!isKind(kind) || (topic !== '' && !isTopic(topic))) return undefined
  return { kind, topic, id, author, priority, hlc, ttlMs, trace, body }
}
