import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedQueue, OVERFLOW_POLICIES, type OverflowPolicy } from '../../../src/base/index.ts'

/** What the documentation says, written as plainly as it can be. */
function model(policy: OverflowPolicy, capacity: number, steps: readonly ('push' | 'shift')[]) {
  const queue: number[] = []
  const blocked: number[] = []
  const delivered: number[] = []
  let dropped = 0
  let ended = false
  let next = 0
  for (const step of steps) {
    if (step === 'push') {
      const item = next++
      if (ended) continue
      if (queue.length < capacity) queue.push(item)
      else if (policy === 'block') blocked.push(item)
      else {
        dropped++
        if (policy === 'drop-oldest') queue.push(item)
        if (policy === 'drop-oldest') queue.shift()
        if (policy === 'disconnect') ended = true
      }
    } else if (queue.length > 0) {
      delivered.push(queue.shift() as number)
      if (blocked.length > 0) queue.push(blocked.shift() as number)
    }
  }
  return { delivered: [...delivered, ...queue, ...blocked], dropped }
}

test('delivers in order exactly what the policy lets through, and never holds more than its capacity', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...OVERFLOW_POLICIES),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom('push' as const, 'push' as const, 'shift' as const), { maxLength: 40 }),
      async (overflow, capacity, steps) => {
        const queue = new BoundedQueue<number>({ capacity, overflow })
        const delivered: number[] = []
        const pushes: Promise<boolean>[] = []
        let next = 0
        for (const step of steps) {
          if (step === 'push') pushes.push(queue.push(next++))
          else if (queue.size > 0) delivered.push((await queue.shift()) as number)
          assert.ok(queue.size <= capacity)
        }
        while (queue.size > 0) delivered.push((await queue.shift()) as number)
        queue.end()
        await Promise.all(pushes)
        assert.deepEqual({ delivered, dropped: queue.dropped }, model(overflow, capacity, steps))
      },
    ),
  )
})
