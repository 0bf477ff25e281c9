import { bm25Weight } from './ranking.ts'

/** Calls `found` for each place of one of the tokens in a text of tokens with blanks between them. */
type TokenFinder = (text: string, found: (token: string, at: number) => void) => void

/**
 * All tokens are looked for in one pass. They are made of letters and digits, so nothing in the expression needs escaping;
 * `before` is what stands in front of each, and nowhere else.
 */
function tokenFinder(before: string, tokens: readonly string[]): TokenFinder {
  if (tokens.length === 0) return () => undefined
  const pattern = new RegExp(`${before}(${tokens.join('|')})(?= |$)`, 'g')
  return (text, found) => {
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) found(match[1] ?? '', match.index)
  }
}

/**
 * How often each term stands in a document's `terms`, the places in each line counted with the weight of that field. The
 * array is used again for the next document.
 */
export function termCounter(
  terms: readonly string[],
  fieldWeights: readonly number[],
): (terms: string) => Readonly<Float64Array> {
  const find = tokenFinder(' ', terms)
  const places = new Map(terms.map((term, index) => [term, index]))
  const counts = new Float64Array(terms.length)
  return (text) => {
    counts.fill(0)
    let field = 0
    let end = text.indexOf('\n')
    find(text, (term, at) => {
      while (end !== -1 && at > end) {
        field++
        end = text.indexOf('\n', end + 1)
      }
      const place = places.get(term) ?? 0
      counts[place] = (counts[place] ?? 0) + (fieldWeights[field] ?? 0)
    })
    return counts
  }
}

/** The BM25 weights, without idf, of the terms that a document holds. */
export function bm25Weights(
  terms: readonly string[],
  counts: Readonly<Float64Array>,
  length: number,
  averageLength: number,
): Readonly<Record<string, number>> {
  const weights: Record<string, number> = {}
  terms.forEach((term, index) => {
    const count = counts[index] ?? 0
    if (count > 0) weights[term] = bm25Weight(count, length, averageLength)
  })
  return weights
}

/** A word that may stand for a word of the query. */
export interface Standing {
  readonly word: string
  /** Which word of the query. */
  readonly index: number
  /** 1 if it is the word or holds it, less if it is a slip of the pen away. */
  readonly likeness: number
}

/** How well a document's `words` match a query: the sum, over the words of the query, of the best that stands for each. */
export function wordMatcher(standing: readonly Standing[]): (words: string) => number {
  const meanings = Map.groupBy(standing, ({ word }) => word)
  const find = tokenFinder('_', [...meanings.keys()])
  const best = new Float64Array(standing.reduce((most, { index }) => Math.max(most, index + 1), 0))
  return (words) => {
    best.fill(0)
    find(words, (word) => {
      for (const { index, likeness } of meanings.get(word) ?? []) best[index] = Math.max(best[index] ?? 0, likeness)
    })
    return best.reduce((sum, likeness) => sum + likeness, 0)
  }
}
