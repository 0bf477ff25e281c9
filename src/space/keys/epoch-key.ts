import { bytesOfHex, concatBytes, hexOf, sha256, utf8 } from '../../base/index.ts'
import { BOX_OVERHEAD_BYTES, type Identity, seal, sealBox, unseal } from '../../identity/index.ts'
import { KEY_ID_BYTES } from '../control-records.ts'

export const EPOCH_KEY_BYTES = 32
/** Length of a box with an epoch key. */
export const BOX_BYTES: number = BOX_OVERHEAD_BYTES + EPOCH_KEY_BYTES

const ID_TAG: Uint8Array = utf8('plexus/epoch-key/1')
const BOX_TAG: Uint8Array = utf8('plexus/box/1')
const PREVIOUS_TAG: Uint8Array = utf8('plexus/previous/1')
/** The key that seals, and the name of what is sealed, are one of a kind: nothing else is ever sealed under both. */
const NO_SALT = new Uint8Array(0)

/** The key of an epoch with its name. */
export interface EpochKey {
  readonly n: number
  /** 32 hexadecimal digits. */
  readonly id: string
  /** 32 bytes, secret. */
  readonly key: Uint8Array
}

/** Between whom a box is: what it is bound to besides the key inside. */
export interface BoxPlace {
  /** 32 bytes each. */
  readonly space: Uint8Array
  readonly author: Uint8Array
  readonly device: Uint8Array
}

/**
 * The name of a key, public: 32 hexadecimal digits. Whoever gets a key, from whomever, checks it against its name; so one name
 * is one key for all.
 */
export function keyIdOf(space: Uint8Array, n: number, key: Uint8Array): string {
  return hexOf(sha256(ID_TAG, space, uint32(n), key).subarray(0, KEY_ID_BYTES))
}

export function epochKey(space: Uint8Array, n: number, key: Uint8Array): EpochKey {
  return { n, id: keyIdOf(space, n, key), key }
}

/** A device whose sealing key is unfit gets a box that nobody can open: it must not keep the others from their key. */
export function boxOf(
  { n, id, key }: EpochKey,
  place: BoxPlace,
  sealingKey: Uint8Array,
  ephemeralSeed: Uint8Array,
): Uint8Array {
  return sealBox(sealingKey, boxInfo(place, n, id), ephemeralSeed, key) ?? new Uint8Array(BOX_BYTES)
}

/** `undefined` if the box does not hold the key of that name. */
export function openKeyBox(
  identity: Identity,
  place: BoxPlace,
  name: { readonly n: number; readonly id: string },
  box: Uint8Array,
): EpochKey | undefined {
  return named(place.space, name, identity.openBox(boxInfo(place, name.n, name.id), box))
}

/** An older key sealed under a newer one. */
export function sealPrevious(space: Uint8Array, newer: EpochKey, older: EpochKey): Uint8Array {
  return seal(newer.key, previousInfo(space, newer, older), NO_SALT, older.key)
}

/** `undefined` if it does not hold the key of that name. */
export function openPrevious(
  space: Uint8Array,
  newer: EpochKey,
  older: { readonly n: number; readonly id: string },
  sealed: Uint8Array,
): EpochKey | undefined {
  const key = unseal(newer.key, previousInfo(space, newer, older), sealed, NO_SALT.length)
  return named(space, older, key)
}

function named(
  space: Uint8Array,
  { n, id }: { readonly n: number; readonly id: string },
  key: Uint8Array | undefined,
): EpochKey | undefined {
  if (key?.byteLength !== EPOCH_KEY_BYTES) return undefined
  return keyIdOf(space, n, key) === id ? { n, id, key } : undefined
}

function boxInfo({ space, author, device }: BoxPlace, n: number, id: string): Uint8Array {
  return concatBytes(BOX_TAG, space, author, device, uint32(n), bytesOfHex(id))
}

function previousInfo(space: Uint8Array, newer: { readonly id: string }, older: { readonly id: string }): Uint8Array {
  return concatBytes(PREVIOUS_TAG, space, bytesOfHex(newer.id), bytesOfHex(older.id))
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
