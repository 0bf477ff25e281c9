import { hash } from 'node:crypto'
import { type CborValue, encodeCbor, HASH_BYTES, isList, PUBLIC_KEY_BYTES, utf8 } from '../base/index.ts'
import { decodeCanonical } from './decode.ts'
import { RecordsError } from './errors.ts'
import {
  BODY_MAX_BYTES,
  BODY_SALT_BYTES,
  FLAG_ENCRYPTED,
  FLAG_HAS_EXPIRY,
  FLAG_PRUNE_POINT,
  type Header,
  LOG_CLASS,
  LOG_NAME_BYTES,
  type LogClass,
} from './types.ts'

export const RECORD_VERSION = 1
export const HEADER_FIELDS = 14
/** What fourteen fields with the greatest numbers take. */
export const HEADER_MAX_BYTES = 199
export const AUTH_BYTES = 8
/** Bounds kinds and epochs. */
export const UINT32_MAX: number = 2 ** 32 - 1
/** Separates the signatures of records from all others of a device; see `Signer`. */
export const RECORD_SIGNATURE_TAG = 'plexus/sig/1'

const KNOWN_FLAGS = FLAG_ENCRYPTED | FLAG_PRUNE_POINT | FLAG_HAS_EXPIRY
const ID_TAG: Uint8Array = utf8('plexus/rec/1')
/** Where `recordIdBytes` puts tag and header together. */
const hashInput = new Uint8Array(ID_TAG.length + HEADER_MAX_BYTES)
hashInput.set(ID_TAG)

/** In an encoded header, what precedes the device: array head, version, and the space; each byte string has a head of two. */
const DEVICE_AT: number = 1 + 1 + 2 + HASH_BYTES + 2
/** The device, the head of the log's name, and the name. */
const LOG_KEY_BYTES: number = PUBLIC_KEY_BYTES + 1 + LOG_NAME_BYTES
const LOG_NAME_HEAD = 0x40 + LOG_NAME_BYTES

/** The bytes that are signed: a canonical CBOR array of the fourteen fields. The caller vouches for the ranges. */
export function encodeHeader(header: Header): Uint8Array {
  const { v, space, device, log, seq, prev, hlc, auth, kind, flags, epoch, exp, bodyHash, bodyLen } = header
  return encodeCbor([v, space, device, log, seq, prev, hlc, auth, kind, flags, epoch, exp, bodyHash, bodyLen])
}

/** Throws `RecordsError`: `ERR_RECORD_TOO_LARGE`, `ERR_RECORD_NOT_CANONICAL`, `ERR_RECORD_MALFORMED`. */
export function decodeHeader(bytes: Uint8Array): Header {
  if (bytes.length > HEADER_MAX_BYTES) throw new RecordsError('ERR_RECORD_TOO_LARGE', 'the header is too long')
  const fields = decodeCanonical(bytes)
  if (!isList(fields) || fields.length !== HEADER_FIELDS) throw malformed('a header has fourteen fields')
  const [v, space, device, log, seq, prev, hlc, auth, kind, flags, epoch, exp, bodyHash, bodyLen] = fields
  if (v !== RECORD_VERSION) throw malformed('the version is unknown')
  const header: Header = {
    v,
    space: bytesOf(space, HASH_BYTES),
    device: bytesOf(device, PUBLIC_KEY_BYTES),
    log: bytesOf(log, LOG_NAME_BYTES),
    seq: uintOf(seq, Number.MAX_SAFE_INTEGER),
    prev: bytesOf(prev, HASH_BYTES),
    hlc: uintOf(hlc, Number.MAX_SAFE_INTEGER),
    auth: bytesOf(auth, AUTH_BYTES),
    kind: uintOf(kind, UINT32_MAX),
    flags: uintOf(flags, KNOWN_FLAGS),
    epoch: uintOf(epoch, UINT32_MAX),
    exp: uintOf(exp, Number.MAX_SAFE_INTEGER),
    bodyHash: bytesOf(bodyHash, HASH_BYTES),
    bodyLen: uintOf(bodyLen, Number.MAX_SAFE_INTEGER),
  }
  assertMeaning(header)
  return header
}

function bytesOf(value: CborValue | undefined, length: number): Uint8Array {
  if (value instanceof Uint8Array && value.length === length) return value
  throw malformed(`a field is not a byte string of ${length} bytes`)
}

/** Canonical numbers that are whole are integers. */
function uintOf(value: CborValue | undefined, max: number): number {
  if (typeof value === 'number' && value >= 0 && value <= max && Number.isInteger(value)) return value
  throw malformed(`a field is not an integer from 0 to ${max}`)
}

/** Rules between fields; each has one spelling only, so that no two headers mean the same. */
function assertMeaning(header: Header): void {
  const { seq, flags, epoch, exp, bodyLen } = header
  if (seq === 0) throw malformed('a log counts from 1')
  if ((seq === 1) !== isZero(header.prev)) throw malformed('the first record, and no other, has no predecessor')
  if (bodyLen > BODY_MAX_BYTES) throw new RecordsError('ERR_RECORD_TOO_LARGE', 'the body is too long')
  if (bodyLen < BODY_SALT_BYTES) throw malformed('the body has no room for its salt')
  if (((flags & FLAG_ENCRYPTED) !== 0) !== epoch > 0) throw malformed('the epoch contradicts the flags')
  if (((flags & FLAG_HAS_EXPIRY) !== 0) !== exp > 0) throw malformed('the expiry contradicts the flags')
  if (header.kind === 0 && epoch === 0) throw malformed('only a ciphertext hides its kind')
  assertClass(header)
}

function assertClass(header: Header): void {
  const logClass = header.log[0]
  if (!isLogClass(logClass)) throw malformed('the class of the log is unknown')
  if (logClass === LOG_CLASS.expiring && header.exp === 0) throw malformed('a record of an expiring log has no expiry')
  if (logClass === LOG_CLASS.control && header.flags !== 0) throw malformed('a control record has flags')
}

/** SHA-256 over a domain tag and the header; the signature is no part of it, so it cannot make a second id. */
export function recordIdBytes(header: Uint8Array): Uint8Array {
  hashInput.set(header, ID_TAG.length)
  return hash('sha256', hashInput.subarray(0, ID_TAG.length + header.length), 'buffer')
}

/** Names a log within a space: device and log name, which stand side by side in every header that `decodeHeader` takes. */
export function logKeyOfHeader(header: Uint8Array): string {
  return latin1(header.subarray(DEVICE_AT, DEVICE_AT + LOG_KEY_BYTES))
}

/** The same name, made of its parts. */
export function logKeyOf(device: Uint8Array, log: Uint8Array): string {
  return `${latin1(device)}${String.fromCharCode(LOG_NAME_HEAD)}${latin1(log)}`
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The class of a log's name, which must be one that `decodeHeader` took or that we made. */
export function classOfLog(log: Uint8Array): LogClass {
  return log[0] as LogClass
}

export function isLogClass(value: number | undefined): value is LogClass {
  return value === LOG_CLASS.control || value === LOG_CLASS.durable || value === LOG_CLASS.expiring
}

export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}

function malformed(message: string): RecordsError {
  return new RecordsError('ERR_RECORD_MALFORMED', message)
}
