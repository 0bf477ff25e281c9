import { type Clock, whenAborted } from '../base/index.ts'
import { StoreError } from './errors.ts'
import type { Searcher, TextAnswer, TextQuery } from './full-text.ts'

/** Searches that wait for their turn; more are refused. */
export const SEARCH_QUEUE_MAX = 128
/** From the call to the answer, waiting included; and what one search may take before its thread is given up. */
export const SEARCH_TIMEOUT_MS = 2_000
/** How long the thread may take to close its database. */
const END_TIMEOUT_MS = 1_000

/** A thread with a reading connection of its own; answers one search at a time. */
export interface SearchThread {
  readonly isDead: boolean
  /** Rejects with the search's own error, or when the thread dies. */
  search(query: TextQuery): Promise<TextAnswer>
  /** Resolves when it has closed its database and exited. */
  end(): Promise<void>
  kill(): void
}

export interface ThreadedSearcherInit {
  readonly startThread: () => SearchThread
}

interface Job extends PromiseWithResolvers<TextAnswer> {
  readonly query: TextQuery
}

/**
 * Hands searches to a thread, one after the other, so that none of them holds up whoever asks. The thread is started for the
 * first search and again when it has died.
 */
export class ThreadedSearcher implements Searcher, AsyncDisposable {
  readonly #startThread: () => SearchThread
  readonly #clock: Clock
  readonly #waiting = new Set<Job>()
  readonly #counts = { searches: 0, searchesFailed: 0, searchesRefused: 0, searchThreads: 0 }
  #thread: SearchThread | undefined
  #isRunning = false
  #isEnded = false

  constructor(init: ThreadedSearcherInit, components: { readonly clock: Clock }) {
    this.#startThread = init.startThread
    this.#clock = components.clock
  }

  /** Counts since the start; `searchThreads` above 1 means that threads died. */
  figures(): Readonly<Record<string, number>> {
    return { ...this.#counts, searchesWaiting: this.#waiting.size }
  }

  /**
   * Rejects with `ERR_SEARCH_OVERLOADED`, `ERR_SEARCH_TIMEOUT`, `ERR_SEARCH_FAILED`, with what SQLite said, or with the signal's
   * reason.
   */
  async search(query: TextQuery, signal?: AbortSignal): Promise<TextAnswer> {
    signal?.throwIfAborted()
    if (this.#isEnded) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed')
    if (this.#waiting.size >= SEARCH_QUEUE_MAX) {
      this.#counts.searchesRefused++
      throw new StoreError('ERR_SEARCH_OVERLOADED', `${SEARCH_QUEUE_MAX} searches are waiting already`, {
        fix: 'Ask again in a moment, and let fewer searches run at once.',
      })
    }
    const job: Job = { query, ...Promise.withResolvers<TextAnswer>() }
    using _deadline = this.#clock.setTimer(SEARCH_TIMEOUT_MS, () => job.reject(timedOut()))
    using _abort = whenAborted(signal, job.reject)
    this.#waiting.add(job)
    void this.#run()
    try {
      return await job.promise
    } finally {
      this.#waiting.delete(job)
    }
  }

  /** Rejects what waits, and resolves when the thread has let go of the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true
    for (const job of this.#waiting) job.reject(new StoreError('ERR_STORE_CLOSED', 'the store was closed'))
    this.#waiting.clear()
    const thread = this.#thread
    this.#thread = undefined
    if (thread === undefined || thread.isDead) return
    using _deadline = this.#clock.setTimer(END_TIMEOUT_MS, () => thread.kill())
    await thread.end()
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    for (const job of this.#waiting) {
      this.#waiting.delete(job)
      this.#counts.searches++
      try {
        job.resolve(await this.#answer(job.query))
      } catch (error) {
        this.#counts.searchesFailed++
        job.reject(error)
      }
    }
    this.#isRunning = false
  }

  /** Whoever asked may have turned away by now: the thread is busy all the same. */
  async #answer(query: TextQuery): Promise<TextAnswer> {
    const thread = this.#livingThread()
    using _deadline = this.#clock.setTimer(SEARCH_TIMEOUT_MS, () => thread.kill())
    return await thread.search(query)
  }

  #livingThread(): SearchThread {
    if (this.#thread === undefined || this.#thread.isDead) {
      this.#thread = this.#startThread()
      this.#counts.searchThreads++
    }
    return this.#thread
  }
}

function timedOut(): StoreError {
  return new StoreError('ERR_SEARCH_TIMEOUT', `no answer within ${SEARCH_TIMEOUT_MS} ms`, {
    fix: 'Ask for fewer words, or again later: the disk or the machine is busy.',
  })
}
