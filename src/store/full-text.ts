import type { Database, SqlValue } from './database.ts'

/** One match: the document's id and what the asker of a network query needs to score it again. */
export interface TextHit {
  readonly id: string
  /** Fused local score, higher is better; comparable within one answer only. */
  readonly score: number
  /** BM25 term weights (tf part only, without idf), by query term; empty for what only parts of words or typos found. */
  readonly weights: Readonly<Record<string, number>>
}

export interface TextAnswer {
  readonly hits: readonly TextHit[]
  /**
   * Documents in this index, and how many hold each query term: what the asker sums over peers. Exact up to some thousands a
   * term, above that estimated from the newest.
   */
  readonly documents: number
  readonly frequencies: Readonly<Record<string, number>>
  /** False when older matches were left out to bound the cost. */
  readonly complete: boolean
}

/** Ids from elsewhere in the database, as they are at the moment of the search. */
export interface TextFilter {
  /** A SELECT of the allowed ids in a column `id`, without ORDER BY and LIMIT; fast, and fast for one given id, by indexes. */
  readonly sql: string
  readonly params: readonly SqlValue[]
}

export interface TextSearchOptions {
  readonly limit: number
  /** So many matches are ranked, those with rare words before those with common ones, then the newest. Default 500. */
  readonly candidates?: number | undefined
  /** Only documents that have a tag of each of these lists. */
  readonly tags?: readonly (readonly string[])[] | undefined
  /** Only documents whose ids this selects. */
  readonly within?: TextFilter | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * A full-text index over porter stems and over trigrams of words, fused by reciprocal rank. Derived data: write to it in the
 * transaction that writes what it describes.
 *
 * Changes made in a transaction are applied, all together, when it commits; a search that starts later sees them.
 */
export interface FullText {
  /**
   * Adds or replaces a document; costs next to nothing when its text is the same as before. Tags are compared whole and
   * are no part of the text.
   */
  put(id: string, fields: Readonly<Record<string, string>>, tags?: readonly string[]): void
  /** Leaves no trace of the document's text in the tables. */
  remove(id: string): void
  /**
   * The query is plain text in any language, never syntax. Its first 64 terms count; stop words count only when there is
   * nothing else. A word is also looked for as a part of words, and one that no document holds with one typing mistake.
   * Rejects with `StoreError`, or with the signal's reason.
   */
  search(query: string, options: TextSearchOptions): Promise<TextAnswer>
  clear(): void
  /** Documents in it; costs nothing, however many there are. */
  size(): number
}

/** A search as it travels to whoever runs it: plain data. */
export interface TextQuery extends Omit<TextSearchOptions, 'signal'> {
  /** The name of the index. */
  readonly index: string
  /** Of its fields, in their order. */
  readonly weights: readonly number[]
  readonly text: string
}

/** Runs searches, here or in another thread. One serves all indexes of a database. */
export interface Searcher {
  /** Sees all that was committed before the call. Rejects with `StoreError`, or with the signal's reason. */
  search(query: TextQuery, signal?: AbortSignal): Promise<TextAnswer>
  figures(): Readonly<Record<string, number>>
}

export interface FullTextInit {
  /** The prefix of the tables, e.g. `fts_thought`. */
  readonly name: string
  /** Column to weight, e.g. `{ title: 3, abstract: 1 }`. */
  readonly fields: Readonly<Record<string, number>>
  /** Default: searches run at once on the database that is written to. */
  readonly searcher?: Searcher | undefined
}

export type FullTextFactory = (database: Database, init: FullTextInit) => FullText
