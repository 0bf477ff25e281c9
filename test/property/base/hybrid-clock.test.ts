import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HLC_MAX_AHEAD_MS, HLC_STEPS_PER_MS, HybridClock, hlcToMs, VirtualClock } from '../../../src/base/index.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('tick' as const) }),
  fc.record({ do: fc.constant('jump' as const), by: fc.integer({ min: -10_000, max: 10_000 }) }),
  fc.record({
    do: fc.constant('observe' as const),
    hlc: fc.oneof(
      fc.maxSafeInteger(),
      fc.double(),
      fc.integer({ min: -1e9, max: 1e9 }).map((offset) => (1_700_000_000_000 + offset) * HLC_STEPS_PER_MS),
    ),
  }),
)

test('each timestamp is a greater whole number, whatever the wall clock and others do', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock()
      const hybrid = new HybridClock(clock)
      let last = hybrid.tick()
      for (const each of steps) {
        if (each.do === 'jump') clock.jumpWall(each.by)
        if (each.do === 'observe') hybrid.observe(each.hlc)
        if (each.do === 'tick') {
          const next = hybrid.tick()
          assert.ok(Number.isSafeInteger(next) && next > last)
          last = next
        }
      }
    }),
  )
})

test('is greater than any timestamp observed, and is not led astray by one too far ahead', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2 * HLC_MAX_AHEAD_MS, max: 2 * HLC_MAX_AHEAD_MS }), (aheadMs) => {
      const clock = new VirtualClock()
      const hybrid = new HybridClock(clock)
      const other = (clock.now() + aheadMs) * HLC_STEPS_PER_MS
      hybrid.observe(other)
      const tick = hybrid.tick()
      if (aheadMs > HLC_MAX_AHEAD_MS) assert.equal(hlcToMs(tick), clock.now())
      else assert.ok(tick > other)
      assert.equal(hybrid.isTooFarAhead(other), aheadMs > HLC_MAX_AHEAD_MS)
      assert.equal(hybrid.isTooFarAhead(tick), false)
    }),
  )
})

test('goes on from where it was left', () => {
  const clock = new VirtualClock()
  const before = new HybridClock(clock).tick()
  clock.jumpWall(-60_000)
  assert.equal(new HybridClock(clock, before).tick(), before + 1)
})
