import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../../../src/base/index.ts'

test('timers fire in the order of their time, then of their creation, and exactly those that are due', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ delay: fc.integer({ min: -2, max: 20 }), cancel: fc.boolean() }), { maxLength: 30 }),
      fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 10 }),
      (timers, advances) => {
        const clock = new VirtualClock()
        const fired: number[] = []
        const handles = timers.map(({ delay }, index) => clock.setTimer(delay, () => fired.push(index)))
        timers.forEach(({ cancel }, index) => {
          if (cancel) handles[index]?.cancel()
        })
        for (const ms of advances) clock.advance(ms)
        const end = advances.reduce((sum, ms) => sum + ms, 0)
        const due = timers
          .map(({ delay, cancel }, index) => ({ index, at: Math.max(0, delay), cancel }))
          .filter(({ at, cancel }) => !cancel && advances.length > 0 && at <= end)
          .sort((a, b) => a.at - b.at || a.index - b.index)
          .map(({ index }) => index)
        assert.deepEqual(fired, due)
        assert.equal(clock.pendingTimers, timers.filter(({ cancel }) => !cancel).length - due.length)
      },
    ),
  )
})
