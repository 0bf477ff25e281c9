import { BaseError, type CborValue, decodeCanonicalCbor } from '../base/index.ts'
import { SyncError } from './errors.ts'

/** The first item of every message of join. */
export const WIRE_VERSION = 1

/** The items after the version. Throws `ERR_SYNC_VERSION` for another version and `ERR_SYNC_MALFORMED`, as everything here does. */
export function openMessage(bytes: Uint8Array, items: number, expected: number = WIRE_VERSION): readonly CborValue[] {
  const [version, ...rest] = asArray(decoded(bytes), 1, Number.POSITIVE_INFINITY)
  if (asUint(version) !== expected) {
    throw new SyncError('ERR_SYNC_VERSION', `version ${version} of a protocol of which this peer speaks ${expected}`, {
      fix: 'Bring the older of the two peers up to date.',
    })
  }
  return asArray(rest, items)
}

function decoded(bytes: Uint8Array): CborValue {
  try {
    return decodeCanonicalCbor(bytes)
  } catch (cause) {
    if (cause instanceof BaseError) return malformed(cause)
    throw cause
  }
}

export function asArray(value: CborValue | undefined, min: number, max: number = min): readonly CborValue[] {
  return Array.isArray(value) && value.length >= min && value.length <= max ? value : malformed()
}

export function asBytes(value: CborValue | undefined, min: number, max: number = min): Uint8Array {
  return value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max ? value : malformed()
}

export function asText(value: CborValue | undefined, maxChars: number): string {
  return typeof value === 'string' && value.length <= maxChars ? value : malformed()
}

export function asUint(value: CborValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : malformed()
}

export function asBoolean(value: CborValue | undefined): boolean {
  return typeof value === 'boolean' ? value : malformed()
}

export function malformed(cause?: unknown): never {
  throw new SyncError('ERR_SYNC_MALFORMED', 'a message that cannot be read', { cause })
}
