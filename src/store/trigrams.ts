/** Shorter words have no trigram. */
export const TRIGRAM_CHARS = 3
/** From this length on a word may be misspelt. */
const TYPO_MIN_CHARS = 6
/** From this length on the two characters in the middle belong to neither piece, so that swapping them is found too. */
const TYPO_GAP_MIN_CHARS = 8
/** Words of a query that trigrams are asked for. */
const MAX_WORDS = 16
/** Places in one text at which a misspelt word is looked for. */
const MAX_PLACES = 16
const MISSPELT_SCORE = 0.5
const WORD_CHAR = /[\p{L}\p{N}\p{M}]/u

export interface FuzzyWord {
  readonly word: string
  /** Also matches words that differ by one inserted, missing, other or swapped character. */
  readonly mayBeMisspelt: boolean
}

/** The FTS5 expression that every text with one of the words satisfies; empty when no word is long enough. */
export function trigramQuery(words: readonly FuzzyWord[]): string {
  const parts: string[] = []
  for (const { word, mayBeMisspelt } of words.slice(0, MAX_WORDS)) {
    const chars = [...word]
    if (chars.length < TRIGRAM_CHARS) continue
    parts.push(cover(chars))
    if (mayBeMisspelt) parts.push(...piecesOf(chars).map((piece) => cover([...piece])))
  }
  return parts.join(' OR ')
}

/** How well a folded text matches: one point per word it holds, half a point per word it holds misspelt. */
export function trigramScore(words: readonly FuzzyWord[], text: string): number {
  let score = 0
  for (const { word, mayBeMisspelt } of words.slice(0, MAX_WORDS)) {
    if ([...word].length < TRIGRAM_CHARS) continue
    if (text.includes(word)) score += 1
    else if (mayBeMisspelt && holdsMisspelt(word, text)) score += MISSPELT_SCORE
  }
  return score
}

/** Trigrams side by side, and the last one, until every character is covered. */
function cover(chars: readonly string[]): string {
  const trigrams = new Set<string>()
  for (let at = 0; at < chars.length; at += TRIGRAM_CHARS) {
    const start = Math.min(at, chars.length - TRIGRAM_CHARS)
    trigrams.add(`"${chars.slice(start, start + TRIGRAM_CHARS).join('')}"`)
  }
  return `(${[...trigrams].join(' AND ')})`
}

/** The beginning and the end of a word: one mistake leaves one of them as it was. */
function piecesOf(chars: readonly string[]): readonly string[] {
  if (chars.length < TYPO_MIN_CHARS) return []
  const middle = chars.length >> 1
  const gap = chars.length >= TYPO_GAP_MIN_CHARS ? 1 : 0
  return [chars.slice(0, middle - gap).join(''), chars.slice(middle + gap).join('')]
}

function holdsMisspelt(word: string, text: string): boolean {
  for (const piece of piecesOf([...word])) {
    let at = text.indexOf(piece)
    for (let place = 0; at !== -1 && place < MAX_PLACES; place++) {
      if (differByOne(word, wordAround(text, at, piece.length, word.length))) return true
      at = text.indexOf(piece, at + 1)
    }
  }
  return false
}

/** The word of the text that holds the piece; no more than a word of one character more can take. */
function wordAround(text: string, at: number, length: number, limit: number): string {
  let start = at
  let end = at + length
  while (start > 0 && at - start <= limit && WORD_CHAR.test(text[start - 1] ?? '')) start--
  while (end < text.length && end - at <= limit + 1 && WORD_CHAR.test(text[end] ?? '')) end++
  return text.slice(start, end)
}

/** Whether one insertion, deletion, substitution or swap of neighbours makes one word of the other. */
export function differByOne(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let at = 0
  while (at < short.length && short[at] === long[at]) at++
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1)
  if (short.slice(at + 1) === long.slice(at + 1)) return short !== long
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2)
}
