import { stem } from './porter.ts'

/** The longest word that is told apart; what follows is cut off. */
export const TERM_MAX_CHARS = 64
export const QUERY_MAX_TERMS = 64
/** What is read of a query. */
const QUERY_MAX_CHARS: number = QUERY_MAX_TERMS * TERM_MAX_CHARS
const STEM_CACHE_SIZE = 20_000
/** V8 keeps a longer part of a text as a view, and a cached view would keep the whole text. */
const STEM_CACHE_MAX_CHARS = 12

/** Words without a meaning of their own; a query of nothing else is searched all the same. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a about all also an and any are as at be been but by can could did do does for from had has have he her his how i if in into is it ' +
    'its may me more my no not of on or our s she should so some such t than that the their them then there these they this those to us ' +
    'was we were what when where which while who why will with would you your'
  ).split(' '),
)

const ASCII = /^[\0-\x7f]*$/
const ASCII_WORDS = /[a-z0-9]+/g
/** Scripts written without spaces, and everything else that words are made of. */
const UNSPACED = '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]'
const LETTERS = '[\\p{L}\\p{N}\\p{M}]'
const UNICODE_WORDS = new RegExp(`[${LETTERS}&&${UNSPACED}]+|[${LETTERS}--${UNSPACED}]+`, 'gv')
const IS_UNSPACED = new RegExp(`^[${LETTERS}&&${UNSPACED}]`, 'v')
const CONTROLS = /\p{Cc}/gu
const DIACRITICS = /[\u0300-\u036f]/g

/**
 * Lower case, compatibility forms resolved, diacritics of Latin, Greek and Cyrillic letters removed, and a blank for each
 * control character: one of them, the line feed, may thus stand between fields.
 */
export function fold(text: string): string {
  const clean = text.replace(CONTROLS, ' ')
  if (ASCII.test(clean)) return clean.toLowerCase()
  return clean.toWellFormed().normalize('NFKD').replace(DIACRITICS, '').normalize('NFKC').toLowerCase()
}

/** The words of a folded text, in order; a run of a script without spaces is one word. */
export function wordsOf(folded: string): readonly string[] {
  return folded.match(ASCII.test(folded) ? ASCII_WORDS : UNICODE_WORDS) ?? []
}

const stems = new Map<string, string>()

/**
 * The index terms of one word: its stem, or for a script without spaces its overlapping pairs of characters. Terms hold
 * a-z, 0-9 and characters beyond ASCII only, so that the `ascii` tokenizer of FTS5 leaves them whole.
 */
export function termsOf(word: string): readonly string[] {
  if (isUnspaced(word)) return pairsOf([...word])
  if (word.length > STEM_CACHE_MAX_CHARS) return [stem(word.slice(0, TERM_MAX_CHARS).toWellFormed())]
  let term = stems.get(word)
  if (term === undefined) {
    if (stems.size >= STEM_CACHE_SIZE) stems.clear()
    term = stem(word)
    stems.set(word, term)
  }
  return [term]
}

/** Whether a word is a run of a script that is written without spaces. */
export function isUnspaced(word: string): boolean {
  return word.charCodeAt(0) > 0x7f && IS_UNSPACED.test(word)
}

function pairsOf(chars: readonly string[]): readonly string[] {
  if (chars.length === 1) return chars
  return chars.slice(1).map((char, index) => `${chars[index]}${char}`)
}

export interface QueryWord {
  readonly word: string
  readonly terms: readonly string[]
}

/** What a query asks for: distinct words, stop words left out unless there is nothing else, at most 64 terms. */
export function queryWordsOf(query: string): readonly QueryWord[] {
  const distinct = [...new Set(wordsOf(fold(query.slice(0, QUERY_MAX_CHARS))))]
  const telling = distinct.filter((word) => !STOP_WORDS.has(word))
  const words: QueryWord[] = []
  let count = 0
  for (const word of telling.length > 0 ? telling : distinct) {
    const terms = termsOf(word).slice(0, QUERY_MAX_TERMS - count)
    if (terms.length === 0) break
    count += terms.length
    words.push({ word, terms })
  }
  return words
}
