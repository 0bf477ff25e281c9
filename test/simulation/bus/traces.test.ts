import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, startSpan } from '../../../src/base/index.ts'
import { envelopeFrame } from '../../../src/bus/envelope.ts'
import { FRAME } from '../../../src/bus/frames.ts'
import { runUntil } from '../../../src/network/index.ts'
import { meeting, text } from './meeting.ts'
import { RawPeer } from './raw-peer.ts'

const idsOf = (trace: string): readonly string[] => trace.split('-').slice(1, 3)

test('a query and the requests that its answers need carry one trace, with a span for each step', async () => {
  await using room = await meeting(4)
  const [a, b, c, d] = room.all
  await room.connect(a!, b!, c!)
  await room.connect(b!, d!)
  const seen: string[] = []
  const untraced: string[] = []
  d!.bus.respond('deeper', async (body, { trace }) => {
    seen.push(trace)
    return body
  })
  for (const { bus } of [b!, c!]) {
    bus.respond('ask', async (body, { trace }) => {
      seen.push(trace)
      return bus === b!.bus ? await bus.request(d!.peer, 'deeper', body, { trace }) : body
    })
    bus.respond('plain', async (body, { trace }) => {
      untraced.push(trace)
      return body
    })
  }
  const { traceId, spanId, traceparent } = startSpan(seededRandom(1))
  const peers = [b!.peer, c!.peer]
  const { answers } = await runUntil(room.clock, a!.bus.query(peers, 'ask', text('?'), { trace: traceparent }))
  await runUntil(room.clock, a!.bus.query(peers, 'plain', text('?')))
  assert.equal(answers.length, 2)
  assert.deepEqual(new Set(seen.map((trace) => idsOf(trace)[0])), new Set([traceId]))
  assert.equal(new Set([spanId, ...seen.map((trace) => idsOf(trace)[1])]).size, 4)
  assert.deepEqual(untraced, ['', ''])
})

test('a malformed trace is dropped and counted; the message it came with is not', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await b!.bus.stop()
  const raw = new RawPeer(b!.transport)
  const got: string[] = []
  a!.bus.receive('k', ({ trace }) => void got.push(trace))
  await room.connect(a!, b!)
  await runUntil(room.clock, raw.open(a!.peer))
  const { traceparent } = startSpan(seededRandom(1))
  for (const trace of ['not a trace', '\u001b[31m', traceparent]) {
    const message = { kind: 'k', topic: '', id: '0'.repeat(32), priority: 'normal', hlc: 1, ttlMs: 1, trace } as const
    await runUntil(room.clock, raw.say('normal', envelopeFrame(FRAME.message, { ...message, body: text('') })))
  }
  await room.pass(100)
  assert.deepEqual(got, ['', '', traceparent])
  assert.equal(a!.bus.status().figures?.droppedTraces, 2)
  assert.equal(a!.bus.status().figures?.faults, 0)
  raw.stop()
})
