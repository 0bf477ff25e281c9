import type { Database } from './database.ts'

/** One match: the document's id and what the asker of a network query needs to score it again. */
export interface TextHit {
  readonly id: string
  /** Fused local score, higher is better; comparable within one answer only. */
  readonly score: number
  /** BM25 term weights (tf part only, without idf), by query term; empty for what only trigrams found. */
  readonly weights: Readonly<Record<string, number>>
}

export interface TextAnswer {
  readonly hits: readonly TextHit[]
  /** Documents in this index, and how many hold each query term: what the asker sums over peers. */
  readonly documents: number
  readonly frequencies: Readonly<Record<string, number>>
}

export interface TextSearchOptions {
  readonly limit: number
  /** The newest so many matches are ranked; bounds the cost of very common words. Default 2,000. */
  readonly candidates?: number | undefined
  /** Ids to consider only; for filters that were answered in SQL. */
  readonly within?: ((id: string) => boolean) | undefined
}

/**
 * A full-text index over porter stems and over trigrams, fused by reciprocal rank. Derived data: write to it in the
 * transaction that writes what it describes.
 *
 * Changes made in a transaction are applied, all together, when it commits; until then `search` does not see them.
 */
export interface FullText {
  /** Adds or replaces a document; costs next to nothing when its text is the same as before. */
  put(id: string, fields: Readonly<Record<string, string>>): void
  /** Leaves no trace of the document's text in the tables. */
  remove(id: string): void
  /**
   * The query is plain text in any language, never syntax. Its first 64 terms count; stop words count only when there is
   * nothing else. A word that no document holds is also looked for as a part of words and with one typing mistake.
   */
  search(query: string, options: TextSearchOptions): TextAnswer
  clear(): void
}

export interface FullTextInit {
  /** The prefix of the tables, e.g. `fts_thought`. */
  readonly name: string
  /** Column to weight, e.g. `{ title: 3, abstract: 1 }`. */
  readonly fields: Readonly<Record<string, number>>
}

export type FullTextFactory = (database: Database, init: FullTextInit) => FullText
