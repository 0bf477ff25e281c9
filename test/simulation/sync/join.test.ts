import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, type SpaceId } from '../../../src/base/index.ts'
import type { Channel } from '../../../src/network/index.ts'
import { encodeFrames, type Frame } from '../../../src/records/index.ts'
import { parseTicket } from '../../../src/space/index.ts'
import { SyncError } from '../../../src/sync/index.ts'
import { FramedChannel } from '../../../src/sync/join/framed-channel.ts'
import {
  decodeJoinAnswer,
  encodeJoinAnswer,
  encodeJoinRequest,
  JOIN_FRAME_MAX_BYTES,
  JOIN_PROTOCOL,
  type JoinAnswer,
} from '../../../src/sync/join/join-wire.ts'
import type { Peer } from '../../support/peer.ts'
import { figure, Neighbourhood } from './neighbourhood.ts'

const signal = new AbortController().signal

async function foundedBy(town: Neighbourhood, host: Peer): Promise<SpaceId> {
  return (await town.until(host.spaces.create({ name: 'lab', personal: false }))).id
}

/** The error of a join that must fail, and proof that nothing of the space stayed behind. */
async function failureOf(town: Neighbourhood, guest: Peer, ticket: string): Promise<SyncError> {
  const error = await town.until(
    guest.sync.join(ticket, { name: 'guest' }).then(
      () => assert.fail('the join succeeded'),
      (reason: unknown) => reason,
    ),
  )
  assert.ok(error instanceof SyncError, String(error))
  assert.deepEqual(guest.spaces.list(), [])
  assert.deepEqual(guest.journal.spaces(), [])
  assert.equal(guest.journal.figures().parked, 0)
  return error
}

test('a used ticket is refused with that reason, on both sides', async () => {
  await using town = new Neighbourhood(21)
  const [host, guest, late] = [await town.start(1), await town.start(2), await town.start(3)]
  const space = await foundedBy(town, host)
  const answered: string[] = []
  host.sync.events.on('join:answered', ({ name, outcome }) => answered.push(`${name}: ${outcome}`))
  const ticket = await town.invite(host, space)
  await town.until(guest.sync.join(ticket, { name: 'guest' }))
  const error = await failureOf(town, late, ticket)
  assert.deepEqual([error.code, error.reason], ['ERR_JOIN_REFUSED', 'ERR_INVITE_USED'])
  assert.match(error.message, /used already/)
  assert.deepEqual(answered, ['guest: admitted', 'guest: ERR_INVITE_USED'])
  assert.equal(host.spaces.get(space)?.members.length, 2)
})

test('an expired ticket is refused by the joiner itself, and by the issuer when the clock of the joiner is slow', async () => {
  await using town = new Neighbourhood(22)
  const [host, guest] = [await town.start(1), await town.start(2)]
  const space = await foundedBy(town, host)
  const ticket = await town.invite(host, space, { ttlMs: 60_000 })
  await town.run(61_000)
  assert.equal((await failureOf(town, guest, ticket)).code, 'ERR_TICKET_EXPIRED')
  assert.equal((await failureOf(town, guest, 'plexus1nonsense')).code, 'ERR_TICKET_MALFORMED')

  const request = guest.spaces.requestFor(parseTicket(ticket, 0), 'guest')
  const answer = await town.until(ask(host, guest, encodeJoinRequest(request)))
  assert.equal(answer.is === 'refused' ? answer.code : answer.is, 'ERR_INVITE_EXPIRED')
})

/** One raw question of the join protocol. */
async function ask(host: Peer, guest: Peer, bytes: Uint8Array): Promise<JoinAnswer> {
  await guest.transport.dial(host.id, host.transport.addresses())
  const channel = await guest.transport.open(host.id, JOIN_PROTOCOL)
  const framed = new FramedChannel(channel)
  await framed.send(bytes, { signal })
  try {
    return decodeJoinAnswer(await framed.read(JOIN_FRAME_MAX_BYTES, { signal }))
  } finally {
    await channel.close()
  }
}

test('a stranger gets nothing but the join protocol, and that only so often', async () => {
  await using town = new Neighbourhood(23)
  const [host, stranger] = [await town.start(1), await town.start(2)]
  const space = await foundedBy(town, host)
  const refused: string[] = []
  stranger.bus.events.on('peer:refused', ({ by }) => refused.push(by))
  await town.link(stranger, host)
  await town.run(5_000)
  assert.equal(stranger.bus.presence().find(({ peer }) => peer === host.id)?.state, 'refused')

  const forged = { space, issuer: host.id, seed: new Uint8Array(16), addresses: [], expires: town.clock.now() + 1_000 }
  const request = encodeJoinRequest(stranger.spaces.requestFor(forged, 'stranger'))
  const outcomes: string[] = []
  for (let attempt = 0; attempt < 8; attempt++) {
    const answer = await town.until(ask(host, stranger, request))
    outcomes.push(answer.is === 'refused' ? answer.code : answer.is)
  }
  assert.deepEqual(outcomes.slice(0, 5), Array(5).fill('ERR_INVITE_UNKNOWN'))
  assert.deepEqual(outcomes.slice(5), Array(3).fill('ERR_JOIN_BUSY'))
  await town.run(10_000)
  assert.equal((await town.until(ask(host, stranger, new Uint8Array(9)))).is, 'refused')
  assert.equal(figure(host, 'joinsMalformed'), 1)
  await assert.rejects(town.until(ask(host, stranger, new Uint8Array(5_000))))
  assert.equal(host.spaces.get(space)?.members.length, 1)
})

test('a request is for the device that sends it', async () => {
  await using town = new Neighbourhood(24)
  const [host, guest, thief] = [await town.start(1), await town.start(2), await town.start(3)]
  const space = await foundedBy(town, host)
  const ticket = parseTicket(await town.invite(host, space), 0)
  const request = encodeJoinRequest(guest.spaces.requestFor(ticket, 'guest'))
  const answer = await town.until(ask(host, thief, request))
  assert.equal(answer.is === 'refused' ? answer.code : answer.is, 'ERR_JOIN_MALFORMED')
  assert.equal(host.spaces.invites(space)[0]?.used, 0)
})

test('a join whose answer was lost is repeated with the same ticket', async () => {
  await using town = new Neighbourhood(25)
  const [host, guest] = [await town.start(1), await town.start(2)]
  const space = await foundedBy(town, host)
  const ticket = await town.invite(host, space)
  const losing = host.sync.events.on('join:answered', () => town.network.partition([host.id], [guest.id]))
  const error = await failureOf(town, guest, ticket)
  assert.equal(error.code, 'ERR_JOIN_UNREACHABLE')
  assert.equal(host.spaces.get(space)?.members.length, 2, 'the issuer has admitted it')
  losing[Symbol.dispose]()
  town.network.heal()
  await town.run(60_000)
  await town.until(guest.sync.join(ticket, { name: 'guest' }))
  assert.equal(host.spaces.invites(space)[0]?.used, 1)
  assert.equal(guest.spaces.get(space)?.self?.role, 'writer')
})

test('nobody joins twice, and an unreachable issuer is told apart from a refusal', async () => {
  await using town = new Neighbourhood(26)
  const [host, guest, other] = [await town.start(1), await town.start(2), await town.start(3)]
  const space = await foundedBy(town, host)
  await town.admit(host, guest, space)
  const ticket = await town.invite(host, space)
  await assert.rejects(
    town.until(guest.sync.join(ticket, { name: 'guest' })),
    (error) => codeOf(error) === 'ERR_ALREADY_MEMBER',
  )
  await town.kill(1)
  const error = await failureOf(town, other, ticket)
  assert.equal(error.code, 'ERR_JOIN_UNREACHABLE')
  assert.match(error.fix ?? '', /the ticket is still good/)
})

test('a caller may give up', async () => {
  await using town = new Neighbourhood(27)
  const [host, guest] = [await town.start(1), await town.start(2)]
  const space = await foundedBy(town, host)
  const ticket = await town.invite(host, space)
  town.network.freeze(host.id)
  const abort = new AbortController()
  const joining = guest.sync.join(ticket, { name: 'guest', signal: abort.signal })
  await town.run(1_000)
  abort.abort(new Error('enough'))
  await assert.rejects(town.until(joining), /enough/)
  assert.deepEqual(guest.journal.spaces(), [])
})

test('an answer that is not what it says leaves nothing behind', async () => {
  await using town = new Neighbourhood(28)
  const [host, guest] = [await town.start(1), await town.start(2)]
  const space = await foundedBy(town, host)
  const other = await foundedBy(town, host)
  const ticket = await town.invite(host, space)
  const honest = controlFrames(host, space)
  const foreign = controlFrames(host, other)
  await town.until(host.sync.stop())

  const tampered = honest.map((frame, index) => (index === 1 ? { ...frame, body: frame.body!.toReversed() } : frame))
  const unsigned = honest.map((frame) => ({ ...frame, signature: new Uint8Array(64) }))
  const batch = (frames: readonly Frame[]): Uint8Array =>
    encodeJoinAnswer({ is: 'control', frames: encodeFrames(frames) })
  const admitted = encodeJoinAnswer({ is: 'admitted', peers: [] })
  const end = encodeJoinAnswer({ is: 'end' })
  const cases: [string, readonly Uint8Array[], RegExp][] = [
    ['no membership', [admitted, batch(honest), end], /do not make this device a member/],
    ['no records', [admitted, end], /genesis of the space is missing/],
    ['another space', [admitted, batch(foreign), end], /of another space/],
    ['a changed body', [admitted, batch(tampered), end], /body of one of them was changed/],
    ['no signatures', [admitted, batch(unsigned), end], /signature is wrong/],
    ['a gap', [admitted, batch(honest.slice(1)), end], /gap|genesis/],
    ['parts out of order', [batch(honest), end], /out of order/],
    ['nonsense', [new Uint8Array([1, 2, 3])], /cannot be read/],
    ['an early end', [admitted, batch(honest)], /ended within a frame/],
  ]
  for (const [name, frames, reason] of cases) {
    using _handler = host.transport.handle(JOIN_PROTOCOL, { maxInboundStreams: 2 }, (channel) =>
      answerWith(channel, frames),
    )
    const error = await failureOf(town, guest, ticket)
    assert.equal(error.code, 'ERR_JOIN_ANSWER', name)
    assert.match(error.message, reason, name)
  }
})

function controlFrames(peer: Peer, space: SpaceId): readonly Frame[] {
  return peer.journal.heads(space).flatMap(({ author, log, seq }) => peer.journal.frames(space, author, log, 1, seq))
}

async function answerWith(channel: Channel, frames: readonly Uint8Array[]): Promise<void> {
  const framed = new FramedChannel(channel)
  await framed.read(10_000, { signal })
  for (const frame of frames) await framed.send(frame, { signal })
  await channel.close()
}
