import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delay } from '../../../src/base/index.ts'
import { type Attendant, meeting, read, text } from './meeting.ts'

const HANDLER_MS = 10

test('a busy subscriber gets what is critical next, and what is low in the end', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const heard: string[] = []
  b.bus.subscribe('t', {}, async ({ body }) => {
    heard.push(read(body))
    await delay(room.clock, HANDLER_MS)
  })
  for (let n = 0; n < 100; n++) await a.bus.publish('t', 'k', text(`low ${n}`), { priority: 'low' })
  await room.pass(100)
  assert.ok(heard.length < 15)
  await a.bus.publish('t', 'k', text('critical'), { priority: 'critical' })
  await room.pass(5 * HANDLER_MS)
  assert.ok(heard.indexOf('critical') > 0, 'it did not stand in line')
  // While urgent messages keep coming, faster than they can be handled, the rest still gets its turn.
  const before = heard.length
  for (let n = 0; n < 200; n++) {
    await a.bus.publish('t', 'k', text('critical'), { priority: 'critical' })
    await room.pass(HANDLER_MS / 2)
  }
  const share = heard.slice(before).filter((name) => name.startsWith('low')).length
  assert.ok(share >= 4 && share <= 10, `${share} of ${heard.length - before}`)
  await room.pass(10_000)
  assert.equal(heard.length, 301)
  assert.deepEqual(
    heard.filter((name) => name.startsWith('low')),
    Array.from({ length: 100 }, (_, n) => `low ${n}`),
  )
})

test('a slow, a throwing and a sleeping subscriber hold nobody else up', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const slow = b.bus.subscribe('t', { capacity: 10 }, () => delay(room.clock, 1000))
  const throwing = b.bus.subscribe('t', {}, () => {
    throw new Error('mine')
  })
  const asleep = b.bus.subscribe('t', { overflow: 'disconnect', capacity: 10 }, () => new Promise(() => undefined))
  const quick: string[] = []
  b.bus.subscribe('t', {}, ({ body }) => void quick.push(read(body)))
  for (let n = 0; n < 50; n++) await a.bus.publish('t', 'k', text(`${n}`))
  await room.pass(200)
  assert.equal(quick.length, 50)
  assert.equal(slow.dropped, 39)
  assert.equal(throwing.failed, 50)
  assert.equal(asleep.failed, 1)
  await room.pass(20_000)
  assert.equal(slow.delivered, 11)
})

test('what is older than its ttl is not sent, and the other side learns that it missed it', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  const heard: string[] = []
  const missed: number[] = []
  b.bus.subscribe('t', {}, ({ body }) => void heard.push(read(body.subarray(0, 4)).trim()))
  b.bus.events.on('messages:missed', ({ count }) => missed.push(count))
  room.network.freeze(b.peer)
  const body = (name: string): Uint8Array => text(name.padEnd(64 * 1024))
  for (let n = 0; n < 30; n++) void a.bus.publish('t', 'k', body('old'), { priority: 'low', ttlMs: 2000 })
  await room.pass(5000)
  room.network.thaw(b.peer)
  await room.pass(3000)
  const expired = a.bus.status().figures?.droppedExpired ?? 0
  assert.ok(expired > 0)
  assert.equal(heard.length, 30 - expired)
  assert.equal(
    missed.reduce((sum, count) => sum + count, 0),
    expired,
  )
  assert.equal(a.bus.presence()[0]?.state, 'ready')
})
