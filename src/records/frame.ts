import { type CborValue, encodeCbor, isList } from '../base/index.ts'
import { SIGNATURE_BYTES, type Signer, type Verifier } from '../identity/index.ts'
import { decodeCanonical } from './decode.ts'
import { RecordsError } from './errors.ts'
import { HEADER_MAX_BYTES, RECORD_SIGNATURE_TAG } from './header.ts'
import { BODY_MAX_BYTES, type Frame, RUN_MAX_BYTES, RUN_MAX_FRAMES } from './types.ts'

const FRAME_FIELDS = 3
/** The head of an array of RUN_MAX_FRAMES items. */
export const BATCH_HEAD_BYTES = 3
/** A frame of the longest parts: array head, parts, and the head of each. */
const FRAME_MAX_BYTES: number = 1 + 2 + HEADER_MAX_BYTES + 2 + SIGNATURE_BYTES + 5 + BODY_MAX_BYTES

/** The bytes that a frame takes inside a batch. */
export function frameBytes({ header, signature, body }: Frame): number {
  return 1 + byteStringBytes(header) + byteStringBytes(signature) + (body === null ? 1 : byteStringBytes(body))
}

function byteStringBytes({ length }: Uint8Array): number {
  return length + (length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5)
}

/** One frame: a CBOR array of header, signature, and body or null. */
export function encodeFrame(frame: Frame): Uint8Array {
  return encodeCbor(fieldsOf(frame))
}

/** A batch: a CBOR array of frames. The caller keeps to RUN_MAX_FRAMES and RUN_MAX_BYTES. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  return encodeCbor(frames.map(fieldsOf))
}

function fieldsOf({ header, signature, body }: Frame): CborValue {
  return [header, signature, body]
}

/**
 * The parts of a frame; what they say is judged by `Journal.ingest`.
 * Throws `RecordsError`: `ERR_RECORD_TOO_LARGE`, `ERR_RECORD_NOT_CANONICAL`, `ERR_RECORD_MALFORMED`.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length > FRAME_MAX_BYTES) throw tooLarge('the frame is too long')
  return frameOf(decodeCanonical(bytes))
}

/** As `decodeFrame` for a batch of at most RUN_MAX_FRAMES frames in at most RUN_MAX_BYTES. */
export function decodeFrames(bytes: Uint8Array): readonly Frame[] {
  if (bytes.length > RUN_MAX_BYTES) throw tooLarge('the batch is too long')
  const values = decodeCanonical(bytes)
  if (!isList(values)) throw malformed('a batch is an array')
  if (values.length > RUN_MAX_FRAMES) throw tooLarge(`a batch has more than ${RUN_MAX_FRAMES} frames`)
  return values.map(frameOf)
}

function frameOf(value: CborValue): Frame {
  if (!isList(value) || value.length !== FRAME_FIELDS) throw malformed('a frame is an array of three')
  const [header, signature, body] = value
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw malformed('a part is no byte string')
  if (body !== null && !(body instanceof Uint8Array)) throw malformed('a body is a byte string or null')
  if (signature.length !== SIGNATURE_BYTES) throw malformed('a signature is of another length')
  if (header.length > HEADER_MAX_BYTES) throw tooLarge('the header is too long')
  if (body !== null && body.length > BODY_MAX_BYTES) throw tooLarge('the body is too long')
  return { header, signature, body }
}

function malformed(message: string): RecordsError {
  return new RecordsError('ERR_RECORD_MALFORMED', message)
}

function tooLarge(message: string): RecordsError {
  return new RecordsError('ERR_RECORD_TOO_LARGE', message)
}

export function signHeader(signer: Signer, header: Uint8Array): Uint8Array {
  return signer.sign(RECORD_SIGNATURE_TAG, header)
}

/** Whether `signature` is `device`'s own over these header bytes. */
export function isSignedBy(verifier: Verifier, device: Uint8Array, header: Uint8Array, signature: Uint8Array): boolean {
  return verifier.verify(device, RECORD_SIGNATURE_TAG, header, signature)
}
