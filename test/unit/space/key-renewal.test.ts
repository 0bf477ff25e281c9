import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytesOfHex, hexOf, type SpaceId, seededRandom, silentLogger } from '../../../src/base/index.ts'
import { signer } from '../../../src/identity/index.ts'
import { BODY_MAX_BYTES, encodeBody } from '../../../src/records/index.ts'
import { CONTROL_KIND, KeyRenewal, readControl, writeControl } from '../../../src/space/index.ts'
import { epochKey, openKeyBox } from '../../../src/space/keys/epoch-key.ts'
import { epochBodies } from '../../../src/space/keys/epoch-records.ts'
import { EPOCH_MAX_AGE_MS } from '../../../src/space/keys/space-keys.ts'
import type { DurableHalf } from '../../support/durable-half.ts'
import { EncryptedTown, give, heard, say } from '../../support/encrypted-town.ts'

const MINUTE_MS = 60_000

function epochsOf(peer: DurableHalf, space: SpaceId): number {
  return peer.journal.records({ space, kinds: [CONTROL_KIND.epoch], limit: 1000 }).length
}

function due(peer: DurableHalf, space: SpaceId): string | undefined {
  return peer.spaces.keys(space)?.due
}

suite('what is due for the keys of a space', () => {
  test('is a new epoch when the last one is old, for an admin to make', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const guest = await town.guest(host, 2, id)
    await say(host, id, 'old')
    town.clock.advance(EPOCH_MAX_AGE_MS)
    assert.deepEqual([due(host, id), due(guest, id)], [undefined, undefined])
    town.clock.advance(1000)
    assert.deepEqual([due(host, id), due(guest, id)], ['epoch', undefined])
    assert.equal(await host.spaces.renewKeys(id), 'epoch')
    assert.equal(due(host, id), undefined)
    await say(host, id, 'new')
    give(host, guest, id)
    assert.deepEqual(heard(guest, id), ['old', 'new'])
    assert.deepEqual(guest.spaces.keys(id), { epoch: 2, keys: 2, due: undefined })
  })

  test('is the key for a member that was admitted while another admin made a new one', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const admin = await town.guest(host, 2, id, 'admin')
    const leaves = await town.guest(host, 3, id)
    await host.spaces.revoke(id, leaves.identity.device.peer)
    const guest = await town.guest(admin, 4, id)
    await say(guest, id, 'under the old key')
    give(host, guest, id)
    await assert.rejects(say(guest, id, 'the removed one knows the old key'), { code: 'ERR_RECORD_KEY_MISSING' })
    give(guest, host, id)
    assert.deepEqual([due(host, id), due(guest, id)], ['grant', undefined])
    await host.spaces.renewKeys(id)
    give(host, guest, id)
    await say(guest, id, 'under the new one')
    give(guest, host, id)
    assert.deepEqual(heard(host, id), ['under the old key', 'under the new one'])
  })

  test('is an older key that its maker took away with it, for any reader who holds it', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const admin = await town.guest(host, 2, id, 'admin')
    const writer = await town.guest(host, 3, id)
    give(host, admin, id)
    // The founder has not heard of this key when it removes its maker, so the record that made it counts no more.
    town.clock.advance(EPOCH_MAX_AGE_MS + 1000)
    await admin.spaces.renewKeys(id)
    give(admin, writer, id)
    await say(writer, id, 'under the key of the removed one')
    await host.spaces.revoke(id, admin.identity.device.peer)
    give(host, writer, id)
    give(writer, host, id)
    assert.deepEqual(heard(host, id), [])
    assert.deepEqual([due(host, id), due(writer, id)], [undefined, 'chain'])
    await writer.spaces.renewKeys(id)
    give(writer, host, id)
    assert.deepEqual(heard(host, id), ['under the key of the removed one'])
    const later = await town.guest(host, 4, id)
    assert.deepEqual(heard(later, id), ['under the key of the removed one'])
  })

  test('is a new epoch when whoever holds the key may be gone for good', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const seed = new Uint8Array(32).fill(7)
    const { publicKey } = signer(seed)
    const { id } = await host.spaces.create({ name: 'lab', personal: false, recovery: hexOf(publicKey) })
    const writer = await town.guest(host, 2, id)
    await say(writer, id, 'kept')
    const fresh = town.peer(3)
    give(writer, fresh, id)
    await fresh.spaces.recover(id, seed)
    assert.equal(due(fresh, id), 'epoch')
    await fresh.spaces.renewKeys(id)
    give(fresh, writer, id)
    assert.equal(due(writer, id), 'chain')
    await writer.spaces.renewKeys(id)
    give(writer, fresh, id)
    assert.deepEqual(heard(fresh, id), ['kept'])
  })
})

suite('the component that renews keys', () => {
  function renewal(peer: DurableHalf, town: EncryptedTown): KeyRenewal {
    return new KeyRenewal({ spaces: peer.spaces, clock: town.clock, random: peer.random, log: silentLogger() })
  }

  /** Time passes, and those who are online tell each other everything once a second. */
  async function pass(
    town: EncryptedTown,
    space: SpaceId,
    ms: number,
    ...online: readonly DurableHalf[]
  ): Promise<void> {
    for (let second = 0; second < ms; second += 1000) {
      town.clock.advance(1000)
      // An append is on disk two turns of the queue later, at the most.
      for (let turn = 0; turn < 8; turn++) await Promise.resolve()
      for (const from of online) for (const to of online) if (from !== to) give(from, to, space)
    }
  }

  test('lets the most senior act, and those after it only if it does not', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    const { id } = await host.spaces.create({ name: 'lab', personal: false })
    const admins = [await town.guest(host, 2, id, 'admin'), await town.guest(host, 3, id, 'admin')] as const
    for (const admin of admins) give(host, admin, id)
    const components = [host, ...admins].map((peer) => renewal(peer, town))
    const before = epochsOf(host, id)
    const renew = async (...online: readonly number[]): Promise<void> => {
      town.clock.advance(EPOCH_MAX_AGE_MS + MINUTE_MS)
      for (const at of online) await components[at]?.start()
      const peers = [host, ...admins].filter((_, at) => online.includes(at))
      await pass(town, id, 2 * MINUTE_MS, ...peers)
      for (const at of online) await components[at]?.stop()
    }
    await renew(0, 1, 2)
    assert.equal(epochsOf(host, id), before + 1, 'one of three')
    await renew(1, 2)
    assert.equal(epochsOf(admins[0], id), before + 2, 'one of two')
    assert.deepEqual(admins[1].spaces.keys(id), admins[0].spaces.keys(id))
    assert.equal(components[1]?.status().state, 'stopped')
  })

  test('makes up for a founding that was cut short', async () => {
    using town = new EncryptedTown()
    const host = town.peer(1)
    // Its genesis was written, and then the power went.
    const { identity, journal, spaces } = host
    const genesis = await journal.found(
      writeControl('genesis', {
        v: 1,
        name: 'lab',
        personal: false,
        principal: hexOf(identity.principal),
        certificate: identity.certificate,
        sealing: hexOf(identity.sealingKey),
        member: 'peer 1',
        history: 'all',
        encrypted: true,
      }),
    )
    const component = renewal(host, town)
    await component.start()
    await pass(town, genesis.space, MINUTE_MS)
    assert.equal(spaces.keys(genesis.space)?.epoch, 1)
    await component.stop()
  })
})

test('a key for a thousand members takes several records, each of which fits', () => {
  using town = new EncryptedTown()
  const { identity } = town.peer(1)
  const random = seededRandom(1)
  const space = new Uint8Array(32).fill(1)
  const epoch = epochKey(space, 9, random.bytes(32))
  const readers = Array.from({ length: 999 }, (_, at) => {
    const device = new Uint8Array(32).fill(at & 0xff)
    return { device: hexOf(device), principal: '', sealing: hexOf(identity.sealingKey) }
  })
  // A device whose sealing key is no key keeps nobody from anything.
  readers.push({ device: '77'.repeat(32), principal: '', sealing: '00'.repeat(32) })
  const older = Array.from({ length: 70 }, (_, n) => epochKey(space, n + 1, random.bytes(32)))
  const author = identity.device.publicKey
  const bodies = epochBodies({ space, author, random }, epoch, { readers, older })
  assert.deepEqual(
    bodies.map(({ boxes, previous = [] }) => [boxes.length, previous.length]),
    [
      [400, 64],
      [400, 6],
      [200, 0],
    ],
  )
  for (const body of bodies) {
    const written = writeControl('epoch', body)
    assert.ok(encodeBody(written, random).length <= BODY_MAX_BYTES)
    assert.deepEqual(readControl(CONTROL_KIND.epoch, written), { type: 'epoch', ...body })
  }
  const [device, box] = bodies[2]?.boxes[0] ?? ['', new Uint8Array()]
  const opened = openKeyBox(identity, { space, author, device: bytesOfHex(device) }, { n: 9, id: epoch.id }, box)
  assert.deepEqual(opened?.id, epoch.id)
})
