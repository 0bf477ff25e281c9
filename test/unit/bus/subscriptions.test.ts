import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { counters } from '../../../src/bus/counters.ts'
import type { Message } from '../../../src/bus/index.ts'
import { Subscriptions } from '../../../src/bus/subscriptions.ts'

let ids = 0
function message(topic: string, kind = 'k'): Message {
  const id = (ids++).toString(16).padStart(32, '0')
  return {
    kind,
    topic,
    id,
    from: 'p' as PeerId,
    priority: 'normal',
    hlc: 1,
    ttlMs: 1000,
    trace: '',
    body: new Uint8Array(0),
  }
}

function subject(): { subscriptions: Subscriptions; clock: VirtualClock } {
  const clock = new VirtualClock()
  return { subscriptions: new Subscriptions({ clock, log: silentLogger(), counters: counters() }), clock }
}

test('handlers get what matches pattern, kind and filter', () => {
  const { subscriptions } = subject()
  const seen: string[] = []
  const options = { kinds: ['k'], filter: (one: Message) => one.topic !== 'a.skip' }
  const subscription = subscriptions.add('a.*', options, (one) => void seen.push(one.topic))
  for (const topic of ['a.x', 'b.x', 'a.skip', 'a.y']) void subscriptions.deliver(message(topic))
  void subscriptions.deliver(message('a.z', 'other'))
  assert.deepEqual(seen, ['a.x', 'a.y'])
  assert.equal(subscription.delivered, 2)
  subscription[Symbol.dispose]()
  void subscriptions.deliver(message('a.x'))
  assert.equal(seen.length, 2)
  assert.equal(subscriptions.wants('a.x'), false)
})

test('a handler or filter that throws hurts only itself', () => {
  const { subscriptions } = subject()
  let seen = 0
  const broken = subscriptions.add('**', {}, () => {
    throw new Error('broken')
  })
  const badFilter = subscriptions.add('**', { filter: () => assert.fail('no') }, () => undefined)
  subscriptions.add('**', {}, () => void seen++)
  void subscriptions.deliver(message('a'))
  assert.deepEqual([seen, broken.failed, badFilter.failed, badFilter.delivered], [1, 1, 1, 0])
})

test('a slow handler gets one message at a time and loses the oldest of those that wait', async () => {
  const { subscriptions } = subject()
  const seen: string[] = []
  const gates: (() => void)[] = []
  const subscription = subscriptions.add('**', { capacity: 2 }, async ({ topic }) => {
    seen.push(topic)
    await new Promise<void>((resolve) => gates.push(resolve))
  })
  for (const topic of ['a', 'b', 'c', 'd']) void subscriptions.deliver(message(topic))
  assert.deepEqual(seen, ['a'])
  for (let n = 0; n < 2; n++) {
    gates.shift()?.()
    await Promise.resolve()
    await Promise.resolve()
  }
  assert.deepEqual(seen, ['a', 'c', 'd'])
  assert.equal(subscription.dropped, 1)
})

test('tells how many there are and how much waits in them', () => {
  const { subscriptions } = subject()
  subscriptions.add('a', {}, () => new Promise(() => undefined))
  const iterated = subscriptions.add('a', {}, undefined)
  for (let n = 0; n < 3; n++) void subscriptions.deliver(message('a'))
  assert.deepEqual(subscriptions.figures, { subscriptions: 2, subscriptionsQueued: 5 })
  iterated[Symbol.dispose]()
  assert.deepEqual(subscriptions.figures, { subscriptions: 1, subscriptionsQueued: 2 })
})

test('a handler that publishes to itself runs after it returned', () => {
  const { subscriptions } = subject()
  const order: string[] = []
  subscriptions.add('**', {}, ({ topic }) => {
    order.push(`in ${topic}`)
    if (topic === 'a') void subscriptions.deliver(message('b'))
    order.push(`out ${topic}`)
  })
  void subscriptions.deliver(message('a'))
  assert.deepEqual(order, ['in a', 'out a', 'in b', 'out b'])
})

test('an iterator yields in order and ends when disposed', async () => {
  const { subscriptions } = subject()
  const subscription = subscriptions.add('**', {}, undefined)
  const seen: string[] = []
  const reading = (async () => {
    for await (const { topic } of subscription) seen.push(topic)
  })()
  void subscriptions.deliver(message('a'))
  void subscriptions.deliver(message('b'))
  await new Promise(setImmediate)
  subscriptions.close()
  await reading
  assert.deepEqual(seen, ['a', 'b'])
})

test('drop-newest keeps what it has', async () => {
  const { subscriptions } = subject()
  const subscription = subscriptions.add('**', { capacity: 1, overflow: 'drop-newest' }, undefined)
  for (const topic of ['a', 'b']) void subscriptions.deliver(message(topic))
  const first = await subscription[Symbol.asyncIterator]().next()
  assert.equal(first.value?.topic, 'a')
  assert.equal(subscription.dropped, 1)
})

test('disconnect delivers what it has and then fails', async () => {
  const { subscriptions } = subject()
  const subscription = subscriptions.add('**', { capacity: 1, overflow: 'disconnect' }, undefined)
  for (const topic of ['a', 'b', 'c']) void subscriptions.deliver(message(topic))
  const iterator = subscription[Symbol.asyncIterator]()
  assert.equal((await iterator.next()).value?.topic, 'a')
  await assert.rejects(iterator.next(), { code: 'ERR_OVERFLOW' })
  assert.equal(subscriptions.wants('a'), false)
})

test('block makes the sender wait for room, and not for ever', async () => {
  const { subscriptions, clock } = subject()
  const subscription = subscriptions.add('**', { capacity: 1, overflow: 'block' }, undefined)
  assert.equal(subscriptions.deliver(message('a')), undefined)
  const second = subscriptions.deliver(message('b'))
  const third = subscriptions.deliver(message('c'))
  assert.notEqual(second, undefined)
  const iterator = subscription[Symbol.asyncIterator]()
  assert.equal((await iterator.next()).value?.topic, 'a')
  await second
  clock.advance(1000)
  subscriptions.expire()
  await third
  assert.equal(subscription.dropped, 1)
  assert.equal((await iterator.next()).value?.topic, 'b')
})

test('a handler that rejects is counted, and goes on with the next message', async () => {
  const { subscriptions } = subject()
  const seen: string[] = []
  const subscription = subscriptions.add('**', {}, async ({ topic }) => {
    seen.push(topic)
    throw new Error('broken')
  })
  for (const topic of ['a', 'b']) void subscriptions.deliver(message(topic))
  await new Promise(setImmediate)
  assert.deepEqual([seen, subscription.failed, subscription.delivered], [['a', 'b'], 2, 2])
})

test('a handler that never settles costs others nothing, and loses only its own messages', async () => {
  const { subscriptions } = subject()
  const stuck = subscriptions.add('**', { capacity: 3 }, () => new Promise(() => undefined))
  const cutOff = subscriptions.add('**', { capacity: 3, overflow: 'disconnect' }, () => new Promise(() => undefined))
  let seen = 0
  subscriptions.add('**', {}, () => void seen++)
  for (let n = 0; n < 10; n++) assert.equal(subscriptions.deliver(message('a')), undefined, 'nobody waits')
  assert.deepEqual([seen, stuck.delivered, stuck.dropped], [10, 1, 6])
  assert.deepEqual([cutOff.delivered, cutOff.failed], [1, 1], 'it is told once')
})

test('a subscription ends with the block that uses it', () => {
  const { subscriptions } = subject()
  let seen = 0
  {
    using _subscription = subscriptions.add('**', {}, () => void seen++)
    void subscriptions.deliver(message('a'))
  }
  void subscriptions.deliver(message('a'))
  assert.deepEqual([seen, subscriptions.wants('a')], [1, false])
})

test('readers of one subscription share what comes, and all end with it', async () => {
  const { subscriptions } = subject()
  const subscription = subscriptions.add('**', {}, undefined)
  const seen: string[] = []
  const read = async (): Promise<void> => {
    for await (const { topic } of subscription) seen.push(topic)
  }
  const reading = Promise.all([read(), read()])
  await new Promise(setImmediate)
  for (const topic of ['a', 'b', 'c']) void subscriptions.deliver(message(topic))
  await new Promise(setImmediate)
  subscription[Symbol.dispose]()
  await reading
  assert.deepEqual(seen.sort(), ['a', 'b', 'c'])
})
