import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { delay, VirtualClock, withDeadline } from '../../../src/base/index.ts'

suite('a deadline', () => {
  test('lets a result and a failure through', async () => {
    const clock = new VirtualClock()
    const options = { clock, timeoutMs: 10, what: 'it' }
    assert.equal(await withDeadline(Promise.resolve(1), options), 1)
    await assert.rejects(withDeadline(Promise.reject(new Error('no')), options), /no/)
    assert.equal(clock.pendingTimers, 0)
  })

  test('says what took too long', async () => {
    const clock = new VirtualClock()
    const work = Promise.withResolvers<number>()
    const waiting = withDeadline(work.promise, { clock, timeoutMs: 10, what: 'the answer' })
    clock.advance(10)
    await assert.rejects(waiting, { code: 'ERR_TIMEOUT', message: 'the answer took longer than 10 ms' })
    work.reject(new Error('nobody listens any more'))
    await Promise.resolve()
  })

  test('ends with the signal', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const work = Promise.withResolvers<number>()
    const waiting = withDeadline(work.promise, { clock, timeoutMs: 10, what: 'it', signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    assert.equal(clock.pendingTimers, 0)
  })

  test('a signal aborted before does not leave the failure of the work unhandled', async () => {
    const options = {
      clock: new VirtualClock(),
      timeoutMs: 10,
      what: 'it',
      signal: AbortSignal.abort(new Error('enough')),
    }
    await assert.rejects(withDeadline(Promise.reject(new Error('lost')), options), /enough/)
  })
})

suite('a delay', () => {
  test('lasts as long as it says', async () => {
    const clock = new VirtualClock()
    let over = false
    const waiting = delay(clock, 10).then(() => {
      over = true
    })
    clock.advance(9)
    await Promise.resolve()
    assert.equal(over, false)
    clock.advance(1)
    await waiting
  })

  test('ends with the signal and cancels its timer', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const waiting = delay(clock, 10, abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    assert.equal(clock.pendingTimers, 0)
    await assert.rejects(delay(clock, 10, abort.signal), /enough/)
  })
})
