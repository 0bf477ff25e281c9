import { encodeCbor, isList, tryDecodeCbor } from '../../base/index.ts'
import { ADDRESS_MAX_CHARS } from '../addresses.ts'
import { NetworkError } from '../errors.ts'

/** A member asks another to dial it, and hears how it is seen and what became of it (docs/specs/reach.md). */
export const DIAL_BACK_PROTOCOL = '/plexus/dial-back/1.0.0'
export const DIAL_BACK_MESSAGE_MAX_BYTES = 4096
/** Ways to be dialled that one request names. */
export const LAYERS_MAX = 4
const REASON_MAX_CHARS = 200

/** What follows the host in an address that can be dialled back. */
const LAYER = /^\/tcp\/\d{1,5}(?:\/ws)?$/
const DIALABLE = /^(?<host>\/ip[46]\/[^/]+)(?<layer>\/tcp\/\d{1,5}(?:\/ws)?)$/

export interface DialBackAnswer {
  /** The host of the asker as the other sees it: `/ip4/203.0.113.7`. */
  readonly host: string
  readonly tried: readonly DialBackTry[]
}

export interface DialBackTry {
  readonly layer: string
  /** Why it was not reached there; empty when it was. */
  readonly reason: string
}

/** `undefined` for an address that has a name for a host, or leads through a relay. */
export function hostAndLayer(address: string): { readonly host: string; readonly layer: string } | undefined {
  const { host, layer } = DIALABLE.exec(address)?.groups ?? {}
  return host === undefined || layer === undefined ? undefined : { host, layer }
}

export function encodeDialBackRequest(layers: readonly string[]): Uint8Array {
  return encodeCbor(layers.slice(0, LAYERS_MAX))
}

/** Throws `ERR_MALFORMED_MESSAGE`, as the other below. */
export function decodeDialBackRequest(bytes: Uint8Array): readonly string[] {
  const value = tryDecodeCbor(bytes)
  if (!isList(value) || value.length > LAYERS_MAX) throw malformed()
  return [...new Set(value.map((layer) => (typeof layer === 'string' && LAYER.test(layer) ? layer : fail())))]
}

export function encodeDialBackAnswer({ host, tried }: DialBackAnswer): Uint8Array {
  return encodeCbor([host, tried.map(({ layer, reason }) => [layer, reason.slice(0, REASON_MAX_CHARS)])])
}

export function decodeDialBackAnswer(bytes: Uint8Array): DialBackAnswer {
  const value = tryDecodeCbor(bytes)
  if (!isList(value) || value.length !== 2) throw malformed()
  const [host, tried] = value
  if (typeof host !== 'string' || host.length > ADDRESS_MAX_CHARS || !isList(tried) || tried.length > LAYERS_MAX) {
    throw malformed()
  }
  return { host, tried: tried.map((one) => tryOf(host, one)) }
}

function tryOf(host: string, value: unknown): DialBackTry {
  const [layer, reason] = Array.isArray(value) && value.length === 2 ? value : [undefined, undefined]
  if (typeof layer !== 'string' || typeof reason !== 'string' || reason.length > REASON_MAX_CHARS) throw malformed()
  if (hostAndLayer(host + layer) === undefined) throw malformed()
  return { layer, reason }
}

function fail(): never {
  throw malformed()
}

function malformed(): NetworkError {
  return new NetworkError('ERR_MALFORMED_MESSAGE', 'a message of the dial-back protocol makes no sense')
}
