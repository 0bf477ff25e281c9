import assert from 'node:assert/strict'
import { copyFileSync, mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { bytesOfHex, hexOf, keyOfPeerId, type SpaceId } from '../../../src/base/index.ts'
import { decodeHeader, type Frame, type Header } from '../../../src/records/index.ts'
import { CONTROL_KIND, type ControlBody, readControl } from '../../../src/space/index.ts'
import { BodySealing } from '../../../src/space/keys/body-sealing.ts'
import { type EpochKey, keyIdOf, openKeyBox } from '../../../src/space/keys/epoch-key.ts'
import { HeldKeys } from '../../../src/space/keys/held-keys.ts'
import { KeyTable } from '../../../src/space/keys/key-table.ts'
import type { DurableHalf } from '../../support/durable-half.ts'
import { EncryptedTown, framesOf, give, heard, say, take } from '../../support/encrypted-town.ts'

interface Sealed {
  readonly header: Header
  readonly body: Uint8Array
}

/** Ciphertexts of the records that a device can lay hands on. */
function ciphertexts(of: DurableHalf, space: SpaceId): readonly Sealed[] {
  return framesOf(of, space, 'data').flatMap(({ header, body }) =>
    body === null ? [] : [{ header: decodeHeader(header), body }],
  )
}

function epochRecords(of: DurableHalf, space: SpaceId): readonly { by: Uint8Array; body: ControlBody<'epoch'> }[] {
  return of.journal.records({ space, kinds: [CONTROL_KIND.epoch], limit: 1000 }).map(({ author, kind, body }) => ({
    by: keyOfPeerId(author),
    body: readControl(kind, body) as ControlBody<'epoch'>,
  }))
}

/** Every key that a device has, can open, or has ever seen the name of, and any bytes that might be one. */
function everyKeyOf(attacker: DurableHalf, space: SpaceId): readonly EpochKey[] {
  const held = new HeldKeys(space, new KeyTable(attacker.database))
  const spaceBytes = bytesOfHex(space)
  const records = epochRecords(attacker, space)
  const names = records.map(({ body }) => ({ n: body.n, id: body.key }))
  for (const { by, body } of records) {
    for (const [device, box] of body.boxes) {
      // Its own boxes, and those of all others, as if they were its own.
      for (const to of [bytesOfHex(device), attacker.identity.device.publicKey]) {
        for (const name of names) {
          const key = openKeyBox(attacker.identity, { space: spaceBytes, author: by, device: to }, name, box)
          if (key !== undefined) held.add(key, true)
        }
      }
    }
  }
  // Every chain, again and again, until no more keys come of it.
  for (let before = -1; before < held.size; ) {
    before = held.size
    for (const { body } of records) for (const name of names) held.addSealed(name.id, body.previous ?? [], true)
    for (const { body } of records) held.addSealed(body.key, body.previous ?? [], true)
  }
  const guesses = [
    attacker.identity.exportDeviceSeed(),
    attacker.identity.sealingKey,
    attacker.identity.device.publicKey,
    ...records.flatMap(({ body }) => body.boxes.map(([, box]) => box.slice(-32))),
    ...records.flatMap(({ body }) => (body.previous ?? []).map(([, , sealed]) => sealed.slice(0, 32))),
    new Uint8Array(32),
  ]
  const guessed = guesses.flatMap((key) => names.map(({ n }) => ({ n, id: keyIdOf(spaceBytes, n, key), key })))
  return [...held.rootsWithout(), ...names.flatMap(({ id }) => held.get(id) ?? []), ...guessed]
}

/** How many ciphertexts open under any of these keys, whatever epoch they name. */
function opened(space: SpaceId, sealed: readonly Sealed[], keys: readonly EpochKey[]): number {
  const sealing = new BodySealing()
  const opens = ({ header, body }: Sealed): boolean =>
    keys.some((key) => sealing.open({ ...key, n: header.epoch }, { ...header, space }, body) !== undefined)
  return sealed.filter(opens).length
}

suite('by trying every key on every ciphertext', () => {
  test('a removed member opens what was written while it was one, and nothing newer', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    await say(host, id, 'before')
    const removed = await town.guest(host, 2, id, 'admin')
    const stays = await town.guest(host, 3, id)
    await say(stays, id, 'while it was there')
    give(stays, host, id)
    give(host, removed, id)
    await host.spaces.revoke(id, removed.identity.device.peer)
    give(host, stays, id)
    await say(host, id, 'after')
    await say(stays, id, 'after that')
    await town.guest(host, 4, id)
    give(stays, host, id)
    // A relay that was careless gave it everything.
    give(host, removed, id)
    const all = ciphertexts(host, id)
    assert.equal(all.length, 4)
    assert.equal(opened(id, all, everyKeyOf(host, id)), 4)
    assert.equal(opened(id, all, everyKeyOf(stays, id)), 4)
    assert.equal(opened(id, all, everyKeyOf(removed, id)), 2)
    assert.deepEqual(heard(removed, id), ['before', 'while it was there'])
  })

  test('a relay opens nothing, not even together with somebody who never was a member', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const relay = await town.guest(host, 2, id, 'relay')
    await town.guest(host, 3, id)
    await say(host, id, 'a secret')
    give(host, relay, id)
    const stranger = town.peer(4)
    take(stranger, id, framesOf(relay, id, 'control'))
    const all = ciphertexts(relay, id)
    assert.equal(all.length, 1)
    assert.equal(opened(id, all, [...everyKeyOf(relay, id), ...everyKeyOf(stranger, id)]), 0)
    assert.equal(opened(id, all, everyKeyOf(host, id)), 1)
  })

  test('a later member of a space without history opens nothing of the time before it', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false, history: 'since-admission' })
    await say(host, id, 'before')
    const first = await town.guest(host, 2, id)
    await say(first, id, 'between')
    give(first, host, id)
    const second = await town.guest(host, 3, id)
    await say(host, id, 'after')
    for (const guest of [first, second]) give(host, guest, id)
    const all = ciphertexts(host, id)
    const counts = [host, first, second].map((peer) => opened(id, all, everyKeyOf(peer, id)))
    assert.deepEqual(counts, [3, 2, 1])
  })
})

test('two copies of one store never use a nonce twice under one key', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-twins-'))
  using town = new EncryptedTown()
  const [path, copy] = [join(folder.path, 'a.db'), join(folder.path, 'b.db')]
  const first = town.peer(1, path)
  const { id } = await first.spaces.create({ name: 'lab', personal: false })
  await say(first, id, 'in both')
  first[Symbol.dispose]()
  copyFileSync(path, copy)
  town.clock.advance(1)
  const twin = town.peer(1, copy)
  town.clock.advance(1)
  const original = town.peer(1, path)
  for (let at = 0; at < 100; at++) for (const peer of [original, twin]) await say(peer, id, `number ${at}`)
  const [a, b] = [original, twin].map((peer) => ciphertexts(peer, id))
  assert.ok(a !== undefined && b !== undefined)
  assert.equal(hexOf(a[1]?.header.log ?? new Uint8Array()), hexOf(b[1]?.header.log ?? new Uint8Array()), 'the same log')
  // The first is in both copies.
  const used = [...a, ...b.slice(1)].map(({ header, body }) => hexOf(header.log) + hexOf(body.subarray(0, 28)))
  assert.equal(new Set(used).size, 201)
})

test('whatever of a sealed record is changed, it does not open', async () => {
  using town = new EncryptedTown()
  const host = town.peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  await say(host, id, 'one')
  await say(host, id, 'two')
  const [one, two] = ciphertexts(host, id)
  assert.ok(one !== undefined && two !== undefined)
  const { cipher } = host.spaces
  const open = (place: Header, body: Uint8Array, space = id): unknown =>
    cipher.open({ ...place, space }, place.epoch, body)
  assert.ok(open(one.header, one.body) !== undefined)
  assert.equal(open(two.header, one.body), undefined, 'at another place of its log')
  assert.equal(open({ ...one.header, device: new Uint8Array(32) }, one.body), undefined)
  assert.equal(open({ ...one.header, log: new Uint8Array(8) }, one.body), undefined)
  assert.equal(open({ ...one.header, epoch: 2 }, one.body), undefined)
  const other = await host.spaces.create({ name: 'other', personal: false })
  assert.equal(open(one.header, one.body, other.id), undefined)
})

test('frames with a changed ciphertext are no frames', async () => {
  using town = new EncryptedTown()
  const host = town.peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const guest = await town.guest(host, 2, id)
  await say(host, id, 'one')
  const [frame] = framesOf(host, id, 'data')
  assert.ok(frame !== undefined && frame.body !== null)
  const body = frame.body.slice()
  body[40] = (body[40] ?? 0) ^ 1
  const changed: Frame = { ...frame, body }
  assert.deepEqual(guest.journal.ingest(id, [changed], 'single').refused, { 'bad-body': 1 })
})
