import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BoundedQueue, type OverflowPolicy } from '../../../src/base/index.ts'

function queueOf(overflow: OverflowPolicy, capacity = 2): BoundedQueue<number> {
  return new BoundedQueue<number>({ capacity, overflow })
}

/** What the consumer gets until the end. */
async function rest(queue: BoundedQueue<number>): Promise<readonly number[]> {
  const items: number[] = []
  for (let item = await queue.shift(); item !== undefined; item = await queue.shift()) items.push(item)
  return items
}

suite('overflow', () => {
  test('drop-oldest keeps the newest', async () => {
    const queue = queueOf('drop-oldest')
    for (const item of [1, 2, 3]) assert.equal(await queue.push(item), true)
    queue.end()
    assert.equal(queue.dropped, 1)
    assert.deepEqual(await rest(queue), [2, 3])
  })

  test('drop-newest keeps the oldest', async () => {
    const queue = queueOf('drop-newest')
    assert.deepEqual(await Promise.all([1, 2, 3].map((item) => queue.push(item))), [true, true, false])
    queue.end()
    assert.equal(queue.dropped, 1)
    assert.deepEqual(await rest(queue), [1, 2])
  })

  test('disconnect ends the queue after what it holds', async () => {
    const queue = queueOf('disconnect')
    assert.deepEqual(await Promise.all([1, 2, 3].map((item) => queue.push(item))), [true, true, false])
    assert.equal(queue.ended, true)
    assert.equal(await queue.shift(), 1)
    assert.equal(await queue.shift(), 2)
    await assert.rejects(queue.shift(), { code: 'ERR_OVERFLOW' })
  })

  test('block holds producers back in their order', async () => {
    const queue = queueOf('block', 1)
    const taken: number[] = []
    const pushes = [1, 2, 3].map(async (item) => {
      if (await queue.push(item)) taken.push(item)
    })
    assert.equal(queue.offer(4), false)
    assert.equal(await queue.shift(), 1)
    const late = queue.push(5)
    assert.equal(await queue.shift(), 2)
    assert.equal(await queue.shift(), 3)
    assert.equal(await queue.shift(), 5)
    await Promise.all([...pushes, late])
    assert.deepEqual(taken, [1, 2, 3])
    assert.equal(queue.dropped, 0)
  })

  test('needs room for one', () => {
    assert.throws(() => queueOf('block', 0), { code: 'ERR_INVALID_ARGUMENT' })
    assert.throws(() => queueOf('block', Number.NaN), { code: 'ERR_INVALID_ARGUMENT' })
  })
})

suite('end', () => {
  test('refuses pushes, those that wait as well', async () => {
    const queue = queueOf('block', 1)
    await queue.push(1)
    const waiting = queue.push(2)
    queue.end()
    assert.equal(await waiting, false)
    assert.equal(await queue.push(3), false)
    assert.deepEqual(await rest(queue), [1])
  })

  test('wakes the consumer', async () => {
    const queue = queueOf('block')
    const next = queue.shift()
    queue.end()
    assert.equal(await next, undefined)
  })

  test('hands its failure to the consumer, each time', async () => {
    const queue = queueOf('block')
    queue.end(new Error('gone'))
    queue.end(new Error('again'))
    await assert.rejects(queue.shift(), /gone/)
    await assert.rejects(queue.shift(), /gone/)
  })

  test('disposing forgets what is queued', async () => {
    const queue = queueOf('block')
    await queue.push(1)
    queue[Symbol.dispose]()
    assert.equal(await queue.shift(), undefined)
  })
})

suite('waiting', () => {
  test('the consumer gets what comes later', async () => {
    const queue = queueOf('block')
    const next = queue.shift()
    queue.offer(7)
    assert.equal(await next, 7)
  })

  test('there is one consumer', async () => {
    const queue = queueOf('block')
    const next = queue.shift()
    await assert.rejects(queue.shift(), { code: 'ERR_LIFECYCLE' })
    queue.offer(1)
    assert.equal(await next, 1)
  })

  test('a signal ends the wait of a consumer, and nothing is lost', async () => {
    const queue = queueOf('block')
    const abort = new AbortController()
    const next = queue.shift({ signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(next, /enough/)
    await assert.rejects(queue.shift({ signal: abort.signal }), /enough/)
    queue.offer(1)
    assert.equal(await queue.shift(), 1)
  })

  test('a signal takes a waiting push back', async () => {
    const queue = queueOf('block', 1)
    await queue.push(1)
    const abort = new AbortController()
    const second = queue.push(2, { signal: abort.signal })
    const third = queue.push(3)
    abort.abort(new Error('enough'))
    await assert.rejects(second, /enough/)
    assert.equal(await queue.shift(), 1)
    assert.equal(await third, true)
    assert.equal(await queue.shift(), 3)
    await assert.rejects(queue.push(4, { signal: abort.signal }), /enough/)
    assert.equal(queue.size, 0)
  })

  test('a signal that comes after the push was taken changes nothing', async () => {
    const queue = queueOf('block', 1)
    await queue.push(1)
    const abort = new AbortController()
    const second = queue.push(2, { signal: abort.signal })
    assert.equal(await queue.shift(), 1)
    abort.abort(new Error('too late'))
    assert.equal(await second, true)
    assert.equal(await queue.shift(), 2)
  })

  test('leaving the loop ends the queue and frees its producers', async () => {
    const queue = queueOf('block', 1)
    await queue.push(1)
    const waiting = queue.push(2)
    for await (const item of queue) {
      assert.equal(item, 1)
      break
    }
    await waiting
    assert.equal(queue.ended, true)
    assert.equal(queue.size, 0)
  })

  test('falsy items are items', async () => {
    const queue = new BoundedQueue<number | string | boolean | null>({ capacity: 4, overflow: 'block' })
    for (const item of [0, '', false, null]) queue.offer(item)
    queue.end()
    const items: unknown[] = []
    for await (const item of queue) items.push(item)
    assert.deepEqual(items, [0, '', false, null])
  })
})
