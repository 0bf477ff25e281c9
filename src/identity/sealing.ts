import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

export const SEAL_SALT_BYTES = 16
const TAG_BYTES = 16
const KEY_BYTES = 32
const NONCE_BYTES = 12

/**
 * Seals bytes under a secret that two devices share (`Signer.agree`): salt, ciphertext, tag. HKDF-SHA256 (RFC 5869) makes a
 * key and a nonce of their own of each salt, then AES-256-GCM. `info` binds what the bytes are for, and between whom.
 */
export function seal(secret: Uint8Array, info: Uint8Array, salt: Uint8Array, content: Uint8Array): Uint8Array {
  const { key, nonce } = derive(secret, info, salt)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([salt, cipher.update(content), cipher.final(), cipher.getAuthTag()])
}

/** What was sealed; `undefined` if anything about it is not as it was. */
export function unseal(
  secret: Uint8Array,
  info: Uint8Array,
  sealed: Uint8Array,
  saltBytes: number = SEAL_SALT_BYTES,
): Uint8Array | undefined {
  if (sealed.byteLength < saltBytes + TAG_BYTES) return undefined
  const { key, nonce } = derive(secret, info, sealed.subarray(0, saltBytes))
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  const content = decipher.update(sealed.subarray(saltBytes, -TAG_BYTES))
  try {
    decipher.final()
    return content
  } catch {
    // Node's one way to say that the tag does not fit; its error tells no more.
    return undefined
  }
}

function derive(secret: Uint8Array, info: Uint8Array, salt: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const bytes = new Uint8Array(hkdfSync('sha256', secret, salt, info, KEY_BYTES + NONCE_BYTES))
  return { key: bytes.subarray(0, KEY_BYTES), nonce: bytes.subarray(KEY_BYTES) }
}
