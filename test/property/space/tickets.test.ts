import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PlexusError, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import { decodeBase32, encodeBase32 } from '../../../src/space/base32.ts'
import { formatTicket, parseTicket, type Ticket } from '../../../src/space/index.ts'

const tickets: fc.Arbitrary<Ticket> = fc.record(
  {
    space: fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => Buffer.from(bytes).toString('hex') as SpaceId),
    issuer: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerIdOfKey),
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    addresses: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 8 }),
    expires: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  },
  { noNullPrototype: true },
)

test('base32 reads back what was written and takes no other spelling of it', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567'),
      (bytes, char) => {
        const text = encodeBase32(bytes)
        assert.deepEqual(decodeBase32(text), { bytes, exact: true })
        const longer = decodeBase32(text + char)
        if (longer?.exact) assert.equal(encodeBase32(longer.bytes), text + char)
      },
    ),
  )
})

test('every ticket reads back what was written', () => {
  fc.assert(fc.property(tickets, (ticket) => assert.deepEqual(parseTicket(formatTicket(ticket), 0), ticket)))
})

test('no text makes the parser throw anything but its own error', () => {
  const noise = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'abcdefgh234567') }).map((text) => `plexus1${text}`),
    fc.tuple(tickets, fc.nat(), fc.constantFrom(...'abyz27')).map(([ticket, at, char]) => {
      const text = formatTicket(ticket)
      const place = at % text.length
      return text.slice(0, place) + char + text.slice(place + 1)
    }),
    fc.tuple(tickets, fc.nat()).map(([ticket, at]) => formatTicket(ticket).slice(0, at % 300)),
  )
  fc.assert(
    fc.property(noise, (text) => {
      try {
        parseTicket(text, 0)
      } catch (error) {
        assert.ok(error instanceof PlexusError)
        assert.equal(error.code, 'ERR_TICKET_MALFORMED')
      }
    }),
    { numRuns: 1000 },
  )
})
