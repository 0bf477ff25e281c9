import { hexOf, sha256, utf8 } from '../base/index.ts'
import { fold, isUnspaced, termsOf, wordsOf } from './terms.ts'
import { TRIGRAM_CHARS } from './trigrams.ts'

/** What is indexed of one field; the rest of a longer one cannot be found. */
const FIELD_MAX_CHARS = 262_144
/** What is kept of a word to find parts of it. */
const WORD_MAX_CHARS = 256
const TAG_HASH_BYTES = 16

/**
 * A document as the tables hold it. Tokens of three kinds share one index and cannot be mistaken for each other: terms as
 * they are, words with `_` in front, tags as `=` and a hash.
 */
export interface TextDocument {
  /** How many terms there are. */
  readonly length: number
  /** A line for each field: its terms in order, with a blank on either side of each. */
  readonly terms: string
  /** The distinct words in which trigrams can be found. */
  readonly words: string
  readonly tags: string
}

export function textDocument(fields: readonly string[], tags: readonly string[]): TextDocument {
  const words = fields.map((field) => wordsOf(fold(field.slice(0, FIELD_MAX_CHARS))))
  const terms = words.map((list) => list.flatMap(termsOf))
  const long = words.flat().filter((word) => word.length >= TRIGRAM_CHARS)
  return {
    length: terms.reduce((sum, list) => sum + list.length, 0),
    terms: terms.map((list) => ` ${list.join(' ')} `).join('\n'),
    words: [...new Set(long.map((word) => wordToken(word.slice(0, WORD_MAX_CHARS).toWellFormed())))].join(' '),
    tags: tags.map(tagToken).join(' '),
  }
}

export function wordToken(word: string): string {
  return `_${word}`
}

/** Hashed, so that any text can be a tag; long enough that no two are ever taken for each other. */
export function tagToken(tag: string): string {
  return `=${hexOf(sha256(utf8(tag)).subarray(0, TAG_HASH_BYTES))}`
}

/** Those words of a document's `words` whose parts are looked for; runs of scripts without spaces are found by their terms. */
export function spacedWords(words: string): readonly string[] {
  if (words === '') return []
  return words
    .split(' ')
    .map((token) => token.slice(1))
    .filter((word) => !isUnspaced(word))
}
