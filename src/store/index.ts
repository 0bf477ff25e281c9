/**
 * Layer 1: what is kept on disk. The SQLite port and its adapter, migrations, full-text search.
 */
export { acquireOwnerLock, type OwnerLock } from './adapters/owner-lock.ts'
export { startSearchThread } from './adapters/search-thread.ts'
export { snapshotDatabase } from './adapters/snapshot.ts'
export { type OpenDatabaseInit, openDatabase } from './adapters/sqlite.ts'
export type { Database, Migration, Row, Schema, SqlValue, Statement } from './database.ts'
export { StoreError, type StoreErrorCode } from './errors.ts'
export type {
  FullText,
  FullTextFactory,
  FullTextInit,
  Searcher,
  TextAnswer,
  TextFilter,
  TextHit,
  TextQuery,
  TextSearchOptions,
} from './full-text.ts'
export { fullText } from './full-text-index.ts'
export { inspectDatabase, type StoreReport } from './inspect.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
export { stem } from './porter.ts'
export { BM25_B, BM25_K1, bm25Weight, inverseDocumentFrequency, RRF_K } from './ranking.ts'
export { blob, integer, text } from './row.ts'
export { inlineSearcher } from './searcher.ts'
export {
  SEARCH_QUEUE_MAX,
  SEARCH_TIMEOUT_MS,
  type SearchThread,
  ThreadedSearcher,
  type ThreadedSearcherInit,
} from './threaded-searcher.ts'
