/**
 * CBOR (RFC 8949), the part of it that our formats are made of: no tags, no indefinite lengths, no undefined, no NaN or
 * infinity, integers up to 2^53 - 1, text keys. The encoding is deterministic (section 4.2.1) and a whole number is always
 * an integer, so each value has exactly one encoding.
 */
import { CborReader } from './cbor-reader.ts'
import type { CborValue } from './cbor-value.ts'
import { CborWriter } from './cbor-writer.ts'
import { BaseError } from './errors.ts'

/**
 * The one encoding of a value. Lone surrogates in texts become U+FFFD and -0 becomes 0; anything else that has no encoding,
 * or could not be decoded again, throws `ERR_ENCODING`.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new CborWriter()
  writer.item(value, 0)
  return writer.finish()
}

/** Decodes exactly one item in any valid encoding. Throws `ERR_ENCODING`. The result shares no memory with `bytes`. */
export function decodeCbor(bytes: Uint8Array): CborValue {
  return new CborReader(bytes, false).only()
}

/** As `decodeCbor`, and refuses bytes that `encodeCbor` would have written differently: one meaning, one encoding. */
export function decodeCanonicalCbor(bytes: Uint8Array): CborValue {
  return new CborReader(bytes, true).only()
}

/** As `decodeCbor`; `undefined` for what is malformed, where that is dropped without a word. */
export function tryDecodeCbor(bytes: Uint8Array): CborValue | undefined {
  try {
    return decodeCbor(bytes)
  } catch (error) {
    if (error instanceof BaseError) return undefined
    throw error
  }
}
