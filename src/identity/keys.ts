import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import { BaseError, bytesOfHex, hexOf, keepNewest, PUBLIC_KEY_BYTES, peerIdOfKey, utf8 } from '../base/index.ts'
import { agree, agreementKey } from './agreement.ts'
import { SIGNATURE_BYTES, type Signer, type Verifier } from './types.ts'

/** Length of the secret that an Ed25519 or X25519 key pair is derived from (RFC 8032 section 5.1.5, RFC 7748). */
export const SEED_BYTES = 32
/** Imported public keys that a verifier keeps; the least recently used goes first. */
export const VERIFIER_CACHE_KEYS = 1024
/** Secrets shared with other devices that a signer keeps; the least recently used goes first. */
export const SIGNER_CACHE_SECRETS = 1024

/** What stands before the 32 raw bytes of a key in its DER form (RFC 8410 section 10). */
const ED25519_PKCS8: Uint8Array = bytesOfHex('302e020100300506032b657004220420')
const ED25519_SPKI: Uint8Array = bytesOfHex('302a300506032b6570032100')
const X25519_PKCS8: Uint8Array = bytesOfHex('302e020100300506032b656e04220420')
const X25519_SPKI: Uint8Array = bytesOfHex('302a300506032b656e032100')

/**
 * The encodings of points of small order, sign bit cleared. Under such a key a signature can be valid for any message,
 * so anyone could speak for it (RFC 8032 section 8.9 leaves the check to us).
 */
const SMALL_ORDER_KEYS: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** The first digit ends a tag, so no tag begins another one: no message can be moved from one use of a key to another. */
const TAG = /^plexus\/[a-z/-]+[0-9]$/
const tags = new Map<string, Uint8Array>()

function tagged(tag: string, message: Uint8Array): Uint8Array {
  let bytes = tags.get(tag)
  if (bytes === undefined) {
    if (!TAG.test(tag)) throw new BaseError('ERR_INVALID_ARGUMENT', `not a signature tag: ${JSON.stringify(tag)}`)
    bytes = utf8(tag)
    tags.set(tag, bytes)
  }
  return Buffer.concat([bytes, message])
}

/** The signer of an Ed25519 seed (32 bytes). */
export function signer(seed: Uint8Array): Signer {
  const key = privateKey(ED25519_PKCS8, seed)
  const publicKey = rawPublicKey(key)
  const agreement = agreementKey(seed)
  const secrets = new Map<string, Uint8Array>()
  return {
    publicKey,
    peer: peerIdOfKey(publicKey),
    sign: (tag, message) => new Uint8Array(signBytes(null, tagged(tag, message), key)),
    agree: (other) => {
      const name = hexOf(other)
      const secret = secrets.get(name) ?? agree(agreement, other)
      if (secret === undefined) return undefined
      secrets.delete(name)
      secrets.set(name, secret)
      keepNewest(secrets, SIGNER_CACHE_SECRETS)
      return secret
    },
  }
}

/** The X25519 public key (32 bytes) of a seed (32 bytes). */
export function sealingKeyOf(seed: Uint8Array): Uint8Array {
  return rawPublicKey(x25519PrivateKey(seed))
}

export function x25519PrivateKey(seed: Uint8Array): KeyObject {
  return privateKey(X25519_PKCS8, seed)
}

/** Throws for anything but 32 bytes. */
export function x25519PublicKey(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([X25519_SPKI, publicKey]), format: 'der', type: 'spki' })
}

/** Keeps the most recently used `cacheKeys` imported keys. */
export function verifier(init: { readonly cacheKeys?: number } = {}): Verifier {
  const capacity = init.cacheKeys ?? VERIFIER_CACHE_KEYS
  const cache = new Map<string, KeyObject>()
  const imported = (publicKey: Uint8Array): KeyObject | undefined => {
    const name = hexOf(publicKey)
    const key = cache.get(name) ?? importPublicKey(publicKey)
    if (key === undefined) return undefined
    cache.delete(name)
    cache.set(name, key)
    keepNewest(cache, capacity)
    return key
  }
  return {
    verify: (publicKey, tag, message, signature) => {
      if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
      const key = imported(publicKey)
      return key !== undefined && verifyBytes(null, tagged(tag, message), key, signature)
    },
  }
}

function importPublicKey(publicKey: Uint8Array): KeyObject | undefined {
  const unsigned = publicKey.slice()
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f
  if (SMALL_ORDER_KEYS.has(hexOf(unsigned))) return undefined
  return createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' })
}

function privateKey(prefix: Uint8Array, seed: Uint8Array): KeyObject {
  if (seed.byteLength !== SEED_BYTES) {
    throw new BaseError('ERR_INVALID_ARGUMENT', `a key seed has ${SEED_BYTES} bytes, not ${seed.byteLength}`)
  }
  return createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' })
}

/** The 32 bytes of the public half. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(-PUBLIC_KEY_BYTES))
}
