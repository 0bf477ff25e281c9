import {
  bytesOfHex,
  type CborValue,
  concatBytes,
  encodeCbor,
  hexOf,
  isList,
  PUBLIC_KEY_BYTES,
  tryDecodeCbor,
} from '../../base/index.ts'
import { SIGNATURE_BYTES } from '../../identity/index.ts'
import { FRAME, frame, ID_BYTES } from '../frames.ts'
import { KIND_MAX_CHARS, MESSAGE_TTL_MAX_MS } from '../limits.ts'
import { PRIORITIES, type Priority } from '../types.ts'

const VERSION = 1

/** A frame for a peer without lanes to its author, as it goes through another. Who carries it reads all of this but what is sealed. */
export interface Parcel {
  /** Ed25519 public keys. */
  readonly to: Uint8Array
  readonly author: Uint8Array
  /** Eight bytes for a run of its author's parcels to this peer, then their number; 32 hexadecimal digits. */
  readonly id: string
  readonly priority: Priority
  readonly hlc: number
  readonly ttlMs: number
  /** Type and payload of the frame, sealed to the receiver. */
  readonly sealed: Uint8Array
}

/** The bytes that an author signs. */
export function parcelBytes({ to, author, id, priority, hlc, ttlMs, sealed }: Parcel): Uint8Array {
  return encodeCbor([VERSION, to, author, bytesOfHex(id), PRIORITIES.indexOf(priority), hlc, ttlMs, sealed])
}

export function relayFrame(signature: Uint8Array, parcel: Uint8Array): Uint8Array {
  return frame(FRAME.relay, signature, parcel)
}

export interface SignedParcel extends Parcel {
  readonly signature: Uint8Array
  readonly signed: Uint8Array
}

/** A RELAY frame; who its author claims to be is not proven yet. */
export function parseRelay(payload: Uint8Array): SignedParcel | undefined {
  if (payload.byteLength <= SIGNATURE_BYTES) return undefined
  const [signature, signed] = [payload.subarray(0, SIGNATURE_BYTES), payload.subarray(SIGNATURE_BYTES)]
  const fields = tryDecodeCbor(signed)
  if (!isList(fields) || fields.length !== 8 || fields[0] !== VERSION) return undefined
  const [, to, author, id, rank, hlc, ttlMs, sealed] = fields
  const priority = typeof rank === 'number' ? PRIORITIES[rank] : undefined
  if (!isBytes(to, PUBLIC_KEY_BYTES) || !isBytes(author, PUBLIC_KEY_BYTES) || !isBytes(id, ID_BYTES)) return undefined
  if (priority === undefined || typeof hlc !== 'number' || hlc < 0) return undefined
  if (typeof ttlMs !== 'number' || ttlMs < 0 || ttlMs > MESSAGE_TTL_MAX_MS) return undefined
  if (!(sealed instanceof Uint8Array)) return undefined
  return { to, author, id: hexOf(id), priority, hlc, ttlMs, sealed, signature, signed }
}

/** What a seal binds: its use, and between whom. */
export function sealInfo(tag: Uint8Array, author: Uint8Array, to: Uint8Array): Uint8Array {
  return concatBytes(tag, author, to)
}

/** Why a parcel was not passed on: no ready link to the receiver, not for this author to send there, or too much at once. */
export const RELAY_REFUSALS = ['no-link', 'not-admitted', 'busy'] as const
export type RelayRefusal = (typeof RELAY_REFUSALS)[number]

export function relayRefusedFrame(id: string, code: RelayRefusal): Uint8Array {
  return frame(FRAME.relayRefused, encodeCbor([bytesOfHex(id), code]))
}

/** The code is whatever the peer says, if it looks like one. */
export function parseRelayRefused(payload: Uint8Array): { readonly id: string; readonly code: string } | undefined {
  const fields = tryDecodeCbor(payload)
  if (!isList(fields) || fields.length !== 2) return undefined
  const [id, code] = fields
  if (!isBytes(id, ID_BYTES) || typeof code !== 'string' || !CODE.test(code)) return undefined
  return { id: hexOf(id), code }
}

const CODE = new RegExp(`^[a-z-]{1,${KIND_MAX_CHARS}}$`)

function isBytes(value: CborValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === length
}
