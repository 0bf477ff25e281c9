import { hkdfSync } from 'node:crypto'
import {
  bytesEqual,
  concatBytes,
  decodeCanonicalCbor,
  encodeCbor,
  keyOfPeerId,
  type PeerId,
  PlexusError,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  sha256,
  utf8,
} from '../../base/index.ts'
import { SEED_BYTES, type Signer, signer } from '../../identity/index.ts'
import { ADDRESS_MAX_CHARS } from '../../network/index.ts'
import { decodeBase32, encodeBase32, TICKET_MAX_ADDRESSES, TICKET_MAX_CHARS, TICKET_PREFIX } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { asArray, asBytes, asText, asUint, WIRE_VERSION } from '../fields.ts'

export const LINK_TICKET_PREFIX = 'plexuslink1'
export const LINK_SEED_BYTES = 16
const CHECKSUM_BYTES = 4
const CHECKSUM_TAG = utf8('plexus/link-ticket/1')
const KEY_INFO = utf8('plexus/link/1')

/** What a link ticket says (docs/specs/link.md). The seed is a secret. */
export interface LinkTicket {
  /** The device that made it, where the principal's key is. */
  readonly host: PeerId
  readonly seed: Uint8Array
  /** Best first. */
  readonly addresses: readonly string[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** The text of a ticket; addresses that do not fit are left out from the end. Whoever holds it may ask to be linked: never log it. */
export function formatLinkTicket({ host, seed, addresses: all, expires }: LinkTicket): string {
  const addresses = all.filter((one) => one.length <= ADDRESS_MAX_CHARS).slice(0, TICKET_MAX_ADDRESSES)
  for (;;) {
    const payload = encodeCbor([WIRE_VERSION, keyOfPeerId(host), seed, addresses, expires])
    const text = LINK_TICKET_PREFIX + encodeBase32(concatBytes(payload, checksumOf(payload)))
    if (text.length <= TICKET_MAX_CHARS) return text
    addresses.pop()
  }
}

/** Reads a ticket, in any case and with blanks around it. Throws `ERR_LINK_TICKET` with what is wrong with it. */
export function parseLinkTicket(text: string, nowMs: number): LinkTicket {
  const ticket = read(text.trim().toLowerCase())
  if (nowMs <= ticket.expires) return ticket
  const minutes = Math.max(1, Math.round((nowMs - ticket.expires) / 60_000))
  throw new SyncError('ERR_LINK_TICKET', `the link ticket expired ${minutes} minutes ago`, {
    fix: 'Make a new one with `plexus link` on the other device.',
  })
}

/** The key pair of a ticket: Ed25519 from HKDF-SHA256 (RFC 5869) over its seed, without salt. */
export function linkKey(seed: Uint8Array): Signer {
  return signer(new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), KEY_INFO, SEED_BYTES)))
}

function read(text: string): LinkTicket {
  if (!text.startsWith(LINK_TICKET_PREFIX)) {
    if (text.startsWith(TICKET_PREFIX)) {
      throw new SyncError('ERR_LINK_TICKET', 'this is a ticket to join a space, not to link a device', {
        fix: 'Use it with `plexus join`.',
      })
    }
    refuse(`a link ticket begins with ${LINK_TICKET_PREFIX}`)
  }
  if (text.length > TICKET_MAX_CHARS) refuse(`it is longer than ${TICKET_MAX_CHARS} characters`)
  const decoded = decodeBase32(text.slice(LINK_TICKET_PREFIX.length))
  if (decoded === undefined) refuse('it holds a character that no ticket has')
  const payload = decoded.bytes.subarray(0, -CHECKSUM_BYTES)
  const isWhole = decoded.exact && bytesEqual(checksumOf(payload), decoded.bytes.subarray(-CHECKSUM_BYTES))
  if (!isWhole) refuse('it is cut short, or its checksum is wrong')
  try {
    const [version, host, seed, addresses, expires] = asArray(decodeCanonicalCbor(payload), 5)
    if (version !== WIRE_VERSION) refuse('it is of a version that this Plexus does not know')
    return {
      host: peerIdOfKey(asBytes(host, PUBLIC_KEY_BYTES)),
      seed: asBytes(seed, LINK_SEED_BYTES),
      addresses: asArray(addresses, 0, TICKET_MAX_ADDRESSES).map((one) => asText(one, ADDRESS_MAX_CHARS)),
      expires: asUint(expires),
    }
  } catch (cause) {
    if (!(cause instanceof PlexusError) || cause.code === 'ERR_LINK_TICKET') throw cause
    return refuse('its contents are not those of a link ticket')
  }
}

function checksumOf(payload: Uint8Array): Uint8Array {
  return sha256(CHECKSUM_TAG, payload).subarray(0, CHECKSUM_BYTES)
}

function refuse(why: string): never {
  throw new SyncError('ERR_LINK_TICKET', `this is not a valid link ticket: ${why}`, {
    fix: `Copy the whole ticket again, from ${LINK_TICKET_PREFIX} to its last letter.`,
  })
}
