import { BaseError, type CborValue, decodeCanonicalCbor, decodeCbor } from '../base/index.ts'
import { RecordsError } from './errors.ts'

/** Canonical CBOR from a peer. Throws `RecordsError`: `ERR_RECORD_NOT_CANONICAL`, `ERR_RECORD_MALFORMED`. */
export function decodeCanonical(bytes: Uint8Array): CborValue {
  try {
    return decodeCanonicalCbor(bytes)
  } catch (cause) {
    if (!(cause instanceof BaseError)) throw cause
    const code = isCbor(bytes) ? 'ERR_RECORD_NOT_CANONICAL' : 'ERR_RECORD_MALFORMED'
    throw new RecordsError(code, cause.message, { cause })
  }
}

function isCbor(bytes: Uint8Array): boolean {
  try {
    decodeCbor(bytes)
    return true
  } catch (error) {
    if (error instanceof BaseError) return false
    throw error
  }
}
