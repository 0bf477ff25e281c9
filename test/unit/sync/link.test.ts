import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { verifier, verifyCertificate } from '../../../src/identity/index.ts'
import type { LinkEffect } from '../../../src/sync/link/link-host.ts'
import { formatLinkTicket, linkKey, parseLinkTicket } from '../../../src/sync/link/link-ticket.ts'
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from '../../../src/sync/link/link-wire.ts'
import { holdsTicket } from '../../../src/sync/link/transcript.ts'
import { exchange, guestMachine, hostMachine, identity, SEED, Side, taken } from './link-fixture.ts'

const desk = identity(1, 'desk')
const laptop = identity(2, 'laptop')
const mallory = identity(3, 'mallory')

/** Two honest sides that have come as far as the words. */
function met(held: { host?: readonly LinkEffect['do'][]; guest?: readonly LinkEffect['do'][] } = {}): {
  host: Side
  guest: Side
} {
  const guest = new Side(guestMachine(laptop, desk.device.peer, 5), held.guest)
  const host = new Side(hostMachine(desk, taken(guest, 'hello'), 6), held.host)
  exchange(host, guest)
  return { host, guest }
}

function bothConfirm({ host, guest }: { host: Side; guest: Side }): void {
  host.on({ is: 'confirmed' })
  guest.on({ is: 'confirmed' })
  exchange(host, guest)
}

suite('two honest devices', () => {
  test('show the same six words, and are linked once both people have confirmed them', () => {
    const { host, guest } = met()
    assert.equal(host.words?.length, 6)
    assert.deepEqual(host.words, guest.words)
    bothConfirm({ host, guest })
    assert.deepEqual([host.outcome, guest.outcome], [{ is: 'linked' }, { is: 'linked' }])
    assert.deepEqual(guest.certificate, host.certificate)
    const certificate = verifyCertificate(guest.certificate ?? SEED, { verifier: verifier() })
    assert.deepEqual(certificate.principal, desk.principal)
    assert.deepEqual(certificate.device, laptop.device.publicKey)
    // The device is admitted only when its certificate is on disk there.
    assert.ok(guest.done.indexOf('keep') < guest.done.lastIndexOf('send'))
    assert.deepEqual(
      host.done.filter((one) => one !== 'send'),
      ['show', 'heard', 'admit', 'deliver', 'end'],
    )
  })

  test('in whichever order the people confirm', () => {
    const { host, guest } = met()
    guest.on({ is: 'confirmed' })
    exchange(host, guest)
    assert.equal(host.done.includes('heard'), true)
    assert.equal(host.outcome, undefined)
    host.on({ is: 'confirmed' })
    exchange(host, guest)
    assert.deepEqual([host.outcome, guest.outcome], [{ is: 'linked' }, { is: 'linked' }])
  })

  test('no certificate leaves the old device before both have confirmed', () => {
    for (const first of ['host', 'guest'] as const) {
      const pair = met()
      pair[first].on({ is: 'confirmed' })
      exchange(pair.host, pair.guest, (message) => {
        assert.notEqual(message.is, 'certificate')
        return message
      })
      assert.equal(pair.host.certificate, undefined)
    }
  })

  test('who refuses, or takes too long, ends it for both, with nothing left behind', () => {
    for (const [side, why] of [
      ['host', 'refused'],
      ['guest', 'refused'],
      ['guest', 'words'],
      ['host', 'late'],
    ] as const) {
      const pair = met()
      pair.guest.on({ is: 'confirmed' })
      exchange(pair.host, pair.guest)
      pair[side].on({ is: 'stopped', why })
      exchange(pair.host, pair.guest)
      const other = side === 'host' ? pair.guest : pair.host
      assert.deepEqual(pair[side].outcome, { is: 'failed', why, by: 'us' })
      assert.deepEqual(other.outcome, { is: 'failed', why, by: 'them' })
      for (const { done } of [pair.host, pair.guest]) assert.ok(!done.includes('admit') && !done.includes('keep'))
    }
  })
})

suite('a link that is lost', () => {
  const steps: readonly (readonly [LinkMessage['is'], LinkEffect['do'][], LinkEffect['do'][]])[] = [
    // The message that is lost, what the host must then do, and the guest.
    ['offer', [], []],
    ['reveal', [], []],
    ['confirmed', [], []],
    ['certificate', [], []],
    ['kept', [], ['abandon']],
    ['peers', ['withdraw'], ['abandon']],
    ['end', ['withdraw'], ['abandon']],
  ]
  for (const [lost, atHost, atGuest] of steps) {
    test(`before ${lost} comes leaves nothing behind`, () => {
      const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
      const host = new Side(hostMachine(desk, taken(guest, 'hello'), 6), ['await'])
      let isLost = false
      const through = (message: LinkMessage): LinkMessage | undefined => {
        isLost ||= message.is === lost
        return isLost ? undefined : message
      }
      exchange(host, guest, through)
      host.on({ is: 'confirmed' })
      guest.on({ is: 'confirmed' })
      exchange(host, guest, through)
      for (const side of [host, guest]) side.on({ is: 'stopped', why: 'lost' })
      if (host.outcome === undefined) host.on({ is: 'stopped', why: 'failed' })
      assert.equal(host.outcome?.is, 'failed')
      assert.equal(guest.outcome?.is, 'failed')
      const undone = ({ done }: Side): LinkEffect['do'][] =>
        done.filter((one) => one === 'withdraw' || one === 'abandon')
      assert.deepEqual(undone(host), atHost)
      assert.deepEqual(undone(guest), atGuest)
    })
  }

  test('after the last word: the new device has everything, and the old one waits whether it comes as a member', () => {
    for (const comes of [true, false]) {
      const pair = met({ host: ['await'] })
      const dropDone = (message: LinkMessage): LinkMessage | undefined => (message.is === 'done' ? undefined : message)
      pair.host.on({ is: 'confirmed' })
      pair.guest.on({ is: 'confirmed' })
      exchange(pair.host, pair.guest, dropDone)
      assert.deepEqual(pair.guest.outcome, { is: 'linked' })
      pair.host.on({ is: 'stopped', why: 'lost' })
      assert.ok(pair.host.done.includes('await'))
      pair.host.on(comes ? { is: 'ready' } : { is: 'stopped', why: 'failed' })
      assert.equal(pair.host.outcome?.is, comes ? 'linked' : 'failed')
      assert.equal(pair.host.done.includes('withdraw'), !comes)
    }
  })

  test('while the new device stores what it has makes no difference to it', () => {
    const pair = met({ guest: ['take'] })
    bothConfirm(pair)
    pair.guest.on({ is: 'stopped', why: 'lost' })
    pair.guest.receive({ is: 'refused', why: 'late' })
    assert.equal(pair.guest.outcome, undefined)
    pair.guest.on({ is: 'ready' })
    assert.deepEqual(pair.guest.outcome, { is: 'linked' })
  })

  test('a store that fails in the end is told to the other side, which takes everything back', () => {
    const pair = met({ guest: ['take'] })
    bothConfirm(pair)
    pair.guest.on({ is: 'stopped', why: 'failed' })
    exchange(pair.host, pair.guest)
    assert.deepEqual(pair.host.outcome, { is: 'failed', why: 'failed', by: 'them' })
    assert.ok(pair.host.done.includes('withdraw') && pair.guest.done.includes('abandon'))
  })
})

suite('somebody in the middle', () => {
  /** Mallory holds the ticket, answers the new device in the old one's place, and asks the old one in the new one's. */
  function relayed(nonces: { asHost: number; asGuest: number }): { host: Side; guest: Side } {
    const guest = new Side(guestMachine(laptop, mallory.device.peer, 5))
    const towardsGuest = new Side(hostMachine(mallory, taken(guest, 'hello'), nonces.asHost))
    exchange(towardsGuest, guest)
    const towardsHost = new Side(guestMachine(mallory, desk.device.peer, nonces.asGuest))
    const host = new Side(hostMachine(desk, taken(towardsHost, 'hello'), 6))
    exchange(host, towardsHost)
    return { host, guest }
  }

  test('who relays with keys of its own is seen: the screens show different words, whatever it chooses', () => {
    for (let attempt = 0; attempt < 64; attempt++) {
      const { host, guest } = relayed({ asHost: attempt, asGuest: 255 - attempt })
      assert.equal(host.words?.length, 6)
      assert.notDeepEqual(host.words, guest.words)
    }
  })

  test('who changes any field of a hello or an offer on its way is refused, or seen by the words', () => {
    const changes: readonly ((message: LinkMessage) => LinkMessage)[] = [
      (message) => (message.is === 'offer' ? { ...message, name: 'disk' } : message),
      (message) => (message.is === 'offer' ? { ...message, nonce: new Uint8Array(32).fill(1) } : message),
      (message) => (message.is === 'offer' ? { ...message, principal: mallory.principal } : message),
      (message) => (message.is === 'reveal' ? { ...message, nonce: new Uint8Array(32).fill(1) } : message),
    ]
    for (const change of changes) {
      const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
      const host = new Side(hostMachine(desk, taken(guest, 'hello'), 6))
      exchange(host, guest, change)
      const isSeen = host.outcome?.is === 'failed' || host.words?.join() !== guest.words?.join()
      assert.ok(isSeen)
    }
    const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
    const hello = taken(guest, 'hello')
    assert.ok(holdsTicket(verifier(), desk.device.peer, hello))
    for (const changed of [
      { ...hello, name: 'laptup' },
      { ...hello, device: mallory.device.peer },
      { ...hello, sealingKey: mallory.sealingKey },
      { ...hello, kind: 'agent' } as const,
      { ...hello, commitment: new Uint8Array(32) },
    ]) {
      assert.ok(!holdsTicket(verifier(), desk.device.peer, changed))
    }
    assert.ok(!holdsTicket(verifier(), mallory.device.peer, hello), 'made for another host')
  })

  test('cannot grind: the new device is bound before it has seen the nonce, and shows its own only after', () => {
    const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
    const hello = taken(guest, 'hello')
    assert.equal(guest.out.length, 0)
    const host = new Side(hostMachine(desk, hello, 6))
    const offer = taken(host, 'offer')
    // A guest that has seen the offer and now prefers another nonce.
    host.receive({ is: 'reveal', nonce: new Uint8Array(32).fill(99) })
    assert.deepEqual(host.outcome, { is: 'failed', why: 'protocol', by: 'us' })
    guest.receive(offer)
    assert.deepEqual(taken(guest, 'reveal').nonce, new Uint8Array(32).fill(5))
    // A host that has seen the reveal and now prefers another nonce.
    guest.receive({ ...offer, nonce: new Uint8Array(32).fill(98) })
    assert.deepEqual(guest.outcome, { is: 'failed', why: 'protocol', by: 'us' })
  })

  test('replaying what was said before does not lead to words that anybody confirmed', () => {
    const recorded: LinkMessage[] = []
    const first = new Side(guestMachine(laptop, desk.device.peer, 5))
    const hello = taken(first, 'hello')
    const host = new Side(hostMachine(desk, hello, 6))
    exchange(host, first, (message) => {
      recorded.push(message)
      return message
    })
    const reveal = recorded.find(({ is }) => is === 'reveal')
    assert.ok(reveal !== undefined)
    // The same hello and reveal again: the host's nonce is another.
    const again = new Side(hostMachine(desk, hello, 7))
    again.receive(reveal)
    assert.notDeepEqual(again.words, host.words)
  })
})

suite('a message out of its place', () => {
  const nonce = new Uint8Array(32)
  const every: readonly LinkMessage[] = [
    { is: 'offer', principal: nonce, name: 'x', nonce },
    { is: 'reveal', nonce },
    { is: 'confirmed' },
    { is: 'certificate', certificate: new Uint8Array(10) },
    { is: 'kept', proof: new Uint8Array(64) },
    { is: 'peers', peers: [] },
    { is: 'control', space: 'ab'.repeat(32) as never, frames: new Uint8Array(3) },
    { is: 'end' },
    { is: 'done' },
  ]

  test('ends the linking at once, on either side and in every state', () => {
    const expected = { offered: ['reveal'], compared: ['confirmed'] } as const
    for (const message of every) {
      const guest = new Side(guestMachine(laptop, desk.device.peer, 5))
      const fresh = new Side(hostMachine(desk, taken(guest, 'hello'), 6))
      fresh.receive(message)
      if (message.is !== 'reveal') assert.equal(fresh.outcome?.is, 'failed', `host offered: ${message.is}`)
      const { host, guest: compared } = met()
      host.receive(message)
      if (!expected.compared.some((is) => is === message.is)) assert.equal(host.outcome?.is, 'failed', message.is)
      compared.on({ is: 'confirmed' })
      compared.receive(message)
      // No certificate but ours will do.
      if (message.is !== 'confirmed') assert.equal(compared.outcome?.is, 'failed', `guest: ${message.is}`)
      assert.ok(!compared.done.includes('keep') && !host.done.includes('admit'))
    }
  })

  test('a certificate for somebody else, or of somebody else, is not kept', () => {
    for (const issuer of [desk, mallory]) {
      for (const subject of [laptop, mallory]) {
        const { guest } = met()
        guest.on({ is: 'confirmed' })
        const { device, sealingKey } = subject
        const certificate = issuer.certify?.({ device: device.publicKey, sealingKey, name: 'laptop', kind: 'human' })
        guest.receive({ is: 'certificate', certificate: certificate ?? SEED })
        assert.equal(guest.done.includes('keep'), issuer === desk && subject === laptop)
      }
    }
  })

  test('messages come back as they were sent; others are refused', () => {
    for (const message of every) assert.deepEqual(decodeLinkMessage(encodeLinkMessage(message)), message)
    const bad = encodeLinkMessage({ is: 'offer', principal: nonce, name: 'a\u202eb', nonce })
    assert.throws(() => decodeLinkMessage(bad), { code: 'ERR_SYNC_MALFORMED' })
    for (const bytes of [new Uint8Array(0), new Uint8Array([0x83, 1, 99, 0xf6]), new Uint8Array(500).fill(0x81)]) {
      assert.throws(() => decodeLinkMessage(bytes), { code: 'ERR_SYNC_MALFORMED' })
    }
  })
})

suite('a link ticket', () => {
  const ticket = {
    host: desk.device.peer,
    seed: SEED,
    addresses: ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2'],
    expires: 9_000,
  }

  test('comes back as it was, in any case and with blanks around it', () => {
    const text = formatLinkTicket(ticket)
    assert.match(text, /^plexuslink1[a-z2-7]+$/)
    assert.deepEqual(parseLinkTicket(` ${text.toUpperCase()}\n`, 9_000), ticket)
    assert.equal(linkKey(SEED).publicKey.byteLength, 32)
  })

  test('with a letter changed, cut short, expired or of another sort is refused with the reason', () => {
    const text = formatLinkTicket(ticket)
    const refused = (of: string, why: RegExp, now = 0): void =>
      assert.throws(() => parseLinkTicket(of, now), { code: 'ERR_LINK_TICKET', message: why })
    for (let at = 11; at < text.length; at++) {
      refused(text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1), /not a valid link ticket/)
      refused(text.slice(0, at), /not a valid link ticket/)
    }
    refused(text, /expired/, 9_001)
    refused('plexus1abc', /to join a space/)
    refused('hello', /begins with plexuslink1/)
    refused(`plexuslink1${'a'.repeat(3_000)}`, /longer/)
  })

  test('leaves out addresses rather than growing too long', () => {
    const many = Array.from({ length: 16 }, (_, at) => `/dns4/${'x'.repeat(230)}${at}/tcp/1`)
    const text = formatLinkTicket({ ...ticket, addresses: many })
    assert.ok(text.length <= 2_048)
    const { addresses } = parseLinkTicket(text, 0)
    assert.ok(addresses.length > 0 && addresses.length < many.length)
    assert.deepEqual(addresses, many.slice(0, addresses.length))
  })
})
