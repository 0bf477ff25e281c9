import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusError } from '../../../src/bus/index.ts'
import { type Attendant, type Meeting, meeting, read, stateOf, text } from './meeting.ts'

/** Two peers that share no link, and `middles` members who have links to both. */
async function apart(middles: number, seed = 1): Promise<Meeting> {
  const room = await meeting(2 + middles, seed)
  const [a, b, ...others] = room.all as [Attendant, Attendant, ...Attendant[]]
  for (const middle of others) await room.connect(middle, a, b)
  await room.pass(5_000)
  return room
}

const figure = (at: Attendant, name: string): number => at.bus.status().figures?.[name] ?? 0

test('messages, requests, answers and refusals reach a member without a link through one that has', async () => {
  await using room = await apart(1)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  assert.equal(stateOf(a, b), 'reachable')
  assert.equal(a.bus.presence().find(({ peer }) => peer === b.peer)?.via, c.peer)
  const heard: string[] = []
  b.bus.receive('note', ({ from, body }) => void heard.push(`${from === a.peer} ${read(body)}`))
  b.bus.respond('echo', async (body, { from }) => text(`${from === a.peer} ${read(body)}`))
  b.bus.respond('fail', async () => {
    throw new BusError('ERR_EXPIRED', 'too late')
  })
  await a.bus.send(b.peer, 'note', text('hello'), { priority: 'low' })
  const answers = Promise.allSettled([
    a.bus.request(b.peer, 'echo', text('who am I?'), { priority: 'critical' }),
    a.bus.request(b.peer, 'fail', text('')),
    a.bus.request(b.peer, 'unanswered', text('')),
  ])
  await room.pass(1_000)
  const [echo, fail, nobody] = await answers
  assert.deepEqual(heard, ['true hello'])
  assert.equal(echo.status === 'fulfilled' && read(echo.value), 'true who am I?')
  assert.equal(fail.status === 'rejected' && fail.reason.remoteCode, 'ERR_EXPIRED')
  assert.equal(nobody.status === 'rejected' && nobody.reason.code, 'ERR_NO_RESPONDER')
  assert.equal(figure(c, 'parcelsPassed'), 7)
  assert.equal(figure(c, 'messagesIn'), 0, 'the middle opens nothing')

  const query = a.bus.query([b.peer, c.peer], 'echo', text('all'))
  c.bus.respond('echo', async (body) => body)
  await room.pass(1_000)
  assert.equal((await query).coverage.answered, 2)
})

test('a request goes another way when the first member refuses, or falls silent; the responder runs once', async () => {
  await using room = await apart(2)
  const [a, b, c, d] = room.all as [Attendant, Attendant, Attendant, Attendant]
  let runs = 0
  b.bus.respond('count', async () => text(String(++runs)))
  const first = a.bus.presence().find(({ peer }) => peer === b.peer)?.via
  const [near, far] = first === c.peer ? [c, d] : [d, c]

  near.door.secret.add(b.peer)
  const around = a.bus.request(b.peer, 'count', text(''))
  await room.pass(500)
  assert.equal(read(await around), '1')
  assert.equal(figure(near, 'parcelsRefused'), 1)
  near.door.secret.clear()

  room.network.freeze(near.peer)
  const slower = a.bus.request(b.peer, 'count', text(''), { timeoutMs: 9_000 })
  await room.pass(4_000)
  assert.equal(read(await slower), '2')
  room.network.thaw(near.peer)
  await room.pass(2_000)
  assert.equal(runs, 2, 'what the silent one passed on late is the same request')
  assert.ok(figure(far, 'parcelsPassed') >= 4)
})

test('a request fails at once, with the reason, when nobody passes it on', async () => {
  await using room = await apart(1)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  c.door.secret.add(b.peer)
  const refused = assert.rejects(a.bus.request(b.peer, 'x', text('')), {
    code: 'ERR_PEER_NOT_READY',
    message: /not-admitted/,
  })
  await Promise.all([refused, room.pass(500)])
  c.bus.reconsider()
  await room.pass(5_000)
  assert.equal(stateOf(a, b), undefined, 'nobody says any more that it has a link')
  await assert.rejects(a.bus.send(b.peer, 'x', text('')), { code: 'ERR_PEER_NOT_READY' })
})

test('a cancelled request is cancelled there too', async () => {
  await using room = await apart(1)
  const [a, b] = room.all as [Attendant, Attendant]
  const aborted = Promise.withResolvers<void>()
  b.bus.respond('slow', (_, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.resolve()
        reject(signal.reason)
      })
    })
  })
  const cancel = new AbortController()
  const asked = a.bus.request(b.peer, 'slow', text(''), { signal: cancel.signal })
  await room.pass(500)
  cancel.abort(new Error('never mind'))
  await assert.rejects(asked, { message: 'never mind' })
  await room.pass(500)
  await aborted.promise
})

test('a member passes on only so much for each', async () => {
  await using room = await apart(1)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  let heard = 0
  b.bus.receive('big', () => void heard++)
  let failed = 0
  for (let n = 0; n < 64; n++) {
    await a.bus.send(b.peer, 'big', new Uint8Array(256 * 1024)).catch(() => failed++)
    await room.pass(5)
  }
  await room.pass(2_000)
  assert.ok(heard >= 16 && heard <= 20, `${heard} of 64 came`)
  assert.equal(heard + figure(c, 'parcelsRefused') + failed, 64)
})

test('a request that may be repeated goes on through another member when its link is lost, and runs once', async () => {
  await using room = await apart(1)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  await room.pass(5_000)
  let runs = 0
  const gate = Promise.withResolvers<void>()
  b.bus.respond('slow', async () => {
    runs++
    await gate.promise
    return text('done')
  })
  const asked = a.bus.request(b.peer, 'slow', text(''), { repeatable: true, timeoutMs: 20_000 })
  await room.pass(500)
  room.network.cut(a.peer, b.peer)
  await room.pass(500)
  assert.equal(stateOf(a, b), 'reachable')
  gate.resolve()
  await room.pass(500)
  assert.deepEqual([read(await asked), runs], ['done', 1])
})
