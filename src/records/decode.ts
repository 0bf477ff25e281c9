import { BaseError, type CborValue, decodeCanonicalCbor, tryDecodeCbor } from '../base/index.ts'
import { RecordsError } from './errors.ts'

/** Canonical CBOR from a peer. Throws `RecordsError`: `ERR_RECORD_NOT_CANONICAL`, `ERR_RECORD_MALFORMED`. */
export function decodeCanonical(bytes: Uint8Array): CborValue {
  try {
    return decodeCanonicalCbor(bytes)
  } catch (cause) {
    if (!(cause instanceof BaseError)) throw cause
    const code = tryDecodeCbor(bytes) === undefined ? 'ERR_RECORD_MALFORMED' : 'ERR_RECORD_NOT_CANONICAL'
    throw new RecordsError(code, cause.message, { cause })
  }
}
