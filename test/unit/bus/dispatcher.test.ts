import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { counters } from '../../../src/bus/counters.ts'
import { Delivery, Dispatcher, type Payer } from '../../../src/bus/dispatcher.ts'
import type { Priority } from '../../../src/bus/index.ts'

/** Handlers cost `costMs` each, except the critical; the clock stands still otherwise. */
function subject(costMs = 0) {
  const clock = new VirtualClock()
  const counted = counters()
  const dispatcher = new Dispatcher({ clock, log: silentLogger(), counters: counted })
  const order: string[] = []
  const post = (priority: Priority, name: string = priority): void => {
    dispatcher.post(
      new Delivery(priority, () => {
        order.push(name)
        if (costMs > 0 && priority !== 'critical') clock.advance(costMs)
        return undefined
      }),
    )
  }
  return { clock, counted, dispatcher, order, post }
}

/** Lets microtasks run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what arrived in one turn is handled by urgency', async () => {
  const { order, post } = subject()
  for (const priority of ['low', 'normal', 'high', 'critical'] as const) post(priority)
  assert.deepEqual(order, [])
  await turn()
  assert.deepEqual(order, ['critical', 'high', 'normal', 'low'])
})

test('within one priority order is kept', async () => {
  const { order, post } = subject()
  for (let n = 0; n < 100; n++) post('normal', `${n}`)
  await turn()
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, n) => `${n}`),
  )
})

test('nobody starves: of every 29, 16 are critical, 8 high, 4 normal and 1 low', async () => {
  const { order, post } = subject()
  for (const priority of ['low', 'normal', 'high', 'critical'] as const) for (let n = 0; n < 58; n++) post(priority)
  await turn()
  for (const from of [0, 29]) {
    const share = order.slice(from, from + 29)
    const counts = ['critical', 'high', 'normal', 'low'].map((one) => share.filter((name) => name === one).length)
    assert.deepEqual(counts, [16, 8, 4, 1])
  }
  assert.equal(order.length, 4 * 58)
})

test('after half a millisecond of handlers, looked at every second, the event loop has a turn, and what is critical does not wait for the next', async () => {
  const { clock, order, post } = subject(1)
  for (let n = 0; n < 100; n++) post('low')
  await turn()
  assert.equal(order.length, 2)
  post('critical')
  post('high')
  await turn()
  assert.equal(order.length, 3)
  assert.equal(order.at(-1), 'critical')
  clock.advance(0)
  await turn()
  assert.equal(order.indexOf('high'), 3)
  assert.equal(order.length, 5)
})

test('a handler that throws is counted, its lane is paid, and the others run', async () => {
  const { counted, dispatcher, order, post } = subject()
  const paid: number[] = []
  const payer: Payer = { dealt: (bytes) => paid.push(bytes) }
  const bad = new Delivery('critical', () => {
    throw new Error('mine')
  })
  bad.payer = payer
  bad.bytes = 7
  dispatcher.post(bad)
  post('low')
  await turn()
  assert.deepEqual(order, ['low'])
  assert.deepEqual(paid, [7])
  assert.equal(counted.handlerFailures, 1)
})

test('what waits when the bus stops is dropped', async () => {
  const { clock, dispatcher, order, post } = subject(10)
  for (let n = 0; n < 20; n++) post('normal')
  await turn()
  const before = order.length
  dispatcher.stop()
  clock.advance(100)
  await turn()
  assert.equal(order.length, before)
  assert.equal(clock.pendingTimers, 0)
})
