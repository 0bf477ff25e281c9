import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Events, type Logger, silentLogger } from '../../../src/base/index.ts'

interface Facts {
  'thing:made': { readonly name: string }
  'thing:lost': number
}

function recordingLogger(): Logger & { readonly errors: object[] } {
  const errors: object[] = []
  return { ...silentLogger(), error: (fields) => void errors.push(fields), errors }
}

suite('events', () => {
  test('reach the listeners of their name until these are disposed', () => {
    const events = new Events<Facts>(silentLogger())
    const heard: string[] = []
    const subscription = events.on('thing:made', ({ name }) => heard.push(name))
    events.on('thing:lost', () => heard.push('lost'))
    events.emit('thing:made', { name: 'a' })
    subscription[Symbol.dispose]()
    subscription[Symbol.dispose]()
    events.emit('thing:made', { name: 'b' })
    assert.deepEqual(heard, ['a'])
  })

  test('a listener that throws is logged and hurts nobody', async () => {
    const log = recordingLogger()
    const events = new Events<Facts>(log)
    const heard: number[] = []
    const failsLater = async (): Promise<void> => {
      throw new Error('later')
    }
    events.on('thing:lost', () => {
      throw new Error('broken')
    })
    events.on('thing:lost', failsLater as () => void)
    events.on('thing:lost', (count) => heard.push(count))
    events.emit('thing:lost', 3)
    assert.deepEqual(heard, [3])
    await Promise.resolve()
    assert.deepEqual(log.errors, [
      { event: 'thing:lost', reason: 'broken' },
      { event: 'thing:lost', reason: 'later' },
    ])
  })

  test('a listener may be added twice; each removal removes one', () => {
    const events = new Events<Facts>(silentLogger())
    let calls = 0
    const listener = (): void => void calls++
    const first = events.on('thing:lost', listener)
    events.on('thing:lost', listener)
    first[Symbol.dispose]()
    events.emit('thing:lost', 1)
    assert.equal(calls, 1)
  })

  test('who is removed or added while an event goes round does not hear it', () => {
    const events = new Events<Facts>(silentLogger())
    const heard: string[] = []
    events.on('thing:lost', () => {
      second[Symbol.dispose]()
      events.on('thing:lost', () => heard.push('third'))
    })
    const second = events.on('thing:lost', () => heard.push('second'))
    events.emit('thing:lost', 1)
    assert.deepEqual(heard, [])
  })
})

suite('the next event', () => {
  test('is the first that matches', async () => {
    const events = new Events<Facts>(silentLogger())
    const next = events.next('thing:lost', { signal: new AbortController().signal, matches: (count) => count > 1 })
    events.emit('thing:lost', 1)
    events.emit('thing:lost', 2)
    events.emit('thing:lost', 3)
    assert.equal(await next, 2)
  })

  test('is no longer waited for once the signal aborts', async () => {
    const events = new Events<Facts>(silentLogger())
    const abort = new AbortController()
    const next = events.next('thing:lost', { signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(next, /enough/)
    await assert.rejects(events.next('thing:lost', { signal: abort.signal }), /enough/)
  })
})

test('a watcher gets every event with its name, after the listeners, and hurts nobody when it throws', () => {
  const events = new Events<{ 'a:b': number; 'c:d': string }>(silentLogger())
  const seen: unknown[] = []
  const watching = events.onAny((name, detail) => {
    seen.push([name, detail])
    if (detail === 'x') throw new Error('bad watcher')
  })
  events.on('a:b', (n) => seen.push(n))
  events.emit('a:b', 1)
  events.emit('c:d', 'x')
  watching[Symbol.dispose]()
  events.emit('a:b', 2)
  assert.deepEqual(seen, [1, ['a:b', 1], ['c:d', 'x'], 2])
})
