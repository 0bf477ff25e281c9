import { Worker } from 'node:worker_threads'
import { StoreError, type StoreErrorCode } from '../errors.ts'
import type { TextAnswer, TextQuery } from '../full-text.ts'
import type { SearchThread } from '../threaded-searcher.ts'

export type SearchRequest = TextQuery | 'end'
export type SearchReply =
  | { readonly answer: TextAnswer }
  | { readonly code: string; readonly message: string; readonly fix: string | undefined }

/** Heap of the thread; a search needs a few megabytes. */
const HEAP_MAX_MIB = 256
/** Sources are run as they are, what was built from them has another ending. */
const SCRIPT: URL = new URL(
  import.meta.url.endsWith('.ts') ? './search-worker.ts' : './search-worker.js',
  import.meta.url,
)

/** Starts a thread that reads the database at `path`. What goes wrong, with the start too, is the failure of a search. */
export function startSearchThread(path: string): SearchThread {
  const worker = new Worker(SCRIPT, {
    workerData: { path },
    name: 'plexus-search',
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MIB },
  })
  worker.unref()
  let waiting: PromiseWithResolvers<TextAnswer> | undefined
  let death: Error | undefined
  const exited = Promise.withResolvers<void>()
  const settle = (): PromiseWithResolvers<TextAnswer> | undefined => {
    const settled = waiting
    waiting = undefined
    worker.unref()
    return settled
  }
  worker.on('message', (reply: SearchReply) => {
    if ('answer' in reply) settle()?.resolve(reply.answer)
    else settle()?.reject(new StoreError(reply.code as StoreErrorCode, reply.message, { fix: reply.fix }))
  })
  worker.on('error', (error) => {
    death ??= error
  })
  worker.on('exit', () => {
    death ??= new Error('the thread was ended')
    exited.resolve()
    settle()?.reject(searchFailed(death))
  })
  return {
    get isDead() {
      return death !== undefined
    },
    search: (query) => {
      if (death !== undefined) return Promise.reject(searchFailed(death))
      waiting = Promise.withResolvers()
      worker.ref()
      worker.postMessage(query satisfies SearchRequest)
      return waiting.promise
    },
    end: () => {
      worker.ref()
      worker.postMessage('end' satisfies SearchRequest)
      return exited.promise
    },
    kill: () => {
      death ??= new Error('it took too long')
      void worker.terminate()
    },
  }
}

function searchFailed(cause: Error): StoreError {
  return new StoreError('ERR_SEARCH_FAILED', `the search thread ended: ${cause.message}`, {
    cause,
    fix: 'Search again: a new thread is started by itself. If it happens again, see the log.',
  })
}
