import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { systemClock, VirtualClock } from '../../../src/base/index.ts'

suite('the virtual clock', () => {
  test('stands still until it is moved', () => {
    const clock = new VirtualClock(1000)
    assert.deepEqual([clock.now(), clock.monotonic()], [1000, 0])
    clock.advance(5)
    assert.deepEqual([clock.now(), clock.monotonic()], [1005, 5])
  })

  test('shows each timer the time it was set for', () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    clock.setTimer(20, () => seen.push(clock.now()))
    clock.setTimer(10, () => seen.push(clock.now()))
    assert.equal(clock.untilNextTimer, 10)
    clock.advance(15)
    assert.equal(clock.untilNextTimer, 5)
    clock.advance(15)
    assert.deepEqual(seen, [10, 20])
    assert.equal(clock.untilNextTimer, undefined)
  })

  test('fires what timers set on the way, if it falls due', () => {
    const clock = new VirtualClock(0)
    const seen: string[] = []
    clock.setTimer(10, () => {
      clock.setTimer(5, () => seen.push('due'))
      clock.setTimer(50, () => seen.push('not due'))
    })
    clock.advance(20)
    assert.deepEqual(seen, ['due'])
    assert.equal(clock.pendingTimers, 1)
  })

  test('a cancelled or disposed timer stays silent', () => {
    const clock = new VirtualClock()
    const fail = (): void => assert.fail('fired')
    clock.setTimer(1, fail).cancel()
    {
      using _timer = clock.setTimer(1, fail)
    }
    const third = clock.setTimer(2, fail)
    clock.setTimer(1, () => third.cancel())
    clock.advance(10)
    assert.equal(clock.pendingTimers, 0)
  })

  test('time never goes back, the wall clock may', () => {
    const clock = new VirtualClock(1000)
    assert.throws(() => clock.advance(-1), { code: 'ERR_INVALID_ARGUMENT' })
    assert.throws(() => clock.advance(Number.NaN), { code: 'ERR_INVALID_ARGUMENT' })
    clock.jumpWall(-500)
    assert.deepEqual([clock.now(), clock.monotonic()], [500, 0])
  })
})

suite('the system clock', () => {
  test('runs a timer once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    // The timer itself does not keep the process alive.
    const keepAlive = setInterval(() => undefined, 1000)
    systemClock().setTimer(1, resolve)
    await promise
    clearInterval(keepAlive)
  })

  test('a timer further away than the platform can count does not fire at once', async () => {
    const clock = systemClock()
    let fired = false
    const far = [2 ** 31, 1e15].map((delayMs) => clock.setTimer(delayMs, () => (fired = true)))
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 5) // a wrong timer would have fired after 1 ms
    await promise
    for (const timer of far) timer.cancel()
    assert.equal(fired, false)
  })
})
