import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { abortable, whenAborted } from '../../../src/base/index.ts'

const ENOUGH = new Error('enough')

suite('when a signal aborts', () => {
  test('the reason is handed over, once', () => {
    const abort = new AbortController()
    const reasons: unknown[] = []
    using _subscription = whenAborted(abort.signal, (reason) => reasons.push(reason))
    assert.deepEqual(reasons, [])
    abort.abort(ENOUGH)
    assert.deepEqual(reasons, [ENOUGH])
  })

  test('one that has aborted before counts at once', () => {
    const reasons: unknown[] = []
    using _subscription = whenAborted(AbortSignal.abort(ENOUGH), (reason) => reasons.push(reason))
    assert.deepEqual(reasons, [ENOUGH])
  })

  test('nobody is told after the end, nor without a signal', () => {
    const abort = new AbortController()
    const fail = (): void => assert.fail('told')
    whenAborted(abort.signal, fail)[Symbol.dispose]()
    whenAborted(undefined, fail)[Symbol.dispose]()
    abort.abort(ENOUGH)
  })
})

suite('an abortable wait', () => {
  test('lets a result and a failure through', async () => {
    const { signal } = new AbortController()
    assert.equal(await abortable(Promise.resolve(1), signal), 1)
    assert.equal(await abortable(Promise.resolve(1), undefined), 1)
    await assert.rejects(abortable(Promise.reject(new Error('no')), signal), /no/)
  })

  test('ends with the signal, after its owner has tidied up', async () => {
    const abort = new AbortController()
    const work = Promise.withResolvers<void>()
    let tidy = false
    const waiting = abortable(work.promise, abort.signal, () => {
      tidy = true
    })
    abort.abort(ENOUGH)
    await assert.rejects(waiting, /enough/)
    assert.ok(tidy)
    work.reject(new Error('nobody listens any more'))
    await Promise.resolve()
  })

  test('with a signal that has aborted before, the owner tidies up and no failure goes unhandled', async () => {
    let tidy = false
    const waiting = abortable(Promise.reject(new Error('lost')), AbortSignal.abort(ENOUGH), () => {
      tidy = true
    })
    await assert.rejects(waiting, /enough/)
    assert.ok(tidy)
  })
})
