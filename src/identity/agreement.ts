import { createHash, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { bytesOfHex, hexOf } from '../base/index.ts'

/** What stands before the 32 raw bytes of an X25519 key in its DER form (RFC 8410 section 10). */
const X25519_PKCS8: Uint8Array = bytesOfHex('302e020100300506032b656e04220420')
const X25519_SPKI: Uint8Array = bytesOfHex('302a300506032b656e032100')
const SCALAR_BYTES = 32

/** The prime of Curve25519. */
const P = 2n ** 255n - 19n

/** The X25519 private key that belongs to an Ed25519 seed: both stand for the same scalar (RFC 8032 section 5.1.5). */
export function agreementKey(seed: Uint8Array): KeyObject {
  const scalar = createHash('sha512').update(seed).digest().subarray(0, SCALAR_BYTES)
  return createPrivateKey({ key: Buffer.concat([X25519_PKCS8, scalar]), format: 'der', type: 'pkcs8' })
}

/** The secret that two Ed25519 keys share (X25519, RFC 7748), 32 bytes; `undefined` for a key that shares one with everybody. */
export function agree(own: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  const u = montgomery(publicKey)
  if (u === undefined) return undefined
  const other = createPublicKey({ key: Buffer.concat([X25519_SPKI, u]), format: 'der', type: 'spki' })
  try {
    return diffieHellman({ privateKey: own, publicKey: other })
  } catch {
    // Node's one way to say that the outcome is zero, as it is for points of small order.
    return undefined
  }
}

/** The Montgomery form of an Edwards point: u = (1 + y) / (1 - y), RFC 7748 section 4.1. */
function montgomery(publicKey: Uint8Array): Uint8Array | undefined {
  const bigEndian = publicKey.toReversed()
  bigEndian[0] = (bigEndian[0] ?? 0) & 0x7f
  const y = BigInt(`0x${hexOf(bigEndian)}`) % P
  const denominator = (1n - y + P) % P
  if (denominator === 0n) return undefined
  const u = ((1n + y) * power(denominator, P - 2n)) % P
  return bytesOfHex(u.toString(16).padStart(64, '0')).toReversed()
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = base, left = exponent; left > 0n; square = (square * square) % P, left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % P
  }
  return result
}
