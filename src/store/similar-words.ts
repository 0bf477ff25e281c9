import type { Database } from './database.ts'
import { text } from './row.ts'
import { TRIGRAM_CHARS, trigramQuery, trigramScore } from './trigrams.ts'

/** Words of the index that are compared with one word of the query, and how many of them may stand for it. */
const MAX_COMPARED = 500
const MAX_SIMILAR = 8

/** A word of the index that may stand for a word of the query. */
export interface SimilarWord {
  readonly word: string
  /** 1 if it holds the word, less if it is a slip of the pen away. */
  readonly likeness: number
}

/** The words of an index that hold a word or, if that may be misspelt, are it with one typing mistake; best first. */
export function similarWords(
  database: Database,
  sql: string,
  word: string,
  mayBeMisspelt: boolean,
): readonly SimilarWord[] {
  if ([...word].length < TRIGRAM_CHARS) return []
  const asked = [{ word, mayBeMisspelt }]
  const similar = database
    .prepare(sql)
    .all(trigramQuery(asked), MAX_COMPARED)
    .map((row) => text(row.word))
    .filter((found) => found !== word)
    .map((found) => ({ word: found, likeness: trigramScore(asked, found) }))
    .filter(({ likeness }) => likeness > 0)
  // Stable: among equals those lead that came first into the index, which are the more usual ones.
  return similar.sort((a, b) => b.likeness - a.likeness).slice(0, MAX_SIMILAR)
}
