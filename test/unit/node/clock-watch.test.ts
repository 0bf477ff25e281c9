import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/base/index.ts'
import { ClockWatch } from '../../../src/node/clock-watch.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'

const DAY_MS = 24 * 3_600_000

async function watched(half: DurableHalf, clock: VirtualClock): Promise<ClockWatch> {
  const watch = new ClockWatch({ journal: half.journal, clock, self: half.identity.device.peer })
  await watch.start()
  return watch
}

test('own records from the future are reported, with what to do, until their time has come', async () => {
  const clock = new VirtualClock()
  using half = durableHalf({ name: 'ada', seed: 1, clock })
  await using watch = await watched(half, clock)
  const write = (): Promise<unknown> => half.spaces.create({ name: 'lab', personal: false })
  await write()
  assert.equal(watch.status().state, 'ok')

  clock.jumpWall(DAY_MS)
  await write()
  assert.equal(watch.status().state, 'ok', 'nothing here says that the clock is wrong')
  clock.jumpWall(-DAY_MS)
  const { state, reason, fix, since, figures } = watch.status()
  assert.equal(state, 'degraded')
  assert.match(reason ?? '', /dated up to 20\d\d-.*set aside/)
  assert.ok(fix !== undefined)
  assert.equal(since, clock.now())
  assert.equal(figures?.aheadMs, DAY_MS)
  await write()
  assert.equal(watch.status().state, 'degraded', 'what is written now is dated later still')

  clock.advance(DAY_MS)
  assert.equal(watch.status().state, 'ok')
})

test('they are found again after a restart', async () => {
  const clock = new VirtualClock()
  using half = durableHalf({ name: 'ada', seed: 1, clock })
  await half.spaces.create({ name: 'lab', personal: false })
  clock.jumpWall(-DAY_MS)
  await using watch = await watched(half, clock)
  assert.equal(watch.status().state, 'degraded')
})

test('a clock that differs by less than others allow is no matter', async () => {
  const clock = new VirtualClock()
  using half = durableHalf({ name: 'ada', seed: 1, clock })
  await half.spaces.create({ name: 'lab', personal: false })
  clock.jumpWall(-4 * 60_000)
  await using watch = await watched(half, clock)
  assert.equal(watch.status().state, 'ok')
})
