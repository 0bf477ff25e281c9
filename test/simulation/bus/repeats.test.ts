import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOfHex, encodeCbor } from '../../../src/base/index.ts'
import { FRAME, frame } from '../../../src/bus/frames.ts'
import { MESSAGE_MAX_BYTES } from '../../../src/bus/index.ts'
import { ONCE_PER_PEER, ONCE_PER_PEER_BYTES } from '../../../src/bus/limits.ts'
import { type Attendant, type Meeting, meeting, read, text } from './meeting.ts'
import { RawPeer } from './raw-peer.ts'

/** Loses the link between two peers, and makes it anew. */
async function flap(room: Meeting, a: Attendant, b: Attendant): Promise<void> {
  room.network.cut(a.peer, b.peer)
  await room.pass(1000)
  room.link(a, b)
  await room.pass(2000)
}

/** A responder that answers when told, and counts how often it ran. */
function slowCounter(at: Attendant, kind: string): { runs: number; answer(body: Uint8Array): void } {
  const answered = Promise.withResolvers<Uint8Array>()
  const counter = { runs: 0, answer: answered.resolve }
  at.bus.respond(kind, () => {
    counter.runs++
    return answered.promise
  })
  return counter
}

test('a request that may be repeated outlives the link and runs once', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const counter = slowCounter(b, 'count')
  const asked = a.bus.request(b.peer, 'count', text('x'), { repeatable: true, timeoutMs: 60_000 })
  await room.pass(500)
  await flap(room, a, b)
  await flap(room, a, b)
  counter.answer(text('done'))
  await room.pass(500)
  assert.equal(read(await asked), 'done')
  assert.equal(counter.runs, 1)
  assert.equal(b.bus.status().figures?.requestsRepeated, 2)
})

test('an answer that was lost with the link is given again', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const counter = slowCounter(b, 'count')
  const asked = a.bus.request(b.peer, 'count', text('x'), { repeatable: true, timeoutMs: 60_000 })
  await room.pass(500)
  room.network.cut(a.peer, b.peer)
  await room.pass(1000)
  counter.answer(text('done'))
  await room.pass(1000)
  room.link(a, b)
  await room.pass(2000)
  assert.equal(read(await asked), 'done')
  assert.equal(counter.runs, 1)
})

test('it waits for a peer that is not ready yet, and says why when the deadline passes', async () => {
  await using room = await meeting(3)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  b.bus.respond('echo', async (body) => body)
  const late = a.bus.request(b.peer, 'echo', text('x'), { repeatable: true, timeoutMs: 20_000 })
  const never = a.bus.request(c.peer, 'echo', text('x'), { repeatable: true, timeoutMs: 5_000 })
  const refused = assert.rejects(never, { code: 'ERR_PEER_NOT_READY' })
  await room.pass(1000)
  await room.connect(a, b)
  assert.equal(read(await late), 'x')
  await room.pass(5000)
  await refused
})

test('without it, a lost link fails the request', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  slowCounter(b, 'count')
  const asked = assert.rejects(a.bus.request(b.peer, 'count', text('x')), { code: 'ERR_PEER_LOST' })
  await room.pass(500)
  await flap(room, a, b)
  await asked
})

test('cancelling, the deadline and a stopping bus end it on both sides', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const reasons: unknown[] = []
  b.bus.respond('wait', (_, { signal }) => {
    signal.addEventListener('abort', () => reasons.push((signal.reason as { code?: unknown }).code))
    return new Promise(() => undefined)
  })
  const cancel = new AbortController()
  const cancelled = assert.rejects(
    a.bus.request(b.peer, 'wait', text(''), { repeatable: true, signal: cancel.signal }),
    { name: 'AbortError' },
  )
  await room.pass(500)
  cancel.abort()
  await cancelled
  const late = assert.rejects(a.bus.request(b.peer, 'wait', text(''), { repeatable: true, timeoutMs: 3000 }), {
    code: 'ERR_PEER_NOT_READY',
  })
  await room.pass(500)
  room.network.cut(a.peer, b.peer)
  await room.pass(5000)
  await late
  assert.deepEqual(reasons, ['ERR_REQUEST_CANCELLED', 'ERR_REQUEST_TIMEOUT'])
  const waits = assert.rejects(a.bus.request(b.peer, 'wait', text(''), { repeatable: true }), {
    code: 'ERR_BUS_STOPPED',
  })
  const stopping = a.bus.stop()
  await room.pass(2000)
  await stopping
  await waits
})

test('a responder that fails is not run again', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const fail = Promise.withResolvers<never>()
  let runs = 0
  b.bus.respond('fail', () => {
    runs++
    return fail.promise
  })
  const failed = assert.rejects(a.bus.request(b.peer, 'fail', text(''), { repeatable: true }), {
    code: 'ERR_REMOTE',
    remoteCode: 'ERR_INTERNAL',
  })
  await room.pass(500)
  room.network.cut(a.peer, b.peer)
  fail.reject(new Error('secret'))
  await room.pass(500)
  room.link(a, b)
  await room.pass(2000)
  await failed
  assert.equal(runs, 1)
})

test('two peers may use one id, and nobody gets the answer of another', async () => {
  await using room = await meeting(3)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  for (const one of [a, b]) await one.bus.stop()
  const raws = [a, b].map(({ transport }) => new RawPeer(transport))
  await room.connect(a, c)
  await room.connect(b, c)
  const asked: string[] = []
  c.bus.respond('who', async (_, { from }) => {
    asked.push(from)
    return text(from)
  })
  const id = bytesOfHex('ab'.repeat(16))
  const request = frame(
    FRAME.requestOnce,
    encodeCbor([1, 'who', '', id, new Uint8Array(), 2, 0, 10_000, '', new Uint8Array()]),
  )
  for (const raw of raws) {
    void raw.open(c.peer)
    await room.pass(1000)
    for (let time = 0; time < 2; time++) {
      await raw.say('normal', request)
      await room.pass(1000)
    }
  }
  assert.deepEqual(asked, [a.peer, b.peer])
  for (const raw of raws) {
    assert.equal(raw.heard.filter((type) => type === FRAME.answer).length, 2)
    raw.stop()
  }
})

test('a peer that asks for more than can be remembered is refused, and others are not', async () => {
  await using room = await meeting(3)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  await room.connect(a, b)
  await room.connect(c, b)
  const { promise, resolve } = Promise.withResolvers<Uint8Array>()
  b.bus.respond('hold', () => promise)
  const ask = (from: Attendant): Promise<Uint8Array> => from.bus.request(b.peer, 'hold', text(''), { repeatable: true })
  const asked = Array.from({ length: ONCE_PER_PEER }, () => ask(a))
  const over = assert.rejects(ask(a), { code: 'ERR_OVERLOADED' })
  await room.pass(500)
  await over
  const other = ask(c)
  await room.pass(500)
  resolve(text('x'))
  await room.pass(500)
  await Promise.all([...asked, other])
  // Whoever has its answer says so: there is room again.
  const again = ask(a)
  await room.pass(500)
  assert.equal(read(await again), 'x')
})

test('answers that are too many to keep are forgotten, and the request does not run again', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const size = 512 * 1024
  const count = ONCE_PER_PEER_BYTES / size + 1
  const { promise, resolve } = Promise.withResolvers<Uint8Array>()
  let runs = 0
  b.bus.respond('large', () => {
    runs++
    return promise
  })
  const outcomes: string[] = []
  const asked = Array.from({ length: count }, async () => {
    try {
      const body = await a.bus.request(b.peer, 'large', text(''), { repeatable: true, timeoutMs: 60_000 })
      outcomes.push(`${body.byteLength}`)
    } catch (error) {
      outcomes.push((error as { code: string }).code)
    }
  })
  await room.pass(500)
  room.network.cut(a.peer, b.peer)
  await room.pass(500)
  resolve(new Uint8Array(size))
  await room.pass(500)
  room.link(a, b)
  await room.pass(5000)
  await Promise.all(asked)
  assert.equal(runs, count)
  assert.deepEqual(outcomes.sort(), [...Array.from({ length: count - 1 }, () => `${size}`), 'ERR_ANSWER_FORGOTTEN'])
})

test('an answer that is too large, or in parts, is an error once and again', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  let runs = 0
  b.bus.respond('large', async () => {
    runs++
    return new Uint8Array(MESSAGE_MAX_BYTES + 1)
  })
  b.bus.respond('parts', async function* () {
    runs++
    yield text('x')
  })
  const expected = { large: 'ERR_MESSAGE_TOO_LARGE', parts: 'ERR_ANSWER_STREAMED' }
  for (const [kind, remoteCode] of Object.entries(expected)) {
    const failed = assert.rejects(a.bus.request(b.peer, kind, text(''), { repeatable: true }), { remoteCode })
    await room.pass(500)
    await failed
  }
  assert.equal(runs, 1, 'what is in parts does not begin')
})
