import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCbor } from '../../../src/base/index.ts'
import { envelopeFrame } from '../../../src/bus/envelope.ts'
import { creditFrame, FRAME, frame, pingFrame } from '../../../src/bus/frames.ts'
import { helloFrame } from '../../../src/bus/handshake.ts'
import type { Lane } from '../../../src/bus/index.ts'
import { introductionsFrame } from '../../../src/bus/introductions.ts'
import { runUntil } from '../../../src/network/index.ts'
import { meeting, stateOf, text } from './meeting.ts'
import { RawPeer } from './raw-peer.ts'

test('a stranger is told why, both sides report it, and it costs no session', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  b!.door.banned.add(a!.peer)
  const reports: string[] = []
  for (const { bus } of room.all) bus.events.on('peer:refused', ({ by, reason }) => reports.push(`${by}: ${reason}`))
  await room.connect(a!, b!)
  assert.deepEqual(reports.sort(), ['them: no space in common', 'us: no space in common'])
  assert.equal(stateOf(a!, b!), 'refused')
  assert.equal(stateOf(b!, a!), 'refused')
  assert.match(a!.bus.presence()[0]?.fix ?? '', /invited/)
  await assert.rejects(a!.bus.send(b!.peer, 'k', text('')), {
    code: 'ERR_PEER_NOT_READY',
    message: /no space in common/,
  })
  // It tries again, less and less often.
  await room.pass(600_000)
  const tries = b!.bus.status().figures?.refusals ?? 0
  assert.ok(tries >= 8 && tries <= 16, `${tries} tries in ten minutes`)
})

test('a stranger that is admitted later becomes ready at once', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  b!.door.banned.add(a!.peer)
  await room.connect(a!, b!)
  await room.pass(100_000)
  b!.door.banned.clear()
  b!.bus.reconsider()
  await room.pass(500)
  assert.equal(stateOf(a!, b!), 'ready')
  assert.equal(stateOf(b!, a!), 'ready')
})

test('a peer that is no longer admitted loses its lanes and hears why', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  const seen: string[] = []
  a!.bus.events.on('peer:lost', ({ reason }) => seen.push(`lost: ${reason}`))
  a!.bus.events.on('peer:refused', ({ by, reason }) => seen.push(`refused by ${by}: ${reason}`))
  b!.door.banned.add(a!.peer)
  b!.bus.reconsider()
  await room.pass(100)
  assert.deepEqual(seen, ['lost: no space in common', 'refused by them: no space in common'])
  assert.equal(stateOf(b!, a!), 'refused')
})

test('lanes come back after the line was cut and made again', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  const request = a!.bus.request(b!.peer, 'x', text(''))
  b!.bus.respond('x', () => new Promise(() => undefined))
  room.network.cut(a!.peer, b!.peer)
  await Promise.all([assert.rejects(request, { code: 'ERR_PEER_LOST' }), room.pass(50)])
  assert.equal(stateOf(a!, b!), 'offline')
  await room.connect(b!, a!)
  assert.equal(stateOf(a!, b!), 'ready')
})

test('a peer that falls silent is suspected, its lanes are closed, and come back when it wakes', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  const lost: string[] = []
  a!.bus.events.on('peer:lost', ({ reason }) => lost.push(reason))
  room.network.freeze(b!.peer)
  await room.pass(10_000)
  assert.deepEqual(lost, [])
  await room.pass(15_000)
  assert.match(lost[0] ?? '', /no sign of life/)
  assert.equal(stateOf(a!, b!), 'connecting')
  assert.equal(a!.bus.status().state, 'degraded')
  room.network.thaw(b!.peer)
  await room.pass(70_000)
  assert.equal(stateOf(a!, b!), 'ready')
  assert.equal(stateOf(b!, a!), 'ready')
})

test('two peers that lose each other at the same moment find each other again', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await using room = await meeting(2, seed)
    const [a, b] = room.all
    await room.connect(a!, b!)
    room.network.partition([a!.peer], [b!.peer])
    await room.pass(60_000)
    room.network.heal()
    await room.pass(70_000)
    assert.equal(stateOf(a!, b!), 'ready', `seed ${seed}`)
    assert.equal(stateOf(b!, a!), 'ready', `seed ${seed}`)
  }
})

test('a peer without the protocol is asked again until it has it', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  await room.connect(a!, b!)
  await room.pass(30_000)
  assert.equal(stateOf(a!, b!), 'connecting')
  await b!.bus.start()
  await room.pass(500)
  assert.equal(stateOf(a!, b!), 'ready')
})

test('publishing to a peer that does not read drops, is reported, and keeps memory bounded', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  let overloads = 0
  a!.bus.events.on('overload', ({ dropped }) => {
    overloads += dropped
  })
  room.network.freeze(b!.peer)
  let skipped = 0
  const publishing = (async () => {
    for (let n = 0; n < 200; n++) {
      const report = await a!.bus.publish('t', 'k', new Uint8Array(64 * 1024))
      skipped += report.skipped.length
    }
  })()
  await runUntil(room.clock, publishing)
  await room.pass(1500)
  const { queuedBytes = 0, droppedFull } = a!.bus.status().figures ?? {}
  assert.ok(skipped > 100)
  assert.equal(droppedFull, skipped)
  assert.equal(overloads, skipped)
  assert.ok(queuedBytes <= 2 * 1024 * 1024)
})

const CHARGE = { kind: 'k', topic: '', id: '0'.repeat(32), priority: 'normal', hlc: 1, ttlMs: 1, trace: '' } as const
const ATTACKS: readonly (readonly [what: string, lane: Lane, bytes: Uint8Array])[] = [
  ['a length beyond the bound', 'normal', Buffer.from('ffffffff04', 'hex')],
  ['an unknown frame', 'normal', frame(99)],
  ['an unknown control frame', 'control', frame(99)],
  ['a second HELLO', 'critical', frame(FRAME.hello, encodeCbor([1, 1, new Uint8Array(8), 'x']))],
  ['an envelope that is none', 'normal', frame(FRAME.message, Uint8Array.of(0xff))],
  ['a priority on the wrong lane', 'critical', envelopeFrame(FRAME.message, { ...CHARGE, body: new Uint8Array(0) })],
  ['data on the control lane', 'control', envelopeFrame(FRAME.message, { ...CHARGE, body: new Uint8Array(0) })],
  ['a heartbeat on a data lane', 'bulk', pingFrame(FRAME.ping, 1)],
  ['credit for what was never sent', 'control', creditFrame(1)],
  ['a reply without an id', 'normal', frame(FRAME.answer, new Uint8Array(3))],
  ['addresses that are none', 'control', frame(FRAME.addresses, encodeCbor([['peer', ['x']]]))],
  [
    'bulk beyond the credit',
    'bulk',
    Buffer.concat(
      Array.from({ length: 14 }, () =>
        envelopeFrame(FRAME.message, { ...CHARGE, kind: 'hold', priority: 'low', body: new Uint8Array(60_000) }),
      ),
    ),
  ],
]

test('a breach of the protocol closes the lanes with a reason, and is not forgiven at once', async () => {
  for (const [what, lane, bytes] of ATTACKS) {
    await using room = await meeting(2)
    const [a, b] = room.all
    await b!.bus.stop()
    const raw = new RawPeer(b!.transport)
    a!.bus.receive('hold', () => new Promise(() => undefined))
    await room.connect(a!, b!)
    await runUntil(room.clock, raw.open(a!.peer))
    assert.equal(stateOf(a!, b!), 'ready', what)
    for (let at = 0; at < bytes.byteLength; at += 200_000) {
      await runUntil(
        room.clock,
        raw.say(lane, bytes.subarray(at, at + 200_000)).catch(() => undefined),
      )
    }
    await room.pass(100)
    assert.equal(a!.bus.status().figures?.faults, 1, what)
    assert.equal(raw.refusals[0]?.code, 'protocol', what)
    assert.notEqual(stateOf(a!, b!), 'ready', what)
    await runUntil(room.clock, raw.open(a!.peer))
    assert.equal(raw.refusals.at(-1)?.code, 'protocol', what)
    raw.stop()
    await b!.bus.start()
    await room.pass(15_000)
    assert.equal(stateOf(a!, b!), 'ready', what)
  }
})

test('a lane that does not begin with HELLO, or talks before it is let in, is cut', async () => {
  const hello = helloFrame({ lane: 'control', session: '0'.repeat(16), name: 'x' })
  const openings = [
    Buffer.from('garbage that is no frame'),
    pingFrame(FRAME.ping, 1),
    Buffer.concat([hello, pingFrame(FRAME.ping, 1)]),
  ]
  for (const bytes of openings) {
    await using room = await meeting(2)
    const [a, b] = room.all
    await b!.bus.stop()
    await room.connect(a!, b!)
    const channel = await runUntil(room.clock, b!.transport.open(a!.peer, '/plexus/lane/1.1.0'))
    await channel.send(bytes)
    await room.pass(100)
    await assert.rejects(channel.read(), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(a!.bus.status().figures?.faults, 1)
  }
})

test('a lane that says nothing is cut after the deadline', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  await room.connect(a!, b!)
  const channel = await runUntil(room.clock, b!.transport.open(a!.peer, '/plexus/lane/1.1.0'))
  const ended = assert.rejects(channel.read(), { code: 'ERR_CHANNEL_CLOSED' })
  await room.pass(6_000)
  await ended
})

test('a peer that opens only some of its lanes does not hold a place for long', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  const raw = new RawPeer(b!.transport)
  await room.connect(a!, b!)
  await runUntil(room.clock, raw.openLane(a!.peer, 'control', '0'.repeat(16)))
  await room.pass(11_000)
  assert.equal(stateOf(a!, b!), 'connecting')
  assert.match(a!.bus.presence()[0]?.reason ?? '', /4 of 4 accepted by the peer, [01] of 4 opened/)
})

test('new lanes of a peer replace its old ones', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  const raw = new RawPeer(b!.transport)
  await room.connect(a!, b!)
  await runUntil(room.clock, raw.open(a!.peer))
  const lost: string[] = []
  a!.bus.events.on('peer:lost', ({ reason }) => lost.push(reason))
  await runUntil(room.clock, raw.open(a!.peer))
  await room.pass(500)
  assert.deepEqual(lost, ['the peer opened new lanes'])
  assert.equal(stateOf(a!, b!), 'ready')
})

test('a listener may change its mind about a peer that has just become ready', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  a!.bus.events.on('peer:ready', ({ peer }) => {
    a!.door.banned.add(peer)
    a!.bus.reconsider()
  })
  await room.connect(a!, b!)
  assert.equal(stateOf(a!, b!), 'refused')
  assert.equal(stateOf(b!, a!), 'refused')
  assert.equal(a!.bus.status().figures?.peersReady, 0)
})

test('a flood of addresses is heard only in part', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  const raw = new RawPeer(b!.transport)
  let told = 0
  a!.bus.events.on('peer:addresses', () => void told++)
  await room.connect(a!, b!)
  await runUntil(room.clock, raw.open(a!.peer))
  for (let n = 0; n < 100; n++) {
    await raw.say('control', introductionsFrame([{ peer: b!.peer, addresses: ['/ip4/10.0.0.2/tcp/1'] }]))
  }
  await room.pass(900)
  assert.ok(told <= 9, `${told} of 100`)
  assert.equal(stateOf(a!, b!), 'ready')
})

test('an admission that throws costs one message and not the session', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  let broken = true
  a!.door.mayUseTopic = () => {
    if (broken) throw new Error('the database is closed')
    return true
  }
  let heard = 0
  a!.bus.subscribe('**', {}, () => void heard++)
  await b!.bus.publish('t', 'k', text('x'))
  await room.pass(50)
  broken = false
  await b!.bus.publish('t', 'k', text('x'))
  await room.pass(50)
  assert.equal(heard, 1)
  assert.equal(a!.bus.status().figures?.handlerFailures, 1)
})

test('a peer of an older protocol gets no lanes, and both are told why', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  using _old = b!.transport.handle('/plexus/lane/1.0.0', { maxInboundStreams: 12 }, async () => undefined)
  await room.connect(a!, b!)
  const [presence] = a!.bus.presence()
  assert.equal(presence?.state, 'connecting')
  assert.match(presence?.reason ?? '', /does not speak .plexus.lane.1\.1\.0/)
  assert.equal(a!.bus.status().state, 'degraded')
  const opened = b!.transport.open(a!.peer, '/plexus/lane/1.0.0')
  await assert.rejects(runUntil(room.clock, opened), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  assert.equal(a!.transport.links().length, 1)
})
