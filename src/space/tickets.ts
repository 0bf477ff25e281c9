import {
  BaseError,
  bytesEqual,
  bytesOfHex,
  type CborValue,
  concatBytes,
  decodeCanonicalCbor,
  encodeCbor,
  HASH_BYTES,
  keyOfPeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  sha256,
  spaceIdOf,
  utf8,
} from '../base/index.ts'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { SpaceError } from './errors.ts'
import { bytesField, FieldMismatch, listField, textField, tupleField, uintField } from './fields.ts'
import { INVITE_SEED_BYTES } from './invite-key.ts'
import { TICKET_PREFIX, type Ticket } from './types.ts'

export const TICKET_MAX_CHARS = 2048
export const TICKET_MAX_ADDRESSES = 16
export const ADDRESS_MAX_CHARS = 256

const VERSION = 1
const CHECKSUM_BYTES = 4
const CHECKSUM_TAG = utf8('plexus/ticket/1')

/**
 * The text of a ticket (docs/specs/tickets.md). Addresses that do not fit are left out from the end, so give the best first.
 * Whoever holds the text may join: never log it.
 */
export function formatTicket(ticket: Ticket): string {
  const { space, issuer, seed, expires } = ticket
  const addresses = ticket.addresses.filter((one) => one.length <= ADDRESS_MAX_CHARS).slice(0, TICKET_MAX_ADDRESSES)
  for (;;) {
    const payload = encodeCbor([VERSION, bytesOfHex(space), keyOfPeerId(issuer), seed, addresses, expires])
    const text = TICKET_PREFIX + encodeBase32(concatBytes(payload, checksumOf(payload)))
    if (text.length <= TICKET_MAX_CHARS) return text
    addresses.pop()
  }
}

/**
 * Reads a ticket, in any case and with blanks around it. Throws `ERR_TICKET_MALFORMED` with what is wrong with it, or
 * `ERR_TICKET_EXPIRED` by the clock given.
 */
export function parseTicket(text: string, nowMs: number): Ticket {
  const ticket = ticketOf(payloadOf(text.trim().toLowerCase()))
  if (nowMs > ticket.expires) {
    const minutes = Math.max(1, Math.round((nowMs - ticket.expires) / 60_000))
    throw new SpaceError('ERR_TICKET_EXPIRED', `the ticket expired ${minutes} minutes ago`, {
      fix: 'Ask the person who sent it for a new ticket.',
    })
  }
  return ticket
}

/** The CBOR payload, with its checksum verified. */
function payloadOf(text: string): Uint8Array {
  if (text.length > TICKET_MAX_CHARS) refuse(`it is longer than ${TICKET_MAX_CHARS} characters`)
  if (!text.startsWith(TICKET_PREFIX)) {
    if (/^plexus[0-9]/.test(text)) refuseVersion()
    if (TICKET_PREFIX.startsWith(text)) refuse('it is truncated')
    refuse(`a ticket begins with ${TICKET_PREFIX}`)
  }
  const decoded = decodeBase32(text.slice(TICKET_PREFIX.length))
  if (decoded === undefined) refuse('it holds a character that no ticket has')
  const { bytes, exact } = decoded
  const end = endOfArray(bytes)
  if (end === undefined || end + CHECKSUM_BYTES > bytes.byteLength) refuse('it is truncated')
  const payload = bytes.subarray(0, end)
  const whole = end + CHECKSUM_BYTES === bytes.byteLength && exact
  if (!whole || !bytesEqual(checksumOf(payload), bytes.subarray(end))) refuse('its checksum is wrong')
  return payload
}

const PAYLOAD = tupleField(
  uintField(VERSION, VERSION),
  bytesField(HASH_BYTES),
  bytesField(PUBLIC_KEY_BYTES),
  bytesField(INVITE_SEED_BYTES),
  listField(textField(ADDRESS_MAX_CHARS), TICKET_MAX_ADDRESSES),
  uintField(1),
)

function ticketOf(payload: Uint8Array): Ticket {
  try {
    const value = decodeCanonicalCbor(payload)
    if (Array.isArray(value) && isOtherVersion(value[0])) refuseVersion()
    const [, space, issuer, seed, addresses, expires] = PAYLOAD.read(value)
    return { space: spaceIdOf(space), issuer: peerIdOfKey(issuer), seed, addresses, expires }
  } catch (cause) {
    if (!(cause instanceof FieldMismatch || cause instanceof BaseError)) throw cause
    return refuse('its contents are not those of a ticket')
  }
}

function isOtherVersion(value: CborValue | undefined): boolean {
  return typeof value === 'number' && value !== VERSION
}

/**
 * Where the array at the start of `bytes` ends, or `undefined` when the bytes end first: tells a ticket that lost its tail
 * from one with a wrong letter. Knows arrays in arrays, byte strings, texts and numbers.
 */
function endOfArray(bytes: Uint8Array): number | undefined {
  let at = 0
  for (let items = 1; items > 0; items--) {
    const head = bytes[at]
    if (head === undefined) return undefined
    const info = head & 0x1f
    const width = info < 24 ? 0 : 1 << (info - 24)
    let argument = width === 0 ? info : 0
    for (const byte of bytes.subarray(at + 1, at + 1 + width)) argument = argument * 256 + byte
    at += 1 + width
    const major = head >> 5
    if (major === 2 || major === 3) at += argument
    if (major === 4) items += argument
  }
  return at <= bytes.byteLength ? at : undefined
}

function checksumOf(payload: Uint8Array): Uint8Array {
  return sha256(CHECKSUM_TAG, payload).subarray(0, CHECKSUM_BYTES)
}

function refuse(why: string): never {
  throw new SpaceError('ERR_TICKET_MALFORMED', `this is not a valid ticket: ${why}`, {
    fix: 'Copy the whole ticket again, from plexus1 to its last letter.',
  })
}

function refuseVersion(): never {
  throw new SpaceError('ERR_TICKET_MALFORMED', 'the ticket is of a version that this Plexus does not know', {
    fix: 'Update Plexus, or ask for a ticket from an older one.',
  })
}
