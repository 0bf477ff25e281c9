import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytesOfHex, codeOf, concatBytes, hexOf, type SpaceId, seededRandom } from '../../../src/base/index.ts'
import {
  BODY_MAX_BYTES,
  bodyHashOf,
  decodeHeader,
  encodeBody,
  encodeHeader,
  FLAG_ENCRYPTED,
  type Frame,
  type Header,
  LOG_CLASS,
  type StoredRecord,
  signHeader,
} from '../../../src/records/index.ts'
import { REREAD_MAX_RECORDS } from '../../../src/records/rereading.ts'
import { PREVIOUS_MAX, writeControl } from '../../../src/space/control-records.ts'
import { CONTROL_KIND } from '../../../src/space/index.ts'
import { epochKey } from '../../../src/space/keys/epoch-key.ts'
import { epochBodies } from '../../../src/space/keys/epoch-records.ts'
import { ANYBODYS_SHARE, KEYS_MAX_PER_SPACE } from '../../../src/space/keys/held-keys.ts'
import type { DurableHalf } from '../../support/durable-half.ts'
import { admit, EncryptedTown, framesOf, give, heard, SAID_KIND, say, take } from '../../support/encrypted-town.ts'

/** The first record of a durable log of this device, as its author wants it to be. */
function forged(
  by: DurableHalf,
  space: SpaceId,
  fields: Pick<Header, 'kind' | 'flags' | 'epoch'>,
  body: Uint8Array,
): Frame {
  const { device } = by.identity
  const header = encodeHeader({
    v: 1,
    space: bytesOfHex(space),
    device: device.publicKey,
    log: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, fields.kind & 0xff),
    seq: 1,
    prev: new Uint8Array(32),
    hlc: 1,
    auth: new Uint8Array(8),
    ...fields,
    exp: 0,
    bodyHash: bodyHashOf(body),
    bodyLen: body.length,
  })
  return { header, signature: signHeader(device, header), body }
}

suite('an encrypted space', () => {
  test('is what a new space is; its records are ciphertexts to everybody else', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id, encrypted } = await host.spaces.create({ name: 'lab', personal: false })
    assert.ok(encrypted)
    const record = await say(host, id, 'a secret')
    assert.deepEqual([record.kind, record.body], [SAID_KIND, { text: 'a secret' }])
    const frame = host.journal.frame(record.id)
    assert.ok(frame !== undefined && frame.body !== null)
    const { kind, flags, epoch } = decodeHeader(frame.header)
    assert.deepEqual([kind, flags, epoch], [0, 1, 1])
    assert.ok(!Buffer.from(frame.body).includes('secret'))
    assert.deepEqual(host.spaces.keys(id), { epoch: 1, keys: 1, due: undefined })
  })

  test('is read by its members, whose kinds and queries are as if it were not encrypted', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    await say(host, id, 'before')
    const guest = await town.guest(host, 2, id)
    await say(guest, id, 'after')
    give(guest, host, id)
    for (const peer of [host, guest]) {
      assert.deepEqual(heard(peer, id), ['before', 'after'])
      assert.equal(peer.journal.figures().unread, 0)
    }
  })

  test('with the policy since-admission shows a new member nothing of the time before it', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false, history: 'since-admission' })
    await say(host, id, 'before')
    const guest = await town.guest(host, 2, id)
    await say(host, id, 'after')
    give(host, guest, id)
    assert.deepEqual(heard(guest, id), ['after'])
    assert.equal(guest.journal.figures().unread, 1)
    assert.deepEqual(heard(host, id), ['before', 'after'])
  })

  test('shows a relay nothing, which keeps all and serves it as it is', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    await say(host, id, 'a secret')
    const relay = await town.guest(host, 2, id, 'relay')
    assert.deepEqual(heard(relay, id), [])
    assert.deepEqual(relay.spaces.keys(id), { epoch: 0, keys: 0, due: undefined })
    const guest = town.peer(3)
    await admit(host, guest, id, 'writer')
    give(host, relay, id)
    give(relay, guest, id)
    assert.deepEqual(heard(guest, id), ['a secret'])
  })

  test('shows whoever may read no more nothing that was written since, and a later member all of it', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const guest = await town.guest(host, 2, id)
    await say(host, id, 'while it may')
    await host.spaces.setRole(id, guest.identity.device.peer, 'relay')
    assert.equal(host.spaces.keys(id)?.epoch, 2)
    await say(host, id, 'after that')
    give(host, guest, id)
    assert.deepEqual(heard(guest, id), ['while it may'])
    const later = await town.guest(host, 3, id)
    assert.deepEqual(heard(later, id), ['while it may', 'after that'])
    await host.spaces.setRole(id, guest.identity.device.peer, 'reader')
    give(host, guest, id)
    assert.deepEqual(heard(guest, id), ['while it may', 'after that'], 'it may read again')
  })

  test('has another key once an admin is lowered: whom it let in unheard of has the old one', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const admin = await town.guest(host, 2, id, 'admin')
    const unheard = await town.guest(admin, 3, id)
    await host.spaces.setRole(id, admin.identity.device.peer, 'writer')
    give(host, admin, id)
    await say(host, id, 'for those who remain')
    give(host, admin, id)
    give(host, unheard, id)
    assert.equal(host.spaces.keys(id)?.epoch, 2)
    assert.deepEqual(heard(admin, id), ['for those who remain'])
    assert.deepEqual(heard(unheard, id), [])
  })

  test('takes nothing that is written openly; another space takes no ciphertext', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const [closed, open] = [
      await host.spaces.create({ name: 'closed', personal: false }),
      await host.spaces.create({ name: 'open', personal: false, encrypted: false }),
    ]
    for (const { id } of [closed, open]) await say(host, id, 'hello')
    const guest = town.peer(2)
    for (const { id } of [closed, open]) {
      await admit(host, guest, id, 'writer')
      give(host, guest, id)
    }
    const openly = { kind: SAID_KIND, flags: 0, epoch: 0 }
    const sealed = { kind: 0, flags: FLAG_ENCRYPTED, epoch: 1 }
    const body = encodeBody({ text: 'hm' }, guest.random)
    const judged = (space: SpaceId, fields: typeof openly): unknown => {
      const { stored, refused } = host.journal.ingest(space, [forged(guest, space, fields, body)], 'single')
      return stored === 1 ? 'stored' : refused
    }
    const refused = { 'not-allowed': 1 }
    assert.deepEqual(judged(closed.id, openly), refused)
    assert.deepEqual(judged(open.id, sealed), refused)
    assert.deepEqual(judged(closed.id, { ...sealed, kind: SAID_KIND }), refused, 'a ciphertext whose kind is seen')
    assert.deepEqual(judged(open.id, openly), 'stored')
    assert.deepEqual(judged(closed.id, sealed), 'stored', 'what does not open is not for the store to say')
    assert.deepEqual(heard(host, closed.id), ['hello'])
  })

  test('folds no control record that somebody hid in a ciphertext', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const guest = await town.guest(host, 2, id)
    const log = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0)
    const place = { space: id, device: guest.identity.device.publicKey, log, seq: 1 }
    const hidden = concatBytes(Uint8Array.of(0, 0, 0, CONTROL_KIND.admit), encodeBody({ any: 'thing' }, guest.random))
    const sealed = guest.spaces.cipher.seal(place, hidden)
    assert.ok(sealed !== undefined)
    const frame = forged(guest, id, { kind: 0, flags: FLAG_ENCRYPTED, epoch: sealed.epoch }, sealed.body)
    assert.equal(host.journal.ingest(id, [frame], 'single').stored, 1)
    assert.equal(host.journal.records({ space: id, kinds: [CONTROL_KIND.admit], limit: 10 }).length, 1)
    assert.equal(host.journal.figures().unread, 1)
  })

  test('takes bodies up to a limit, and says which', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const write = (length: number): Promise<StoredRecord> =>
      host.journal.append({ space: id, class: LOG_CLASS.durable, kind: SAID_KIND, body: { b: new Uint8Array(length) } })
    // Salt, map and text heads; kind; name of the key, nonce, tag.
    const overhead = 16 + 6 + 4 + 44
    assert.equal((await write(BODY_MAX_BYTES - overhead)).kind, SAID_KIND)
    await assert.rejects(write(BODY_MAX_BYTES - overhead + 1), (error: Error) => {
      assert.equal(codeOf(error), 'ERR_RECORD_TOO_LARGE')
      assert.match(error.message, /65489 bytes exceeds the 65488/)
      return true
    })
  })
})

suite('a key that comes late', () => {
  test('opens what was stored before it, in as many steps as it takes, and tells who listens', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const texts = Array.from({ length: 600 }, (_, at) => `number ${at}`)
    await host.journal.appendAll(
      texts.map((text) => ({ space: id, class: LOG_CLASS.durable, kind: SAID_KIND, body: { text } })),
    )
    const guest = town.peer(2)
    await admit(host, guest, id, 'writer')
    const control = framesOf(host, id, 'control')
    take(guest, id, [...control.slice(0, -1), ...framesOf(host, id, 'data')])
    assert.equal(guest.journal.records({ space: id, class: LOG_CLASS.durable, limit: 1000 }).length, texts.length)
    assert.deepEqual(heard(guest, id), [])
    const read: unknown[] = []
    guest.journal.events.on('record:read', ({ record }) => read.push(record.body?.text))
    take(guest, id, control.slice(-1))
    assert.equal(read.length, REREAD_MAX_RECORDS, 'one commit does not do all of it')
    while (guest.journal.figures().unread !== 0) await Promise.resolve()
    assert.deepEqual(read, texts)
    assert.deepEqual(heard(guest, id), texts)
  })

  test('may be fetched from the control records again when the store was lost', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    await say(host, id, 'mine')
    const guest = await town.guest(host, 2, id)
    await say(guest, id, 'yours')
    give(guest, host, id)
    for (const seed of [1, 2]) {
      const again = town.peer(seed)
      give(host, again, id)
      assert.deepEqual(heard(again, id).toSorted(), ['mine', 'yours'])
    }
  })
})

test('a relay cannot keep the keys of admins out by giving keys of its own, however many', async () => {
  using town = new EncryptedTown()
  const host = town.peer(1)
  const { id: space } = await host.spaces.create({ name: 'lab', personal: false })
  const reader = await town.guest(host, 2, space)
  const relay = await town.guest(host, 3, space, 'relay')
  const gone = await town.guest(host, 4, space)
  give(host, reader, space)
  const random = seededRandom(7)
  const spaceBytes = bytesOfHex(space)
  const by = { space: spaceBytes, author: relay.identity.device.publicKey, random }
  const newKey = (n: number) => epochKey(spaceBytes, n, random.bytes(32))
  const victims = [host, reader].map(({ identity }) => ({
    device: hexOf(identity.device.publicKey),
    principal: hexOf(identity.principal),
    sealing: hexOf(identity.sealingKey),
  }))
  const bodies = Array.from({ length: 70 }, (_, at) => {
    const older = Array.from({ length: PREVIOUS_MAX }, (_, n) => newKey(n + 1))
    return epochBodies(by, newKey(1_000 + at), { readers: victims, older })
  }).flat()
  const drafts = bodies.map((body) => {
    return { space, class: LOG_CLASS.control, kind: CONTROL_KIND.epoch, body: writeControl('epoch', body) }
  })
  await relay.journal.appendTogether(drafts)
  for (const victim of [host, reader]) {
    give(relay, victim, space)
    assert.equal(victim.spaces.keys(space)?.keys, KEYS_MAX_PER_SPACE * ANYBODYS_SHARE)
  }
  await host.spaces.revoke(space, gone.identity.device.peer)
  give(host, reader, space)
  await say(reader, space, 'still here')
  give(reader, host, space)
  assert.deepEqual(
    [host, reader].map((peer) => heard(peer, space)),
    [['still here'], ['still here']],
  )
  assert.equal(reader.spaces.keys(space)?.epoch, 2)
})

test('what is sealed under a key that nobody gave to this device waits, and is not written under', async () => {
  using town = new EncryptedTown()
  const host = town.peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const guest = town.peer(2)
  await admit(host, guest, id, 'writer')
  take(guest, id, framesOf(host, id, 'control').slice(0, -1))
  assert.equal(guest.spaces.roleOf(id, guest.identity.device.peer), 'writer')
  await assert.rejects(say(guest, id, 'too early'), (error) => codeOf(error) === 'ERR_RECORD_KEY_MISSING')
  give(host, guest, id)
  assert.deepEqual((await say(guest, id, 'now')).body, { text: 'now' })
})
