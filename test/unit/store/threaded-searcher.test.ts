import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/base/index.ts'
import {
  SEARCH_QUEUE_MAX,
  SEARCH_TIMEOUT_MS,
  type SearchThread,
  StoreError,
  type TextAnswer,
  type TextQuery,
  ThreadedSearcher,
} from '../../../src/store/index.ts'

const ANSWER: TextAnswer = { hits: [], documents: 0, frequencies: {}, complete: true }

function query(text: string): TextQuery {
  return { index: 'fts', weights: [1], text, limit: 10 }
}

/** A thread that answers when it is told to. */
class ScriptedThread implements SearchThread {
  readonly asked: string[] = []
  isDead = false
  isEnded = false
  #current: PromiseWithResolvers<TextAnswer> | undefined

  search({ text }: TextQuery): Promise<TextAnswer> {
    assert.equal(this.#current, undefined, 'one at a time')
    this.asked.push(text)
    this.#current = Promise.withResolvers()
    return this.#current.promise
  }

  answer(): void {
    const current = this.#current
    this.#current = undefined
    current?.resolve(ANSWER)
  }

  async end(): Promise<void> {
    this.isEnded = true
    this.kill()
  }

  kill(): void {
    this.isDead = true
    this.#current?.reject(new StoreError('ERR_SEARCH_FAILED', 'killed'))
    this.#current = undefined
  }
}

function setUp(): { clock: VirtualClock; threads: ScriptedThread[]; searcher: ThreadedSearcher } {
  const clock = new VirtualClock()
  const threads: ScriptedThread[] = []
  const startThread = (): SearchThread => {
    const thread = new ScriptedThread()
    threads.push(thread)
    return thread
  }
  return { clock, threads, searcher: new ThreadedSearcher({ startThread }, { clock }) }
}

/** Lets everything happen that waits for nothing else. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('searches run one after the other, in their order', async () => {
  const { threads, searcher } = setUp()
  const both = Promise.all([searcher.search(query('a')), searcher.search(query('b'))])
  assert.deepEqual(threads[0]?.asked, ['a'])
  threads[0]?.answer()
  await settled()
  assert.deepEqual(threads[0]?.asked, ['a', 'b'])
  threads[0]?.answer()
  assert.deepEqual(await both, [ANSWER, ANSWER])
  assert.equal(threads.length, 1)
})

test('more than the queue holds are refused, and those in it are answered', async () => {
  const { threads, searcher } = setUp()
  const taken = Array.from({ length: SEARCH_QUEUE_MAX + 1 }, (_, n) => searcher.search(query(`${n}`)))
  for (let n = 0; n < 10 * SEARCH_QUEUE_MAX; n++) {
    await assert.rejects(searcher.search(query('more')), { code: 'ERR_SEARCH_OVERLOADED' })
  }
  assert.equal(searcher.figures().searchesRefused, 10 * SEARCH_QUEUE_MAX)
  for (let n = 0; n <= SEARCH_QUEUE_MAX; n++) {
    threads[0]?.answer()
    await settled()
  }
  assert.equal((await Promise.all(taken)).length, SEARCH_QUEUE_MAX + 1)
})

test('one that is not wanted any more is not begun', async () => {
  const { threads, searcher } = setUp()
  const first = searcher.search(query('first'))
  const abort = new AbortController()
  const unwanted = searcher.search(query('unwanted'), abort.signal)
  const last = searcher.search(query('last'))
  abort.abort(new Error('enough'))
  await assert.rejects(unwanted, /enough/)
  threads[0]?.answer()
  await first
  await settled()
  assert.deepEqual(threads[0]?.asked, ['first', 'last'])
  threads[0]?.answer()
  await last
})

test('one that was given up in the midst of it holds up the next until the thread answers or its time is over', async () => {
  const { clock, threads, searcher } = setUp()
  const abort = new AbortController()
  const unwanted = searcher.search(query('unwanted'), abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(unwanted, /enough/)
  clock.advance(SEARCH_TIMEOUT_MS - 1)
  const next = searcher.search(query('next'))
  assert.equal(threads.length, 1)
  clock.advance(1)
  await settled()
  assert.equal(threads.length, 2)
  threads[1]?.answer()
  await next
})

test('a search that takes too long is told so, and a new thread takes its place', async () => {
  const { clock, threads, searcher } = setUp()
  const slow = searcher.search(query('slow'))
  clock.advance(SEARCH_TIMEOUT_MS)
  await assert.rejects(slow, { code: 'ERR_SEARCH_TIMEOUT' })
  await settled()
  assert.equal(threads[0]?.isDead, true)
  const next = searcher.search(query('next'))
  threads[1]?.answer()
  await next
  assert.equal(searcher.figures().searchThreads, 2)
})

test('when the thread dies its search fails, and the next one has a new thread', async () => {
  const { threads, searcher } = setUp()
  const [lost, waiting] = [searcher.search(query('lost')), searcher.search(query('waiting'))]
  threads[0]?.kill()
  await assert.rejects(lost, { code: 'ERR_SEARCH_FAILED' })
  await settled()
  threads[1]?.answer()
  await waiting
})

test('a thread that cannot be started is the failure of a search, not of the searcher', async () => {
  let fails = true
  const thread = new ScriptedThread()
  const startThread = (): SearchThread => {
    if (fails) throw new Error('no threads left')
    return thread
  }
  const searcher = new ThreadedSearcher({ startThread }, { clock: new VirtualClock() })
  await assert.rejects(searcher.search(query('a')), /no threads left/)
  fails = false
  const next = searcher.search(query('b'))
  thread.answer()
  await next
})

test('ending rejects what waits and ends the thread; nothing is taken afterwards', async () => {
  const { threads, searcher } = setUp()
  const open = [searcher.search(query('a')), searcher.search(query('b'))].map((each) =>
    assert.rejects(each, (error: StoreError) => ['ERR_STORE_CLOSED', 'ERR_SEARCH_FAILED'].includes(error.code)),
  )
  await searcher[Symbol.asyncDispose]()
  await Promise.all(open)
  assert.equal(threads[0]?.isEnded, true)
  await assert.rejects(searcher.search(query('c')), { code: 'ERR_STORE_CLOSED' })
  await searcher[Symbol.asyncDispose]()
})
