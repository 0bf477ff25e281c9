import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, randomInt, seededRandom } from '../../../src/base/index.ts'
import { type Message, PRIORITIES } from '../../../src/bus/index.ts'
import { runUntil } from '../../../src/network/index.ts'
import { type Attendant, type Meeting, meeting, read, stateOf, text } from './meeting.ts'

const PEERS = 20

/** Everyone linked with about `degree` others. */
async function crowd(seed: number, degree: number): Promise<{ room: Meeting; pairs: [Attendant, Attendant][] }> {
  const room = await meeting(PEERS, seed)
  const pairs: [Attendant, Attendant][] = []
  for (const [index, from] of room.all.entries()) {
    for (let step = 1; step <= degree / 2; step++) pairs.push([from, room.all[(index + step * step) % PEERS]!])
  }
  for (const [from, to] of pairs) room.link(from, to)
  await room.pass(2000)
  return { room, pairs }
}

interface Heard {
  readonly message: Message
  readonly number: number
}

/** Publishes and sends at random, hurts the network at random, and returns what each peer heard and a line for each event. */
async function storm(seed: number): Promise<{ heard: Map<Attendant, Heard[]>; trace: string[]; sent: number }> {
  const { room, pairs } = await crowd(seed, 6)
  await using _ = room
  const random = seededRandom(seed * 7919)
  const heard = new Map<Attendant, Heard[]>()
  const trace: string[] = []
  for (const one of room.all) {
    const list: Heard[] = []
    heard.set(one, list)
    const note = (message: Message): void => {
      const number = Number(read(message.body).slice(0, 8))
      list.push({ message, number })
      trace.push(`${room.clock.monotonic().toFixed(3)} ${room.all.indexOf(one)} ${message.id}`)
    }
    one.bus.subscribe('**', {}, note)
    one.bus.receive('direct', note)
    one.bus.receive('any-way', note)
  }
  let sent = 0
  const speak = (): void => {
    const from = room.all[randomInt(random, PEERS)]!
    const priority = PRIORITIES[randomInt(random, 4)]!
    const body = text(
      (sent++)
        .toString()
        .padStart(8, '0')
        .padEnd(8 + randomInt(random, 3000), '.'),
    )
    if (random.unit() < 0.5) void from.bus.publish('storm.topic', 'topical', body, { priority })
    else {
      const to = room.all[randomInt(random, PEERS)]!
      const direct = random.unit() < 0.5
      from.bus.send(to.peer, direct ? 'direct' : 'any-way', body, { priority, direct }).catch(() => undefined)
    }
  }
  for (let turn = 0; turn < 300; turn++) {
    for (let n = 0; n < 5; n++) speak()
    if (random.unit() < 0.1) hurt(room, pairs, random)
    await room.pass(20 + 80 * random.unit())
  }
  room.network.heal()
  for (const { peer } of room.all) room.network.thaw(peer)
  await room.pass(70_000)
  for (const [from, to] of pairs) if (stateOf(from, to) === 'offline') room.link(from, to)
  await room.pass(10_000)
  for (const [a, b] of pairs) {
    assert.equal(stateOf(a, b), 'ready', `seed ${seed}`)
    assert.equal(stateOf(b, a), 'ready', `seed ${seed}`)
  }
  return { heard, trace, sent }
}

function hurt(room: Meeting, pairs: readonly [Attendant, Attendant][], random: Random): void {
  const [a, b] = pairs[randomInt(random, pairs.length)]!
  const dice = random.unit()
  if (dice < 0.4) {
    room.network.cut(a.peer, b.peer)
    room.link(b, a)
  } else if (dice < 0.6) room.network.freeze(a.peer)
  else if (dice < 0.8) room.network.thaw(a.peer)
  else if (dice < 0.9) {
    const half = randomInt(random, PEERS)
    const side = room.all.map(({ peer }) => peer)
    room.network.partition(side.slice(0, half), side.slice(half))
  } else room.network.heal()
}

test('whatever happens to the network, a message arrives at most once, on lanes in the order of its sender and priority', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { heard, sent } = await storm(seed)
    let total = 0
    for (const [at, list] of heard) {
      const ids = new Set(list.map(({ message }) => message.id))
      assert.equal(ids.size, list.length, `seed ${seed}: twice`)
      const last = new Map<string, number>()
      for (const { message, number } of list) {
        if (message.kind === 'any-way') continue
        const key = `${message.from} ${message.priority}`
        assert.ok((last.get(key) ?? -1) < number, `seed ${seed}: out of order at ${at.peer}`)
        last.set(key, number)
      }
      total += list.length
    }
    assert.ok(total > sent, `seed ${seed}: ${total} deliveries of ${sent} messages`)
  }
})

test('the same seed gives the same run', async () => {
  const [first, second] = [await storm(4), await storm(4)]
  assert.deepEqual(first.trace, second.trace)
})

test('on a quiet network nothing is lost', async () => {
  const { room } = await crowd(5, 8)
  await using _ = room
  let heard = 0
  for (const { bus } of room.all) bus.subscribe('quiet.*', {}, () => void heard++)
  let expected = 0
  for (let n = 0; n < 500; n++) {
    const from = room.all[n % PEERS]!
    const report = await from.bus.publish('quiet.topic', 'k', new Uint8Array(1000))
    assert.deepEqual(report.skipped, [])
    expected += report.sent + 1
    if (n % 50 === 0) await room.pass(20)
  }
  await room.pass(1000)
  assert.equal(heard, expected)
})

test('a query gathers what there is until the deadline and says what is missing', async () => {
  await using room = await meeting(8)
  const [asker, ...others] = room.all
  await room.connect(asker!, ...others.slice(0, 6))
  for (const [index, { bus }] of others.entries()) {
    if (index < 3) bus.respond('ask', async () => text(`answer ${index}`))
    else if (index === 3) {
      bus.respond('ask', async () => {
        throw new Error('broken')
      })
    } else if (index === 4) bus.respond('ask', () => new Promise(() => undefined))
  }
  const peers = others.map(({ peer }) => peer)
  const result = await runUntil(
    room.clock,
    asker!.bus.query([...peers, peers[0]!], 'ask', text('?'), { timeoutMs: 1000 }),
  )
  assert.deepEqual(result.answers.map(({ body }) => read(body)).sort(), ['answer 0', 'answer 1', 'answer 2'])
  assert.equal(result.coverage.asked, 7)
  assert.equal(result.coverage.answered, 3)
  assert.deepEqual(result.coverage.failed.map(({ peer }) => peers.indexOf(peer)).sort(), [3, 5, 6])
  assert.deepEqual(result.coverage.silent, [peers[4]])
  assert.ok(result.answers.every(({ elapsedMs }) => elapsedMs > 0 && elapsedMs < 200))
})

test('a query ends when enough have answered, cancels the rest, and counts late answers', async () => {
  await using room = await meeting(5)
  const [asker, ...others] = room.all
  await room.connect(asker!, ...others)
  let aborted = 0
  for (const [index, { bus }] of others.entries()) {
    bus.respond('ask', async (_body, { signal }) => {
      signal.addEventListener('abort', () => void aborted++)
      if (index < 2) return text('quick')
      const slow = Promise.withResolvers<void>()
      room.clock.setTimer(500, slow.resolve)
      await slow.promise
      return text('slow')
    })
  }
  const peers = others.map(({ peer }) => peer)
  const { answers, coverage } = await runUntil(room.clock, asker!.bus.query(peers, 'ask', text('?'), { enough: 2 }))
  assert.deepEqual([answers.length, coverage.failed.length, coverage.silent.length], [2, 0, 0])
  await room.pass(1000)
  assert.equal(aborted, 2)
  const cancelled = new AbortController()
  const query = asker!.bus.query(peers, 'ask', text('?'), { signal: cancelled.signal })
  cancelled.abort(new Error('never mind'))
  await assert.rejects(query, { message: 'never mind' })
})

test('peers introduce each other, as far as admission allows', async () => {
  await using room = await meeting(4)
  const [hub, a, b, hidden] = room.all
  hub!.door.secret.add(hidden!.peer)
  const told: string[] = []
  const name = (peer: string): number => room.all.findIndex((one) => one.peer === peer)
  a!.bus.events.on('peer:addresses', ({ peer, addresses }) => told.push(`${name(peer)} at ${addresses.join()}`))
  await room.connect(hub!, a!)
  await room.pass(2000)
  await room.connect(hub!, b!, hidden!)
  await room.pass(2000)
  const where = (one: Attendant): string => one.transport.addresses().join()
  assert.deepEqual(told.sort(), [`0 at ${where(hub!)}`, `2 at ${where(b!)}`])
  a!.door.banned.add(b!.peer)
  await room.connect(b!, a!)
  assert.equal(stateOf(a!, b!), 'refused')
})

test('topics that a peer may not use are neither sent to it nor heard from it', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all
  await room.connect(a!, b!)
  let heard = 0
  a!.bus.subscribe('**', {}, () => void heard++)
  a!.door.mutedTopics.add('space.private')
  const report = await a!.bus.publish('space.private', 'k', text('x'))
  assert.deepEqual(report, { sent: 0, skipped: [] })
  await b!.bus.publish('space.private', 'k', text('x'))
  await b!.bus.publish('space.open', 'k', text('x'))
  await room.pass(100)
  assert.equal(heard, 2)
  assert.equal(a!.bus.status().figures?.droppedTopic, 1)
})
