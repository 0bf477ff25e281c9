import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseError } from '../../../src/base/index.ts'
import { type BusError, MESSAGE_MAX_BYTES, type Message } from '../../../src/bus/index.ts'
import { runUntil } from '../../../src/network/index.ts'
import { meeting, read, stateOf, text } from './meeting.ts'

async function pair(seed = 1) {
  const room = await meeting(2, seed)
  const [a, b] = room.all
  await room.connect(a!, b!)
  return { room, a: a!, b: b!, until: <T>(work: Promise<T>) => runUntil(room.clock, work) }
}

test('two linked peers become ready, know each other by name, and measure the round trip', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  const ready: string[] = []
  a!.bus.events.on('peer:ready', ({ name }) => ready.push(name ?? ''))
  await room.connect(a!, b!)
  assert.deepEqual(ready, ['peer 1'])
  const [presence] = a!.bus.presence()
  assert.equal(presence?.state, 'ready')
  assert.equal(presence?.reason, undefined)
  assert.ok(presence?.rttMs !== undefined && presence.rttMs > 1)
  assert.equal(stateOf(b!, a!), 'ready')
  const rtt = await runUntil(room.clock, a!.bus.ping(b!.peer))
  assert.ok(rtt > 1 && rtt < 50)
})

test('messages reach subscribers of their topic, there and here', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  const heard: string[] = []
  for (const { bus } of [a, b]) bus.subscribe('notes.*', {}, (one) => void heard.push(`${one.topic} ${read(one.body)}`))
  const report = await a.bus.publish('notes.x', 'note', text('hello'))
  assert.deepEqual(report, { sent: 1, skipped: [] })
  await a.bus.publish('other.x', 'note', text('nobody'))
  await room.pass(100)
  assert.deepEqual(heard, ['notes.x hello', 'notes.x hello'])
})

test('a direct message reaches the one receiver of its kind', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  const got: Message[] = []
  b.bus.receive('greet', (message) => void got.push(message))
  assert.throws(() => b.bus.receive('greet', () => undefined), { code: 'ERR_KIND_TAKEN' })
  await a.bus.send(b.peer, 'greet', text('hi'), { priority: 'critical' })
  await a.bus.send(b.peer, 'unknown', text('hi'))
  await room.pass(100)
  assert.equal(got.length, 1)
  assert.deepEqual([got[0]?.from, got[0]?.topic, got[0]?.priority], [a.peer, '', 'critical'])
  assert.equal(b.bus.status().figures?.droppedUnhandled, 1)
  const [{ criticalOut, normalOut } = {}, { criticalIn, normalIn } = {}] = [a, b].map(({ bus }) => bus.status().figures)
  assert.deepEqual([criticalOut, normalOut, criticalIn, normalIn], [1, 1, 1, 1])
})

test('a request is answered, or refused with a code and a sentence', async () => {
  const { room, a, b, until } = await pair()
  await using _ = room
  b.bus.respond('double', async (body) => text(read(body).repeat(2)))
  b.bus.respond('known', async () => {
    throw new BaseError('ERR_INVALID_ARGUMENT', 'that will not do')
  })
  b.bus.respond('unknown', async () => {
    throw new Error('a secret path')
  })
  assert.equal(read(await until(a.bus.request(b.peer, 'double', text('ab')))), 'abab')
  await assert.rejects(until(a.bus.request(b.peer, 'nothing', text(''))), { code: 'ERR_NO_RESPONDER' })
  const known = { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT', message: 'that will not do' }
  await assert.rejects(until(a.bus.request(b.peer, 'known', text(''))), known)
  const other = { code: 'ERR_REMOTE', remoteCode: 'ERR_INTERNAL', message: 'the responder failed' }
  await assert.rejects(until(a.bus.request(b.peer, 'unknown', text(''))), other)
})

test('a request that is cancelled or late aborts its responder', async () => {
  const { room, a, b, until } = await pair()
  await using _ = room
  const reasons: string[] = []
  b.bus.respond('hang', (_body, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as BusError).code)
        reject(signal.reason)
      })
    })
  })
  const gone = new AbortController()
  const request = a.bus.request(b.peer, 'hang', text(''), { signal: gone.signal })
  const timed = a.bus.request(b.peer, 'hang', text(''), { timeoutMs: 200 })
  await Promise.all([
    assert.rejects(timed, { code: 'ERR_REQUEST_TIMEOUT' }),
    assert.rejects(request, { message: 'enough' }),
    room.pass(100).then(() => gone.abort(new Error('enough'))),
    room.pass(500),
  ])
  assert.deepEqual(reasons, ['ERR_REQUEST_CANCELLED', 'ERR_REQUEST_CANCELLED'])
  await assert.rejects(
    until(a.bus.request(b.peer, 'hang', text(''), { signal: AbortSignal.abort(new Error('never')) })),
    {
      message: 'never',
    },
  )
})

test('a streamed answer comes in order, and a slow reader holds its writer back', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  let yielded = 0
  let closed = false
  b.bus.respond('count', async function* () {
    try {
      for (let n = 0; n < 100; n++) {
        yielded++
        yield new Uint8Array(64 * 1024).fill(n)
      }
    } finally {
      closed = true
    }
  })
  const parts = a.bus.requestStream(b.peer, 'count', text(''))[Symbol.asyncIterator]()
  const first = parts.next()
  await room.pass(2000)
  assert.equal((await first).value?.[0], 0)
  assert.ok(yielded <= 6, `${yielded} parts were made for a reader that took one`)
  const rest: number[] = []
  const reading = (async () => {
    for (let one = await parts.next(); !one.done; one = await parts.next()) rest.push(one.value[0]!)
  })()
  await runUntil(room.clock, reading)
  assert.deepEqual(
    rest,
    Array.from({ length: 99 }, (_value, index) => index + 1),
  )
  assert.equal(closed, true)
})

test('a reader that leaves ends the stream of its writer', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  let closed = false
  b.bus.respond('for-ever', async function* () {
    try {
      for (;;) yield new Uint8Array(1000)
    } finally {
      closed = true
    }
  })
  const reading = (async () => {
    for await (const part of a.bus.requestStream(b.peer, 'for-ever', text(''))) return part.byteLength
    return 0
  })()
  assert.equal(await runUntil(room.clock, reading), 1000)
  await room.pass(1000)
  assert.equal(closed, true)
  assert.equal(a.bus.status().figures?.requestsInFlight, 0)
})

test('request wants one answer, and requestStream takes one too', async () => {
  const { room, a, b, until } = await pair()
  await using _ = room
  b.bus.respond('many', async function* () {
    yield text('x')
  })
  b.bus.respond('one', async () => text('y'))
  await assert.rejects(until(a.bus.request(b.peer, 'many', text(''))), { code: 'ERR_ANSWER_STREAMED' })
  const seen: string[] = []
  const reading = (async () => {
    for await (const part of a.bus.requestStream(b.peer, 'one', text(''))) seen.push(read(part))
  })()
  await until(reading)
  assert.deepEqual(seen, ['y'])
})

test('more requests than a peer may have in flight are refused on both sides', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  b.bus.respond('hang', () => new Promise(() => undefined))
  const outcomes = Array.from({ length: 1025 }, () =>
    a.bus.request(b.peer, 'hang', text(''), { timeoutMs: 1000 }).catch((error: BusError) => error.code),
  )
  await room.pass(1500)
  const codes = await Promise.all(outcomes)
  assert.equal(codes.filter((code) => code === 'ERR_OVERLOADED').length, 1)
  // Their responders never settled, so their places are still taken.
  const late = a.bus.request(b.peer, 'hang', text(''))
  await Promise.all([assert.rejects(late, { code: 'ERR_OVERLOADED' }), room.pass(100)])
})

test('what cannot be sent is said at once', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  const large = new Uint8Array(MESSAGE_MAX_BYTES + 1)
  await assert.rejects(a.bus.send(b.peer, 'k', large), { code: 'ERR_MESSAGE_TOO_LARGE' })
  await assert.rejects(a.bus.publish('a..b', 'k', text('')), { code: 'ERR_TOPIC_INVALID' })
  await assert.rejects(a.bus.publish('a.*', 'k', text('')), { code: 'ERR_TOPIC_INVALID' })
  await assert.rejects(a.bus.publish('', 'k', text('')), { code: 'ERR_TOPIC_INVALID' })
  await assert.rejects(a.bus.send(b.peer, 'two words', text('')), { code: 'ERR_KIND_INVALID' })
  await assert.rejects(a.bus.send(a.peer, 'k', text('')), { code: 'ERR_PEER_NOT_READY' })
})

test('the largest message arrives on every lane', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  const sizes: number[] = []
  b.bus.receive('big', ({ body }) => void sizes.push(body.byteLength))
  for (const priority of ['critical', 'high', 'normal', 'low'] as const) {
    for (let n = 0; n < 2; n++) await a.bus.send(b.peer, 'big', new Uint8Array(MESSAGE_MAX_BYTES), { priority })
  }
  await room.pass(3000)
  assert.deepEqual(sizes, new Array(8).fill(MESSAGE_MAX_BYTES))
})

test('a receiver that is slow holds the bulk sender to its credit, and nothing else', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  const gates: (() => void)[] = []
  let critical = 0
  b.bus.receive('bulk', () => new Promise<void>((resolve) => gates.push(resolve)))
  b.bus.receive('urgent', () => void critical++)
  const sending = (async () => {
    for (let n = 0; n < 60; n++)
      await a.bus.send(b.peer, 'bulk', new Uint8Array(64 * 1024), { priority: 'low', ttlMs: 3_600_000 })
  })()
  await room.pass(1000)
  assert.ok(gates.length <= 4, `${gates.length} messages of 64 KiB within a window of 256 KiB`)
  await a.bus.send(b.peer, 'urgent', text('!'), { priority: 'critical' })
  await room.pass(50)
  assert.equal(critical, 1)
  let done = 0
  while (done < 60) {
    await room.pass(20)
    for (const open of gates.splice(0)) {
      open()
      done++
    }
  }
  await sending
})

test('a handler that never settles is let go of after its deadline', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  let seen = 0
  b.bus.receive('stuck', () => {
    seen++
    return new Promise(() => undefined)
  })
  const sending = (async () => {
    for (let n = 0; n < 12; n++) {
      await a.bus.send(b.peer, 'stuck', new Uint8Array(200 * 1024), { priority: 'low', ttlMs: 3_600_000 })
    }
  })()
  await room.pass(20_000)
  assert.equal(seen, 1)
  await room.pass(20_000)
  assert.equal(seen, 2)
  assert.equal(b.bus.status().figures?.handlersStuck, 1)
  await room.pass(400_000)
  await sending
})

test('the bus starts and stops more than once, and then refuses work', async () => {
  const { room, a, b } = await pair()
  await using _ = room
  await a.bus.start()
  const lost: string[] = []
  b.bus.events.on('peer:lost', ({ reason }) => lost.push(reason))
  const hanging = a.bus.request(b.peer, 'x', text(''))
  const stopping = a.bus.stop()
  await Promise.all([assert.rejects(hanging, { code: 'ERR_PEER_LOST' }), room.pass(2000), stopping])
  await a.bus.stop()
  assert.equal(a.bus.status().state, 'stopped')
  assert.match(lost[0] ?? '', /stopping/)
  await assert.rejects(a.bus.publish('a', 'k', text('')), { code: 'ERR_BUS_STOPPED' })
  await a.bus.start()
  await room.pass(5000)
  assert.equal(stateOf(b, a), 'ready')
})
