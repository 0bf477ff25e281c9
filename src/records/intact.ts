import { bytesEqual } from '../base/index.ts'
import { isBodyOf } from './body.ts'
import { RecordsError } from './errors.ts'
import { decodeHeader, recordIdBytes } from './header.ts'
import type { Header } from './types.ts'

/** What of a stored row is not as it was written. */
export type Fault = 'header' | 'body'

/**
 * Whether a row still holds what was stored: the id is the hash of the header, and the header names the hash of the body. A disk
 * that turned a bit is found out wherever a record leaves the store.
 */
export function faultOf(id: Uint8Array, header: Uint8Array, body: Uint8Array | null): Fault | undefined {
  const fields = tryDecodeHeader(header)
  if (fields === undefined || !bytesEqual(recordIdBytes(header), id)) return 'header'
  return body === null || isBodyOf(fields, body) ? undefined : 'body'
}

/** Undefined for bytes that are no header. */
export function tryDecodeHeader(bytes: Uint8Array): Header | undefined {
  try {
    return decodeHeader(bytes)
  } catch (error) {
    if (error instanceof RecordsError) return undefined
    throw error
  }
}
