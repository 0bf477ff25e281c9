import type { Database } from './database.ts'
import type { Searcher } from './full-text.ts'
import { searchText } from './text-search.ts'

/** Searches at once, on the connection that also writes: for databases in memory, and where time is not the real one. */
export function inlineSearcher(database: Database): Searcher {
  let searches = 0
  return {
    search: async (query, signal) => {
      signal?.throwIfAborted()
      searches++
      return searchText(database, query)
    },
    figures: () => ({ searches }),
  }
}
