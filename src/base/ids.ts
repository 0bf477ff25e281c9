import { bytesOfHex, HASH_BYTES, hexOf, isHex } from './bytes.ts'
import { BaseError } from './errors.ts'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A peer: the libp2p PeerId of its Ed25519 device key, in the base58 form `12D3KooW...`. */
export type PeerId = Brand<string, 'PeerId'>
/** A space: the id of its genesis record, 64 hexadecimal digits. */
export type SpaceId = Brand<string, 'SpaceId'>
/** A record: SHA-256 of its header, 64 hexadecimal digits. */
export type RecordId = Brand<string, 'RecordId'>

export const PUBLIC_KEY_BYTES = 32

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** Identity multihash of a protobuf public key: type Ed25519, 32 bytes (libp2p specs, peer-ids). */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
const PEER_ID_BYTES = PEER_ID_PREFIX.length + PUBLIC_KEY_BYTES
/** What such an id always comes to in base58; a shorter or longer text is not one. */
const PEER_ID_CHARS = 52

export function peerIdOfKey(publicKey: Uint8Array): PeerId {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES) {
    throw new BaseError(
      'ERR_INVALID_ARGUMENT',
      `a public key has ${PUBLIC_KEY_BYTES} bytes, not ${publicKey.byteLength}`,
    )
  }
  let number = BigInt(`0x${hexOf(PEER_ID_PREFIX)}${hexOf(publicKey)}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = ALPHABET.charAt(Number(number % 58n)) + text
  return `1${text}` as PeerId
}

/** The 32-byte Ed25519 public key inside a peer id. Throws `ERR_INVALID_ARGUMENT` for anything else. */
export function keyOfPeerId(peer: string): Uint8Array {
  const refuse = (): never => {
    throw new BaseError('ERR_INVALID_ARGUMENT', `not the id of an Ed25519 peer: ${JSON.stringify(peer.slice(0, 60))}`)
  }
  if (peer.length !== PEER_ID_CHARS || !peer.startsWith('1')) return refuse()
  let number = 0n
  for (const char of peer.slice(1)) {
    const digit = ALPHABET.indexOf(char)
    if (digit === -1) return refuse()
    number = number * 58n + BigInt(digit)
  }
  const bytes = bytesOfHex(number.toString(16).padStart(PEER_ID_BYTES * 2, '0'))
  if (bytes.byteLength !== PEER_ID_BYTES) return refuse()
  if (!PEER_ID_PREFIX.every((byte, index) => bytes[index] === byte)) return refuse()
  return bytes.slice(PEER_ID_PREFIX.length)
}

export function isPeerId(text: string): text is PeerId {
  try {
    keyOfPeerId(text)
    return true
  } catch (error) {
    if (error instanceof BaseError) return false
    throw error
  }
}

/** The form for people: the part of a peer id that differs between peers, shortened. */
export function shortPeerId(peer: PeerId): string {
  return peer.slice(-8)
}

export function isSpaceId(text: string): text is SpaceId {
  return isHex(text, HASH_BYTES)
}

export function isRecordId(text: string): text is RecordId {
  return isHex(text, HASH_BYTES)
}

export function spaceIdOf(bytes: Uint8Array): SpaceId {
  return hexOfHash(bytes) as SpaceId
}

export function recordIdOf(bytes: Uint8Array): RecordId {
  return hexOfHash(bytes) as RecordId
}

function hexOfHash(bytes: Uint8Array): string {
  if (bytes.byteLength !== HASH_BYTES) {
    throw new BaseError('ERR_INVALID_ARGUMENT', `an id has ${HASH_BYTES} bytes, not ${bytes.byteLength}`)
  }
  return hexOf(bytes)
}
