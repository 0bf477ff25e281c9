/** The thread that searches: a connection of its own that only reads. One query at a time, one reply to each. */
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, PlexusError, reasonOf } from '../../base/index.ts'
import type { Database } from '../database.ts'
import type { TextQuery } from '../full-text.ts'
import { searchText } from '../text-search.ts'
import type { SearchReply, SearchRequest } from './search-thread.ts'
import { openDatabase } from './sqlite.ts'

const { path } = workerData as { readonly path: string }
let database: Database | undefined

parentPort?.on('message', (request: SearchRequest) => {
  if (request === 'end') {
    database?.close()
    parentPort?.close()
  } else parentPort?.postMessage(reply(request))
})

function reply(query: TextQuery): SearchReply {
  try {
    database ??= openDatabase({ path, readOnly: true })
    return { answer: inOneSnapshot(database, query) }
  } catch (error) {
    const fix = error instanceof PlexusError ? error.fix : undefined
    return { code: codeOf(error), message: error instanceof Error ? error.message : reasonOf(error), fix }
  }
}

/** All statements of a search see the database as it is now, whatever is committed meanwhile. */
function inOneSnapshot(database: Database, query: TextQuery): ReturnType<typeof searchText> {
  database.exec('BEGIN')
  try {
    return searchText(database, query)
  } finally {
    database.exec('ROLLBACK')
  }
}
