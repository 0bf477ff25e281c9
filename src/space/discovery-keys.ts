import { hkdfSync } from 'node:crypto'
import { bytesOfHex, concatBytes, keyOfPeerId, type PeerId, utf8 } from '../base/index.ts'

/** Every key is for one such window of the wall clock, counted from 1970. */
export const DISCOVERY_WINDOW_MS: number = 24 * 60 * 60 * 1000
/** So long before a window begins its keys are announced, and so long after it has ended. Clocks may differ by it. */
export const DISCOVERY_OVERLAP_MS: number = 2 * 60 * 60 * 1000

const KEY_BYTES = 32
const SECRET_INFO = utf8('plexus/discovery/1')
const MEMBER_INFO = utf8('plexus/discovery/1/member')
const CONTENT_INFO = utf8('plexus/discovery/1/content')

/**
 * What the members of a space have in common and strangers lack: HKDF-SHA256 (RFC 5869) over the body of the genesis as stored,
 * with its 16 random bytes. The id of the space, which is in every ticket, is made from the hash of that body and says nothing
 * about it.
 */
export function discoverySecret(genesisBody: Uint8Array): Uint8Array {
  return derive(genesisBody, SECRET_INFO)
}

/** Under which key a member tells the others where it is, in one window. */
export function memberKey(secret: Uint8Array, member: PeerId, window: number): Uint8Array {
  return derive(secret, concatBytes(MEMBER_INFO, uint64(window), keyOfPeerId(member)))
}

/** Under which key members tell that they hold a content, in one window; the content by its SHA-256, 64 hexadecimal digits. */
export function contentKey(secret: Uint8Array, content: string, window: number): Uint8Array {
  return derive(secret, concatBytes(CONTENT_INFO, uint64(window), bytesOfHex(content)))
}

/** The window in which one looks. */
export function discoveryWindow(nowMs: number): number {
  return Math.floor(nowMs / DISCOVERY_WINDOW_MS)
}

/** The windows in which one announces: usually one, around its ends two. */
export function announcedWindows(nowMs: number): readonly number[] {
  const first = discoveryWindow(nowMs - DISCOVERY_OVERLAP_MS)
  const last = discoveryWindow(nowMs + DISCOVERY_OVERLAP_MS)
  return first === last ? [first] : [first, last]
}

function derive(secret: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), info, KEY_BYTES))
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}
