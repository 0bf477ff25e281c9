import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import {
  formatTicket,
  parseTicket,
  TICKET_MAX_ADDRESSES,
  TICKET_MAX_CHARS,
  type Ticket,
} from '../../../src/space/index.ts'

const NOW = 1_700_000_000_000
const TICKET: Ticket = {
  space: 'ab'.repeat(32) as SpaceId,
  issuer: peerIdOfKey(new Uint8Array(32).fill(7)),
  seed: new Uint8Array(16).fill(9),
  addresses: ['/ip4/192.0.2.1/tcp/4001', '/ip6/2001:db8::1/tcp/4001'],
  expires: NOW + 60_000,
}
const TEXT: string = formatTicket(TICKET)

function refusal(text: string, now = NOW): string {
  try {
    parseTicket(text, now)
  } catch (error) {
    return `${codeOf(error)}: ${(error as Error).message}`
  }
  return 'accepted'
}

test('a ticket reads back what was written, in any case and with blanks around it', () => {
  assert.deepEqual(parseTicket(TEXT, NOW), TICKET)
  assert.deepEqual(parseTicket(`  ${TEXT.toUpperCase()}\n`, NOW), TICKET)
  assert.match(TEXT, /^plexus1[a-z2-7]+$/)
})

test('what is wrong with a ticket is said', () => {
  const middle = Math.floor(TEXT.length / 2)
  const changed = TEXT.slice(0, middle) + (TEXT[middle] === 'a' ? 'b' : 'a') + TEXT.slice(middle + 1)
  const cases: [string, RegExp][] = [
    ['', /truncated/],
    ['plex', /truncated/],
    ['hello', /begins with plexus1/],
    ['plexus2abc', /version that this Plexus does not know/],
    [`${TEXT.slice(0, 20)}1${TEXT.slice(21)}`, /a character that no ticket has/],
    [TEXT.slice(0, -1), /truncated/],
    [TEXT.slice(0, 30), /truncated/],
    [`${TEXT}a`, /checksum is wrong/],
    [`${TEXT}aaaaaaaa`, /checksum is wrong/],
    [changed, /checksum is wrong/],
    [TEXT.padEnd(TICKET_MAX_CHARS + 1, 'a'), /longer than 2048 characters/],
  ]
  for (const [text, expected] of cases) {
    assert.match(refusal(text), /^ERR_TICKET_MALFORMED/)
    assert.match(refusal(text), expected)
  }
})

test('an expired ticket is refused as that', () => {
  assert.equal(refusal(TEXT, TICKET.expires), 'accepted')
  assert.match(refusal(TEXT, TICKET.expires + 5 * 60_000), /^ERR_TICKET_EXPIRED: the ticket expired 5 minutes ago$/)
})

test('addresses that do not fit are left out from the end', () => {
  const addresses = Array.from({ length: 40 }, (_, index) => `/dns4/${String(index).padEnd(180, 'x')}.example/tcp/4001`)
  const text = formatTicket({ ...TICKET, addresses })
  assert.ok(text.length <= TICKET_MAX_CHARS)
  const kept = parseTicket(text, NOW).addresses
  assert.ok(kept.length > 0 && kept.length <= TICKET_MAX_ADDRESSES)
  assert.deepEqual(kept, addresses.slice(0, kept.length))
})
