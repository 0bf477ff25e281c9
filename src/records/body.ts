import { hash } from 'node:crypto'
import { BaseError, bytesEqual, decodeCanonicalCbor, encodeCbor, isMap, type Random } from '../base/index.ts'
import { RecordsError } from './errors.ts'
import { BODY_MAX_BYTES, BODY_SALT_BYTES, type BodyMap, type Header } from './types.ts'

/**
 * Salt and canonical CBOR map, as stored and hashed.
 * Throws `RecordsError`: `ERR_DRAFT_INVALID` for what has no encoding, `ERR_RECORD_TOO_LARGE`.
 */
export function encodeBody(map: BodyMap, random: Random): Uint8Array {
  const encoded = encodeMap(map)
  const length = BODY_SALT_BYTES + encoded.length
  if (length > BODY_MAX_BYTES) {
    throw new RecordsError('ERR_RECORD_TOO_LARGE', `a body of ${length} bytes exceeds ${BODY_MAX_BYTES}`, {
      fix: 'Store larger content as a blob and write its hash into the record.',
    })
  }
  const body = new Uint8Array(length)
  body.set(random.bytes(BODY_SALT_BYTES))
  body.set(encoded, BODY_SALT_BYTES)
  return body
}

function encodeMap(map: BodyMap): Uint8Array {
  try {
    if (!isMap(map)) throw new BaseError('ERR_ENCODING', 'not a map')
    return encodeCbor(map)
  } catch (cause) {
    throw new RecordsError('ERR_DRAFT_INVALID', 'the body is not a map of plain values', { cause })
  }
}

/** The map in a stored body, or `undefined` for a body that is unreadable: ciphertext, or no canonical map. */
export function decodeBody(body: Uint8Array): BodyMap | undefined {
  try {
    const value = decodeCanonicalCbor(body.subarray(BODY_SALT_BYTES))
    return isMap(value) ? value : undefined
  } catch (error) {
    if (error instanceof BaseError) return undefined
    throw error
  }
}

export function bodyHashOf(body: Uint8Array): Uint8Array {
  return hash('sha256', body, 'buffer')
}

/** Whether these bytes are the body that the header promises. */
export function isBodyOf(header: Header, body: Uint8Array): boolean {
  return body.length === header.bodyLen && bytesEqual(bodyHashOf(body), header.bodyHash)
}
