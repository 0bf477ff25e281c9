import {
  type CborValue,
  encodeCbor,
  isList,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  tryDecodeCbor,
} from '../../base/index.ts'
import { FRAME, frame, pingFrame } from '../frames.ts'
import { LINKS_MAX } from '../limits.ts'

/** PROBE: reach this peer for me. */
export interface Probe {
  readonly token: number
  readonly about: PeerId
}

export function probeFrame({ token, about }: Probe): Uint8Array {
  return frame(FRAME.probe, encodeCbor([token, keyOfPeerId(about)]))
}

export function parseProbe(payload: Uint8Array): Probe | undefined {
  const fields = tryDecodeCbor(payload)
  if (!isList(fields) || fields.length !== 2) return undefined
  const [token, key] = fields
  if (!isToken(token) || !isKey(key)) return undefined
  return { token, about: peerIdOfKey(key) }
}

/** PROBED: it answered me. */
export function probedFrame(token: number): Uint8Array {
  return pingFrame(FRAME.probed, token)
}

/** LINKS: which ready links we have besides the one to you, as far as you may know; what came and what went since last told. */
export interface LinksChange {
  readonly added: readonly PeerId[]
  readonly removed: readonly PeerId[]
}

export function linksFrame({ added, removed }: LinksChange): Uint8Array {
  return frame(FRAME.links, encodeCbor([added.map(keyOfPeerId), removed.map(keyOfPeerId)]))
}

export function parseLinks(payload: Uint8Array): LinksChange | undefined {
  const fields = tryDecodeCbor(payload)
  if (!isList(fields) || fields.length !== 2) return undefined
  const [added, removed] = [peersOf(fields[0]), peersOf(fields[1])]
  return added === undefined || removed === undefined ? undefined : { added, removed }
}

function peersOf(value: CborValue | undefined): readonly PeerId[] | undefined {
  if (!isList(value) || value.length > LINKS_MAX || !value.every(isKey)) return undefined
  return value.map(peerIdOfKey)
}

function isKey(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === PUBLIC_KEY_BYTES
}

function isToken(value: CborValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff
}
