import { diffieHellman, type KeyObject } from 'node:crypto'
import { concatBytes } from '../base/index.ts'
import { rawPublicKey, SEED_BYTES, x25519PrivateKey, x25519PublicKey } from './keys.ts'
import { seal, unseal } from './sealing.ts'

const TAG_BYTES = 16
/** What a box takes beyond its content. */
export const BOX_OVERHEAD_BYTES: number = SEED_BYTES + TAG_BYTES
/** A key pair made for one box needs no salt beside it. */
const NO_SALT = new Uint8Array(0)

/**
 * Seals bytes to a device's sealing key: the public half of a key pair made for this box alone, ciphertext, tag. X25519
 * (RFC 7748), then HKDF-SHA256 over both public keys and `info`, then AES-256-GCM: an ECIES. Whoever knows the sealing key can
 * make such a box, so `info` binds where it belongs and the record around it says who made it. `undefined` for a key that
 * nobody can open a box with.
 */
export function sealBox(
  sealingKey: Uint8Array,
  info: Uint8Array,
  ephemeralSeed: Uint8Array,
  content: Uint8Array,
): Uint8Array | undefined {
  const ephemeral = x25519PrivateKey(ephemeralSeed)
  const secret = shared(ephemeral, sealingKey)
  if (secret === undefined) return undefined
  const sender = rawPublicKey(ephemeral)
  return concatBytes(sender, seal(secret, concatBytes(info, sender, sealingKey), NO_SALT, content))
}

/** What was sealed to this key; `undefined` if anything about it is not as it was. */
export function openBox(key: KeyObject, info: Uint8Array, box: Uint8Array): Uint8Array | undefined {
  if (box.byteLength < BOX_OVERHEAD_BYTES) return undefined
  const sender = box.subarray(0, SEED_BYTES)
  const secret = shared(key, sender)
  if (secret === undefined) return undefined
  return unseal(secret, concatBytes(info, sender, rawPublicKey(key)), box.subarray(SEED_BYTES), NO_SALT.length)
}

function shared(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return diffieHellman({ privateKey, publicKey: x25519PublicKey(publicKey) })
  } catch {
    // Node's one way to say that the outcome is zero, as it is for points of small order.
    return undefined
  }
}
