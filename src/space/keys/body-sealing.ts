import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { bytesOfHex, concatBytes, HASH_BYTES, hexOf, keepNewest, PUBLIC_KEY_BYTES, utf8 } from '../../base/index.ts'
import { type CipherPlace, LOG_NAME_BYTES } from '../../records/index.ts'
import { KEY_ID_BYTES } from '../control-records.ts'
import { EPOCH_KEY_BYTES, type EpochKey } from './epoch-key.ts'

export const BODY_NONCE_BYTES = 12
export const BODY_TAG_BYTES = 16
/** What a sealed body takes beyond its content: the name of the key, the nonce, the tag. */
export const SEALED_OVERHEAD_BYTES: number = KEY_ID_BYTES + BODY_NONCE_BYTES + BODY_TAG_BYTES
/** Keys of logs that are kept derived; the least recently used goes first. */
export const LOG_KEYS_MAX = 4_096

const TAG: Uint8Array = utf8('plexus/body/1')
const NO_SALT = new Uint8Array(0)
const NONCE_AT = KEY_ID_BYTES
const CIPHERTEXT_AT = KEY_ID_BYTES + BODY_NONCE_BYTES

/** Seals and opens the bodies of records, docs/specs/encryption.md section 5. Keeps the keys that it derived. */
export class BodySealing {
  readonly #keys = new Map<string, KeyObject>()

  /** `nonce` is random: a copy of this device's store must not use one again. */
  seal(epoch: EpochKey, place: CipherPlace, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', this.#logKey(epoch, place), nonce)
    cipher.setAAD(placeBytes(place, epoch.n))
    const body = new Uint8Array(SEALED_OVERHEAD_BYTES + plain.length)
    body.set(bytesOfHex(epoch.id))
    body.set(nonce, NONCE_AT)
    body.set(cipher.update(plain), CIPHERTEXT_AT)
    // A counter mode: nothing is left to say at the end.
    cipher.final()
    body.set(cipher.getAuthTag(), body.length - BODY_TAG_BYTES)
    return body
  }

  /** `undefined` for what was not sealed under this key, at this place. */
  open(epoch: EpochKey, place: CipherPlace, body: Uint8Array): Uint8Array | undefined {
    if (body.length < SEALED_OVERHEAD_BYTES) return undefined
    const key = this.#logKey(epoch, place)
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(NONCE_AT, CIPHERTEXT_AT))
    decipher.setAAD(placeBytes(place, epoch.n))
    decipher.setAuthTag(body.subarray(-BODY_TAG_BYTES))
    const plain = decipher.update(body.subarray(CIPHERTEXT_AT, -BODY_TAG_BYTES))
    try {
      decipher.final()
      return plain
    } catch {
      // Node's one way to say that the tag does not fit; its error tells no more.
      return undefined
    }
  }

  /** Each log has a key of its own, so that two devices can never meet with one nonce under one key. */
  #logKey(epoch: EpochKey, { device, log }: CipherPlace): KeyObject {
    const name = epoch.id + latin1(device) + latin1(log)
    const key = this.#keys.get(name) ?? deriveLogKey(epoch.key, device, log)
    this.#keys.delete(name)
    this.#keys.set(name, key)
    keepNewest(this.#keys, LOG_KEYS_MAX)
    return key
  }
}

/** The name of the key that a body was sealed under; `undefined` for what is too short to be sealed. */
export function keyIdOfBody(body: Uint8Array): string | undefined {
  return body.length < SEALED_OVERHEAD_BYTES ? undefined : hexOf(body.subarray(0, KEY_ID_BYTES))
}

/** HKDF-SHA256, RFC 5869. */
function deriveLogKey(key: Uint8Array, device: Uint8Array, log: Uint8Array): KeyObject {
  const info = concatBytes(TAG, device, log)
  return createSecretKey(new Uint8Array(hkdfSync('sha256', key, NO_SALT, info, EPOCH_KEY_BYTES)))
}

/** What the ciphertext is bound to. */
function placeBytes({ space, device, log, seq }: CipherPlace, epoch: number): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES + PUBLIC_KEY_BYTES + LOG_NAME_BYTES + 8 + 4)
  bytes.set(bytesOfHex(space))
  bytes.set(device, HASH_BYTES)
  bytes.set(log, HASH_BYTES + PUBLIC_KEY_BYTES)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(HASH_BYTES + PUBLIC_KEY_BYTES + LOG_NAME_BYTES, BigInt(seq))
  view.setUint32(HASH_BYTES + PUBLIC_KEY_BYTES + LOG_NAME_BYTES + 8, epoch)
  return bytes
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
