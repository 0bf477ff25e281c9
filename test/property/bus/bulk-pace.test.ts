import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstPace, nextPace } from '../../../src/bus/bulk-pace.ts'
import { BULK_WINDOW_FIRST_BYTES, BULK_WINDOW_MIN_BYTES } from '../../../src/bus/limits.ts'

test('whatever is measured, the window stays between the smallest and what the peer allows, and moves in small steps', () => {
  const sample = fc.record({
    rttMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
    afterMs: fc.nat(60_000),
    takenBytes: fc.nat(100 * 2 ** 20),
    waited: fc.boolean(),
  })
  const maxBytes = fc.integer({ min: 1, max: 8 * 2 ** 20 })
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 100 }), maxBytes, (samples, most) => {
      let pace = firstPace()
      let now = 0
      for (const { rttMs, afterMs, takenBytes, waited } of samples) {
        now += afterMs
        const next = nextPace(pace, { rttMs, now, takenBytes, waited, maxBytes: most })
        assert.ok(Number.isSafeInteger(next.windowBytes))
        assert.ok(next.windowBytes <= most)
        assert.ok(next.windowBytes >= Math.min(BULK_WINDOW_MIN_BYTES, most))
        assert.ok(next.windowBytes <= Math.max(next.learnedBytes, BULK_WINDOW_MIN_BYTES))
        assert.ok(next.learnedBytes <= Math.max(pace.learnedBytes * 1.13, BULK_WINDOW_FIRST_BYTES))
        pace = next
      }
    }),
  )
})
