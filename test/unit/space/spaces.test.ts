import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf, type SpaceId, VirtualClock } from '../../../src/base/index.ts'
import { type Frame, LOG_CLASS } from '../../../src/records/index.ts'
import { type JoinRequest, parseTicket, type Role, type Spaces } from '../../../src/space/index.ts'
import { signRequest } from '../../../src/space/invite-key.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'

const HOUR_MS = 3_600_000
const THOUGHT_KIND = 64

function peer(seed: number, clock = new VirtualClock(), path?: string): DurableHalf {
  return durableHalf({ name: `peer ${seed}`, seed, clock, ...(path === undefined ? {} : { path }) })
}

function ticketOptions(options: { uses?: number; ttlMs?: number; role?: Role } = {}): Parameters<Spaces['invite']>[1] {
  return { role: options.role ?? 'writer', uses: options.uses ?? 1, ttlMs: options.ttlMs ?? HOUR_MS, addresses: [] }
}

/** All frames of a space, in the order in which they were stored. */
function frames(from: DurableHalf, space: SpaceId): Frame[] {
  const records = from.journal.records({ space, limit: 1000 })
  return records.map(({ id }) => from.journal.frame(id)).filter((frame) => frame !== undefined)
}

async function inviteAndRequest(host: DurableHalf, guest: DurableHalf, space: SpaceId): Promise<JoinRequest> {
  const { ticket } = await host.spaces.invite(space, ticketOptions())
  return guest.spaces.requestFor(parseTicket(ticket, 0), 'guest')
}

async function rejectsWith(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.equal(codeOf(error), code)
    return true
  })
}

test('a space begins with its founder', async () => {
  using host = peer(1)
  const info = await host.spaces.create({ name: 'lab', personal: false })
  assert.equal(info.founder, host.identity.device.peer)
  assert.equal(info.self?.role, 'founder')
  assert.equal(info.self?.level, 0)
  assert.equal(info.members.length, 1)
  assert.deepEqual(host.spaces.list(), [info])
  assert.equal(host.spaces.peers().size, 0)
})

test('what was created is there after a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-space-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'store.db')
  const first = peer(1, new VirtualClock(), path)
  const info = await first.spaces.create({ name: 'lab', personal: false })
  await first.spaces.invite(info.id, ticketOptions())
  const digest = first.spaces.digest(info.id)
  const invites = first.spaces.invites(info.id)
  first[Symbol.dispose]()
  using second = peer(1, new VirtualClock(), path)
  assert.deepEqual(second.spaces.list(), [info])
  assert.deepEqual(second.spaces.invites(info.id), invites)
  assert.deepEqual(second.spaces.digest(info.id), digest)
})

test('what a peer may be given follows from its role and from whether it could read it', async () => {
  using host = peer(1)
  using reader = peer(2)
  using relay = peer(3)
  using stranger = peer(4)
  for (const encrypted of [true, false]) {
    const { id } = await host.spaces.create({ name: 'lab', personal: false, encrypted })
    for (const [guest, role] of [
      [reader, 'reader'],
      [relay, 'relay'],
    ] as const) {
      const { ticket } = await host.spaces.invite(id, ticketOptions({ role }))
      await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))
    }
    const mayReceive = ({ identity }: DurableHalf): readonly boolean[] =>
      Object.values(LOG_CLASS).map((logClass) => host.spaces.mayReceive(id, identity.device.peer, logClass))
    assert.deepEqual(mayReceive(host), [true, true, true])
    assert.deepEqual(mayReceive(reader), [true, true, true])
    assert.deepEqual(mayReceive(relay), [true, encrypted, encrypted])
    assert.deepEqual(mayReceive(stranger), [false, false, false])
  }
})

test('a ticket admits one device, and tells the second that it is used', async () => {
  using host = peer(1)
  using guest = peer(2)
  using other = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const used: string[] = []
  host.spaces.events.on('invite:used', ({ name }) => used.push(name))
  const { ticket } = await host.spaces.invite(id, ticketOptions())
  const parsed = parseTicket(ticket, 0)
  const outcome = await host.spaces.redeem(guest.spaces.requestFor(parsed, 'guest'))
  assert.ok(outcome.ok)
  const member = host.spaces.get(id)?.members[1]
  assert.equal(member?.peer, guest.identity.device.peer)
  assert.equal(member?.role, 'writer')
  assert.equal(member?.level, 1)
  assert.equal(member?.name, 'guest')
  assert.deepEqual([...host.spaces.peers()], [guest.identity.device.peer])
  const second = await host.spaces.redeem(other.spaces.requestFor(parsed, 'other'))
  assert.deepEqual(second, { ok: false, code: 'ERR_INVITE_USED', message: 'the ticket has been used' })
  assert.deepEqual(used, ['guest'])
})

test('the same device may ask again after a lost answer and is not admitted twice', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const request = await inviteAndRequest(host, guest, id)
  const [first, second] = await Promise.all([host.spaces.redeem(request), host.spaces.redeem(request)])
  const third = await host.spaces.redeem(request)
  assert.ok(first.ok && second.ok && third.ok)
  assert.deepEqual([second.record.id, third.record.id], [first.record.id, first.record.id])
  assert.equal(host.spaces.invites(id)[0]?.used, 1)
})

test('concurrent requests never admit more devices than the ticket has uses', async () => {
  using host = peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const { ticket } = await host.spaces.invite(id, ticketOptions({ uses: 2 }))
  const guests = [2, 3, 4, 5].map((seed) => peer(seed))
  const outcomes = await Promise.all(
    guests.map((guest) => host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))),
  )
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, true, false, false],
  )
  assert.equal(host.spaces.get(id)?.members.length, 3)
  for (const guest of guests) guest[Symbol.dispose]()
})

test('uses are counted across a restart of the issuer', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-space-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'store.db')
  const before = peer(1, new VirtualClock(), path)
  using guest = peer(2)
  using other = peer(3)
  const { id } = await before.spaces.create({ name: 'lab', personal: false })
  const { ticket } = await before.spaces.invite(id, ticketOptions())
  const parsed = parseTicket(ticket, 0)
  assert.ok((await before.spaces.redeem(guest.spaces.requestFor(parsed, 'guest'))).ok)
  before[Symbol.dispose]()
  using after = peer(1, new VirtualClock(), path)
  const again = await after.spaces.redeem(guest.spaces.requestFor(parsed, 'guest'))
  const late = await after.spaces.redeem(other.spaces.requestFor(parsed, 'other'))
  assert.ok(again.ok)
  assert.equal(late.ok ? '' : late.code, 'ERR_INVITE_USED')
})

test('each reason to refuse a join is told', async () => {
  const clock = new VirtualClock()
  using host = peer(1, clock)
  using guest = peer(2, clock)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const elsewhere = await host.spaces.create({ name: 'elsewhere', personal: false })
  const request = await inviteAndRequest(host, guest, id)
  const code = async (changed: Partial<JoinRequest>): Promise<string> => {
    const outcome = await host.spaces.redeem({ ...request, ...changed })
    return outcome.ok ? 'admitted' : outcome.code
  }
  assert.equal(await code({ name: 'someone else' }), 'ERR_INVITE_PROOF')
  assert.equal(await code({ proof: new Uint8Array(64) }), 'ERR_INVITE_PROOF')
  assert.equal(await code({ space: elsewhere.id }), 'ERR_INVITE_PROOF')
  assert.equal(await code({ space: 'ab'.repeat(32) as SpaceId }), 'ERR_INVITE_SPACE')
  assert.equal(await code({ name: '' }), 'ERR_JOIN_MALFORMED')
  assert.equal(await code({ name: 'line\nbreak' }), 'ERR_JOIN_MALFORMED')
  assert.equal(await code({ certificate: new Uint8Array(2000) }), 'ERR_JOIN_MALFORMED')
  assert.equal(await code({ inviteId: 'no' }), 'ERR_JOIN_MALFORMED')

  const invented = { space: id, issuer: host.identity.device.peer, seed: new Uint8Array(16), addresses: [], expires: 1 }
  const unknown = await host.spaces.redeem(guest.spaces.requestFor(invented, 'guest'))
  assert.equal(unknown.ok ? '' : unknown.code, 'ERR_INVITE_UNKNOWN')
  clock.advance(HOUR_MS + 1)
  assert.equal(await code({}), 'ERR_INVITE_EXPIRED')
})

test('a certificate of another device does not admit', async () => {
  using host = peer(1)
  using guest = peer(2)
  using thief = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const { ticket } = await host.spaces.invite(id, ticketOptions())
  const { certificate } = guest.identity
  const outcome = await host.spaces.redeem(
    signRequest(parseTicket(ticket, 0), thief.identity.device.peer, certificate, 'thief'),
  )
  assert.equal(outcome.ok ? '' : outcome.code, 'ERR_JOIN_MALFORMED')
})

test('only the issuer of a ticket redeems it', async () => {
  using host = peer(1)
  using admin = peer(2)
  using guest = peer(3)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const { ticket } = await host.spaces.invite(id, ticketOptions({ role: 'admin' }))
  assert.ok((await host.spaces.redeem(admin.spaces.requestFor(parseTicket(ticket, 0), 'admin'))).ok)
  using _expected = admin.spaces.expect(id)
  admin.journal.ingest(id, frames(host, id), 'single')
  assert.equal(admin.spaces.get(id)?.self?.role, 'admin')

  const second = await host.spaces.invite(id, ticketOptions())
  admin.journal.ingest(id, frames(host, id), 'single')
  const request = guest.spaces.requestFor(parseTicket(second.ticket, 0), 'guest')
  const refused = await admin.spaces.redeem(request)
  assert.equal(refused.ok ? '' : refused.code, 'ERR_INVITE_NOT_ISSUER')

  const own = await admin.spaces.invite(id, ticketOptions())
  assert.ok((await admin.spaces.redeem(guest.spaces.requestFor(parseTicket(own.ticket, 0), 'guest'))).ok)
  assert.equal(admin.spaces.get(id)?.members.find(({ name }) => name === 'guest')?.level, 2)
})

test('the genesis of an unknown space is refused unless we are joining it', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const [genesis] = frames(host, id)
  assert.ok(genesis !== undefined)
  assert.deepEqual(guest.journal.ingest(id, [genesis], 'single').refused, { 'not-allowed': 1 })
  const expected = guest.spaces.expect(id)
  assert.equal(guest.journal.ingest(id, [genesis], 'single').stored, 1)
  expected[Symbol.dispose]()
  assert.equal(guest.spaces.get(id)?.name, 'lab')
  assert.equal(guest.spaces.get(id)?.self, undefined)
})

test('roles decide what a device may write', async () => {
  using host = peer(1)
  using guest = peer(2)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const { ticket } = await host.spaces.invite(id, ticketOptions({ role: 'reader' }))
  assert.ok((await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))).ok)
  using _expected = guest.spaces.expect(id)
  guest.journal.ingest(id, frames(host, id), 'single')
  const draft = { space: id, class: LOG_CLASS.durable, kind: THOUGHT_KIND, body: { text: 'hm' } }
  await rejectsWith(guest.journal.append(draft), 'ERR_WRITE_NOT_ALLOWED')
  await rejectsWith(guest.spaces.invite(id, ticketOptions()), 'ERR_SPACE_ROLE')

  const guestPeer = guest.identity.device.peer
  await host.spaces.setRole(id, guestPeer, 'writer')
  guest.journal.ingest(id, frames(host, id), 'single')
  assert.equal(guest.spaces.roleOf(id, guestPeer), 'writer')
  const record = await guest.journal.append(draft)
  assert.ok(host.spaces.admitsLog(id, guestPeer, LOG_CLASS.durable))
  assert.equal(host.journal.ingest(id, [guest.journal.frame(record.id) as Frame], 'single').stored, 1)

  await host.spaces.setRole(id, guestPeer, 'reader')
  guest.journal.ingest(id, frames(host, id), 'single')
  await rejectsWith(guest.journal.append(draft), 'ERR_WRITE_NOT_ALLOWED')
  // What it wrote while it was allowed to stays with the space.
  assert.ok(host.spaces.admitsLog(id, guestPeer, LOG_CLASS.durable))
})

test('a kind belongs to the class of log it is written in', async () => {
  using host = peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const wrong = [
    { space: id, class: LOG_CLASS.control, kind: THOUGHT_KIND, body: {} },
    { space: id, class: LOG_CLASS.durable, kind: 2, body: {} },
    { space: id, class: LOG_CLASS.control, kind: 1, body: {} },
  ]
  for (const draft of wrong) await rejectsWith(host.journal.append(draft), 'ERR_WRITE_NOT_ALLOWED')
  // A control kind that this version does not know is kept and means nothing.
  await host.journal.append({ space: id, class: LOG_CLASS.control, kind: 40, body: { any: 1 } })
  assert.equal(host.spaces.get(id)?.members.length, 1)
})

test('arguments are checked with a reason', async () => {
  using host = peer(1)
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  const personal = await host.spaces.create({ name: 'mine', personal: true })
  await rejectsWith(host.spaces.create({ name: ' padded', personal: false }), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.invite(personal.id, ticketOptions()), 'ERR_SPACE_PERSONAL')
  await rejectsWith(host.spaces.invite('ab'.repeat(32) as SpaceId, ticketOptions()), 'ERR_SPACE_UNKNOWN')
  await rejectsWith(host.spaces.invite(id, ticketOptions({ role: 'founder' })), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.invite(id, ticketOptions({ uses: 0 })), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.invite(id, ticketOptions({ uses: 101 })), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.invite(id, ticketOptions({ ttlMs: 0.5 })), 'ERR_SPACE_ARGUMENT')
  await rejectsWith(host.spaces.setRole(id, host.identity.device.peer, 'writer'), 'ERR_SPACE_ROLE')
})

test('changes are announced once per turn, after it', async () => {
  using host = peer(1)
  using guest = peer(2)
  const heard: string[] = []
  host.spaces.events.on('space:added', () => heard.push('space:added'))
  host.spaces.events.on('members:changed', () => heard.push('members:changed'))
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  await Promise.resolve()
  assert.deepEqual(heard.splice(0), ['space:added', 'members:changed'])
  const request = await inviteAndRequest(host, guest, id)
  await Promise.resolve()
  assert.deepEqual(heard.splice(0), [], 'an invite changes no membership')
  await host.spaces.redeem(request)
  await Promise.resolve()
  assert.deepEqual(heard, ['members:changed'])
})
