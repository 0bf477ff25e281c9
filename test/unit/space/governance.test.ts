import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bytesOfHex,
  codeOf,
  concatBytes,
  HLC_STEPS_PER_MS,
  hexOf,
  type PeerId,
  type SpaceId,
  seededRandom,
  VirtualClock,
} from '../../../src/base/index.ts'
import { type Identity, identityFromSeeds, issueCertificate, signer } from '../../../src/identity/index.ts'
import {
  bodyHashOf,
  encodeBody,
  encodeHeader,
  FLAG_HAS_EXPIRY,
  type Frame,
  LOG_CLASS,
  recordIdBytes,
  type StoredRecord,
  signHeader,
} from '../../../src/records/index.ts'
import { CUTS_MAX } from '../../../src/space/control-records.ts'
import { deviceProof, parseTicket, type Role } from '../../../src/space/index.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'

const HOUR_MS = 3_600_000
const THOUGHT_KIND = 64

/** One clock for all: what is written later has a later time. */
const clock = new VirtualClock()

function peer(seed: number): DurableHalf {
  return durableHalf({ name: `peer ${seed}`, seed, clock })
}

function idOf(half: DurableHalf): PeerId {
  return half.identity.device.peer
}

/** Gives `to` all that counts at `from`, and what waited for it. */
function pull(to: DurableHalf, from: DurableHalf, space: SpaceId): void {
  const heads = from.journal.heads(space)
  // Twice, because control logs say who may write: what comes too early waits.
  for (const { author, log, base, seq } of [...heads, ...heads]) {
    to.journal.ingest(space, from.journal.frames(space, author, log, base, seq), 'run')
  }
  to.journal.retryParked(space)
}

function exchange(halves: readonly DurableHalf[], space: SpaceId): void {
  for (let round = 0; round < 3; round++) for (const to of halves) for (const from of halves) pull(to, from, space)
}

async function say(half: DurableHalf, space: SpaceId, text: string): Promise<StoredRecord> {
  return await half.journal.append({ space, class: LOG_CLASS.durable, kind: THOUGHT_KIND, body: { text } })
}

function said(half: DurableHalf, space: SpaceId): readonly unknown[] {
  const records = half.journal.records({ space, kinds: [THOUGHT_KIND], limit: 100 })
  return records.map(({ body }) => body?.text ?? null).toSorted()
}

async function join(host: DurableHalf, guest: DurableHalf, space: SpaceId, role: Role = 'writer'): Promise<void> {
  const { ticket } = await host.spaces.invite(space, { role, uses: 1, ttlMs: HOUR_MS, addresses: [] })
  using _ = guest.spaces.expect(space)
  const outcome = await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.code)
  pull(guest, host, space)
}

async function rejectsWith(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.equal(codeOf(error), code)
    return true
  })
}

function membersOf(half: DurableHalf, space: SpaceId): Record<string, Role> {
  return Object.fromEntries((half.spaces.get(space)?.members ?? []).map(({ peer: id, role }) => [id, role]))
}

test('a removed member loses what the remover had not seen, at every other member', async () => {
  using host = peer(1)
  using guest = peer(2)
  using third = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  await join(host, third, id)
  await say(guest, id, 'seen')
  exchange([host, guest, third], id)
  await say(guest, id, 'unseen 1')
  await say(guest, id, 'unseen 2')
  pull(third, guest, id)
  assert.deepEqual(said(third, id), ['seen', 'unseen 1', 'unseen 2'])

  const changes: SpaceId[] = []
  host.spaces.events.on('members:changed', ({ space }) => changes.push(space))
  const { cuts } = await host.spaces.revoke(id, idOf(guest))
  assert.deepEqual(
    cuts.map(([log, seq]) => [log.slice(0, 2), seq]),
    [['01', 1]],
  )
  assert.deepEqual(changes, [id])
  exchange([host, third, guest], id)
  for (const half of [host, third, guest]) {
    assert.deepEqual(said(half, id), ['seen'])
    assert.equal(half.spaces.roleOf(id, idOf(guest)), undefined)
    assert.equal(half.spaces.former(id)[0]?.removedBy, idOf(host))
  }
  await rejectsWith(say(guest, id, 'more'), 'ERR_WRITE_NOT_ALLOWED')
  await rejectsWith(host.spaces.revoke(id, idOf(guest)), 'ERR_SPACE_ARGUMENT')

  const log = cuts[0]?.[0] as string
  await rejectsWith(host.spaces.accept(id, { device: idOf(guest), log }), 'ERR_SPACE_NOT_HELD')
  await rejectsWith(third.spaces.accept(id, { device: idOf(guest), log }), 'ERR_SPACE_ROLE')
})

test('what a removal voided counts again once a senior who holds it accepts it', async () => {
  using host = peer(1)
  using admin = peer(2)
  using guest = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, admin, id, 'admin')
  await join(admin, guest, id)
  await say(guest, id, 'one')
  exchange([host, admin, guest], id)
  await say(guest, id, 'two')
  await say(guest, id, 'three')
  pull(host, guest, id)
  const { cuts } = await admin.spaces.revoke(id, idOf(guest))
  assert.deepEqual(said(host, id), ['one', 'three', 'two'])
  exchange([host, admin, guest], id)
  assert.deepEqual(said(host, id), ['one'])
  const log = cuts[0]?.[0] as string
  await rejectsWith(admin.spaces.accept(id, { device: idOf(guest), log }), 'ERR_SPACE_NOT_HELD')
  await host.spaces.accept(id, { device: idOf(guest), log })
  exchange([host, admin, guest], id)
  for (const half of [host, admin, guest]) assert.deepEqual(said(half, id), ['one', 'three', 'two'])
  await rejectsWith(host.spaces.accept(id, { device: idOf(guest), log }), 'ERR_SPACE_NOT_HELD')
  await rejectsWith(host.spaces.accept(id, { device: idOf(admin), log }), 'ERR_SPACE_ARGUMENT')
})

test('a member that comes back begins new logs, and its old ones stay as they were', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  await say(guest, id, 'first time')
  exchange([host, guest], id)
  await host.spaces.revoke(id, idOf(guest))
  exchange([host, guest], id)
  await join(host, guest, id, 'reader')
  assert.equal(host.spaces.roleOf(id, idOf(guest)), 'reader')
  await host.spaces.setRole(id, idOf(guest), 'writer')
  exchange([host, guest], id)
  await say(guest, id, 'second time')
  exchange([host, guest], id)
  assert.deepEqual(said(host, id), ['first time', 'second time'])
  const logs = host.journal.heads(id).filter(({ author, log }) => author === idOf(guest) && log.startsWith('01'))
  assert.equal(logs.length, 2)
  assert.deepEqual(host.spaces.former(id), [])
})

test('only whoever is senior enough lets a removed device in again', async () => {
  using host = peer(1)
  using admin = peer(2)
  using guest = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, admin, id, 'admin')
  await join(admin, guest, id)
  exchange([host, admin, guest], id)
  await host.spaces.revoke(id, idOf(guest))
  exchange([host, admin, guest], id)
  const { ticket } = await admin.spaces.invite(id, { role: 'writer', uses: 1, ttlMs: HOUR_MS, addresses: [] })
  const request = guest.spaces.requestFor(parseTicket(ticket, 0), 'guest')
  const outcome = await admin.spaces.redeem(request)
  assert.equal(outcome.ok ? '' : outcome.code, 'ERR_INVITE_REMOVED')
  assert.equal(admin.spaces.invites(id).find(({ id: key }) => key === request.inviteId)?.used, 0)
})

test('a withdrawn ticket admits nobody', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  const { ticket, invite } = await host.spaces.invite(id, { role: 'writer', uses: 2, ttlMs: HOUR_MS, addresses: [] })
  await host.spaces.revokeInvite(id, invite.id)
  const outcome = await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))
  assert.equal(outcome.ok ? '' : outcome.code, 'ERR_INVITE_REVOKED')
  assert.equal(host.spaces.invites(id)[0]?.revoked, true)
  await rejectsWith(host.spaces.revokeInvite(id, invite.id), 'ERR_SPACE_ARGUMENT')
})

test('a member leaves with all that it wrote; the last admin does not, while others remain', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  await rejectsWith(host.spaces.leave(id), 'ERR_SPACE_LAST_ADMIN')
  // Still being written when it is asked to leave.
  await Promise.all([say(guest, id, 'one'), guest.spaces.leave(id)])
  assert.equal(guest.spaces.get(id)?.self, undefined)
  assert.equal(guest.spaces.former(id)[0]?.reason, 'left')
  await rejectsWith(guest.spaces.leave(id), 'ERR_SPACE_ROLE')
  exchange([host, guest], id)
  assert.deepEqual(Object.keys(membersOf(host, id)), [idOf(host)])
  assert.deepEqual(said(host, id), ['one'])
  await host.spaces.leave(id)
  assert.deepEqual(membersOf(host, id), {})
})

test('a record is erased by its author or an admin, everywhere, and does not come back', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  const [mine, theirs] = [await say(guest, id, 'mine'), await say(host, id, 'theirs')]
  const other = await say(guest, id, 'other')
  exchange([host, guest], id)
  const copy = guest.journal.frames(id, idOf(guest), mine.log, 1, 2)
  await guest.spaces.erase(id, mine.id)
  await rejectsWith(guest.spaces.erase(id, theirs.id), 'ERR_SPACE_ROLE')
  await host.spaces.erase(id, other.id)
  exchange([host, guest], id)
  host.journal.ingest(id, copy, 'run')
  for (const half of [host, guest]) assert.deepEqual(said(half, id), [null, null, 'theirs'])
  const control = host.journal.records({ space: id, class: LOG_CLASS.control, limit: 1 })[0]
  await rejectsWith(host.spaces.erase(id, control?.id as never), 'ERR_SPACE_ARGUMENT')
})

test('a removal keeps what lasts, however many logs of what expires there are', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  const lasting = await say(guest, id, 'to be kept')
  exchange([host, guest], id)
  for (let n = 0; n <= CUTS_MAX; n++) {
    const log = concatBytes(Uint8Array.of(LOG_CLASS.expiring), new Uint8Array(5), Uint8Array.of(n >> 8, n & 255))
    host.journal.ingest(id, expiringLog(guest, id, log), 'run')
  }
  assert.equal(host.journal.heads(id).length, CUTS_MAX + 3)
  const { cuts } = await host.spaces.revoke(id, idOf(guest))
  assert.equal(cuts.length, CUTS_MAX)
  assert.deepEqual([said(host, id), host.journal.record(lasting.id)?.id], [['to be kept'], lasting.id])
})

/** Two records of a log that this device might have written. */
function expiringLog({ identity: { device } }: DurableHalf, space: SpaceId, log: Uint8Array): readonly Frame[] {
  const frames: Frame[] = []
  let prev: Uint8Array = new Uint8Array(32)
  for (const seq of [1, 2]) {
    const body = encodeBody({ seq }, seededRandom(seq))
    const header = encodeHeader({
      ...{
        v: 1,
        space: bytesOfHex(space),
        device: device.publicKey,
        log,
        seq,
        prev,
        hlc: clock.now() * HLC_STEPS_PER_MS,
      },
      ...{ auth: new Uint8Array(8), kind: 70, flags: FLAG_HAS_EXPIRY, epoch: 0, exp: clock.now() + HOUR_MS },
      ...{ bodyHash: bodyHashOf(body), bodyLen: body.length },
    })
    prev = recordIdBytes(header)
    frames.push({ header, signature: signHeader(device, header), body })
  }
  return frames
}

/** Another device of the same person. */
function deviceOf(owner: number, seed: number): Identity {
  const [own, other] = [seededRandom(owner), seededRandom(seed)]
  own.bytes(32)
  return identityFromSeeds(
    { device: other.bytes(32), principal: own.bytes(32), sealing: other.bytes(32) },
    { name: 'n' },
  )
}

test('a writer admits a second device of its own, which agreed, with at most its role', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  const phone = deviceOf(2, 20)
  const { certificate } = phone
  const proof = deviceProof(phone.device, idOf(guest))
  const admission = { certificate, device: phone.device.peer, name: 'phone', role: 'writer', proof } as const
  await rejectsWith(guest.spaces.admitDevice(id, { ...admission, role: 'admin' }), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.admitDevice(id, admission), 'ERR_SPACE_ARGUMENT')
  const wrong = deviceProof(phone.device, idOf(host))
  await rejectsWith(guest.spaces.admitDevice(id, { ...admission, proof: wrong }), 'ERR_SPACE_ARGUMENT')
  const member = await guest.spaces.admitDevice(id, admission)
  assert.deepEqual([member.role, member.level, member.name], ['writer', 2, 'phone'])
  exchange([host, guest], id)
  assert.equal(host.spaces.roleOf(id, phone.device.peer), 'writer')
  await guest.spaces.revoke(id, phone.device.peer)
  exchange([host, guest], id)
  assert.equal(host.spaces.roleOf(id, phone.device.peer), undefined)
})

test('a certificate for somebody else does not make that device ours', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  const victim = identityFromSeeds(
    { device: seededRandom(9).bytes(32), principal: seededRandom(8).bytes(32), sealing: seededRandom(7).bytes(32) },
    { name: 'v' },
  )
  const keys = seededRandom(2)
  keys.bytes(32)
  const fields = { device: victim.device.publicKey, sealingKey: victim.sealingKey, name: 'v', kind: 'human' } as const
  const certificate = issueCertificate(signer(keys.bytes(32)), { ...fields, notBefore: 0, notAfter: 0 })
  const proof = deviceProof(guest.identity.device, idOf(guest))
  const admission = { certificate, device: victim.device.peer, name: 'v', role: 'writer', proof } as const
  await rejectsWith(guest.spaces.admitDevice(id, admission), 'ERR_SPACE_ARGUMENT')
})

test('a founder hands over to another device, which stands where it stood', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  await say(host, id, 'by the old device')
  const next = deviceOf(1, 10)
  await rejectsWith(host.spaces.rotateTo(id, guest.identity), 'ERR_SPACE_ARGUMENT')
  await host.spaces.rotateTo(id, next)
  exchange([host, guest], id)
  for (const half of [host, guest]) {
    assert.equal(half.spaces.roleOf(id, next.device.peer), 'founder')
    assert.equal(half.spaces.roleOf(id, idOf(host)), undefined)
    assert.deepEqual(said(half, id), ['by the old device'])
    assert.equal(half.spaces.former(id)[0]?.successor, next.device.peer)
  }
  await rejectsWith(host.spaces.rotateTo(id, deviceOf(1, 11)), 'ERR_SPACE_ROLE')
})

test('the recovery key puts another device in the place of the founder, once and again', async () => {
  using host = peer(1)
  using guest = peer(2)
  using other = peer(3)
  const seed = new Uint8Array(32).fill(42)
  const recovery = hexOf(signer(seed).publicKey)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false, recovery })
  await join(host, guest, id)
  await join(host, other, id)
  exchange([host, guest, other], id)
  await rejectsWith(guest.spaces.recover(id, new Uint8Array(32)), 'ERR_SPACE_RECOVERY')
  const member = await guest.spaces.recover(id, seed)
  assert.deepEqual([member.role, member.level], ['admin', 0])
  exchange([host, guest, other], id)
  assert.deepEqual(membersOf(host, id), { [idOf(guest)]: 'admin', [idOf(other)]: 'writer' })
  assert.equal(host.spaces.former(id)[0]?.removedBy, signer(seed).peer)
  await guest.spaces.setRole(id, idOf(other), 'reader')
  exchange([host, guest, other], id)
  await host.spaces.recover(id, seed)
  exchange([host, guest, other], id)
  for (const half of [host, guest, other]) {
    assert.deepEqual(membersOf(half, id), { [idOf(host)]: 'admin', [idOf(other)]: 'reader' })
  }
})

test('without a recovery key there is nothing to recover with', async () => {
  using host = peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await rejectsWith(host.spaces.recover(id, new Uint8Array(32).fill(42)), 'ERR_SPACE_RECOVERY')
})

test('a log that two copies of a device went on with is frozen, until the device says which branch counts', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  const one = await say(guest, id, 'one')
  exchange([host, guest], id)
  // The same keys elsewhere, with the same records: it goes on in the same log, because it knows no better.
  using twin = twinOf(guest, 2, id)
  const [left, right] = [await say(guest, id, 'left'), await say(twin, id, 'right')]
  assert.equal(left.log, right.log)
  pull(host, guest, id)
  pull(host, twin, id)
  assert.deepEqual(said(host, id), ['one'])
  const fork = host.spaces.forksOf(id)[0]
  assert.deepEqual([fork?.device, fork?.log, fork?.seq, fork?.chosen], [idOf(guest), one.log, 2, undefined])
  const choice = { device: idOf(guest), log: one.log, seq: 2, id: right.id }
  await host.spaces.chooseBranch(id, choice)
  assert.deepEqual(said(host, id), ['one', 'right'])
  assert.equal(host.spaces.forksOf(id)[0]?.chosen, right.id)
  exchange([host, guest], id)
  assert.deepEqual(said(guest, id), ['one', 'right'])
  await say(guest, id, 'goes on')
  exchange([host, guest], id)
  assert.deepEqual(said(host, id), ['goes on', 'one', 'right'])
})

test('a decision about a fork carries its proof to those who have seen one branch only', async () => {
  using host = peer(1)
  using guest = peer(2)
  using third = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted: false })
  await join(host, guest, id)
  await join(host, third, id)
  await say(guest, id, 'one')
  exchange([host, guest, third], id)
  using twin = twinOf(guest, 2, id)
  const [left, right] = [await say(guest, id, 'left'), await say(twin, id, 'right')]
  pull(third, guest, id)
  pull(host, guest, id)
  pull(host, twin, id)
  await host.spaces.chooseBranch(id, { device: idOf(guest), log: left.log, seq: 2, id: right.id })
  pull(third, host, id)
  await Promise.resolve()
  assert.deepEqual(
    third.spaces.forksOf(id).map(({ seq, chosen }) => [seq, chosen]),
    [[2, right.id]],
  )
  pull(third, host, id)
  assert.deepEqual(said(third, id), ['one', 'right'])
})

/** A second store with the same keys that begins with the same records. */
function twinOf(half: DurableHalf, seed: number, space: SpaceId): DurableHalf {
  const twin = peer(seed)
  using _ = twin.spaces.expect(space)
  pull(twin, half, space)
  pull(twin, half, space)
  return twin
}
