/** The bytes of docs/specs/link.md, from the first message of a linking to its last, and of docs/specs/standing.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hexOf, type SpaceId } from '../../../src/base/index.ts'
import { signer } from '../../../src/identity/index.ts'
import { type LinkEffect, LinkHost } from '../../../src/sync/link/link-host.ts'
import { formatLinkTicket, linkKey } from '../../../src/sync/link/link-ticket.ts'
import { encodeLinkMessage, type LinkMessage } from '../../../src/sync/link/link-wire.ts'
import { decodeStanding, encodeStanding, type StandingMessage } from '../../../src/sync/standing/standing-wire.ts'
import { exchange, guestMachine, identity, SEED, Side, taken } from '../../unit/sync/link-fixture.ts'

const golden = JSON.parse(readFileSync(new URL('link.json', import.meta.url), 'utf8'))
const space = 'ab'.repeat(32) as SpaceId

test('a linking from the ticket to the last word', () => {
  const [desk, laptop] = [identity(1, 'desk'), identity(2, 'laptop')]
  const transcript: [from: string, message: string, bytes: string][] = []
  const byOld = new Set<LinkMessage>()
  const note = (message: LinkMessage): LinkMessage => {
    const from = byOld.has(message) ? 'old' : 'new'
    transcript.push([from, message.is, hexOf(encodeLinkMessage(message))])
    return message
  }
  const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
  const hello = taken(guest, 'hello')
  note(hello)
  const offer = { principal: desk.principal, name: 'desk', nonce: new Uint8Array(32).fill(6) }
  assert.ok(desk.certify !== undefined)
  const host = new Side(new LinkHost({ self: desk.device.peer, offer, hello, certify: desk.certify }))
  const send = host.out.push.bind(host.out)
  for (const message of host.out) byOld.add(message)
  host.out.push = (...messages) => {
    for (const message of messages) byOld.add(message)
    return send(...messages)
  }
  exchange(host, guest, note)
  host.on({ is: 'confirmed' })
  exchange(host, guest, note)
  guest.on({ is: 'confirmed' })
  exchange(host, guest, note)
  const last = (side: Side): LinkEffect['do'] | undefined => side.done.at(-1)
  assert.deepEqual([last(host), last(guest)], ['end', 'end'])
  const { peer } = desk.device
  const ticket = { host: peer, seed: SEED, addresses: ['/ip4/127.0.0.1/tcp/7424'], expires: 1_700_000_000_000 }
  const made = {
    ticket: formatLinkTicket(ticket),
    linkKey: hexOf(linkKey(SEED).publicKey),
    host: hexOf(signer(desk.exportDeviceSeed()).publicKey),
    words: host.words?.join(' '),
    transcript,
  }
  assert.deepEqual(made, golden.linking)
})

test('the messages that are not in it', () => {
  const others: Readonly<Record<string, LinkMessage>> = {
    peers: { is: 'peers', peers: [{ peer: identity(3, 'x').device.peer, addresses: ['/ip4/127.0.0.1/tcp/1'] }] },
    control: { is: 'control', space, frames: new Uint8Array([1, 2, 3]) },
    refused: { is: 'refused', why: 'words' },
  }
  for (const [name, message] of Object.entries(others)) {
    assert.equal(hexOf(encodeLinkMessage(message)), golden.messages[name], name)
  }
})

test('what is said about standing', () => {
  const messages: Readonly<Record<StandingMessage['is'], StandingMessage>> = {
    ask: { is: 'ask', space },
    tell: { is: 'tell', space },
    member: { is: 'member' },
    removed: { is: 'removed' },
    show: { is: 'show' },
    unknown: { is: 'unknown' },
    control: { is: 'control', frames: new Uint8Array([1, 2, 3]) },
    end: { is: 'end' },
  }
  for (const [name, message] of Object.entries(messages)) {
    const bytes = encodeStanding(message)
    assert.equal(hexOf(bytes), golden.standing[name], name)
    assert.deepEqual(decodeStanding(bytes), message)
  }
})
