import type { Database, Row } from './database.ts'
import type { TextAnswer, TextHit, TextQuery } from './full-text.ts'
import { fullTextSql } from './full-text-sql.ts'
import { addReciprocalRanks, bm25Weight, inverseDocumentFrequency } from './ranking.ts'
import { integer, text } from './row.ts'
import { similarWords } from './similar-words.ts'
import { isUnspaced, type QueryWord, queryWordsOf } from './terms.ts'
import { type Clause, TextCandidates } from './text-candidates.ts'
import { wordToken } from './text-document.ts'
import { bm25Weights, type Standing, termCounter, wordMatcher } from './text-weights.ts'

const DEFAULT_CANDIDATES = 500
/** Candidates times terms: queries of many words look at fewer documents. */
const MAX_WEIGHED = 4_000
/** Words of a query for which similar ones are looked for. */
const SIMILAR_MAX_WORDS = 16

/** A word of the query, where it is found, and what may stand for it. */
interface Wanted {
  readonly clauses: readonly Clause[]
  readonly standing: readonly Standing[]
}

/**
 * The reading half of a full-text index. Synchronous, and bounded in what it does whatever it is asked: candidates are
 * found first (`TextCandidates`), then each is weighed by BM25 and by how well its words match, and both ranks are fused.
 */
export function searchText(database: Database, query: TextQuery): TextAnswer {
  const words = queryWordsOf(query.text)
  const terms = [...new Set(words.flatMap((word) => word.terms))]
  const sql = fullTextSql(query.index)
  const totals = database.prepare(sql.exists).get() === undefined ? undefined : database.prepare(sql.totals).get()
  if (totals === undefined) return nothing(terms)
  const candidates = new TextCandidates(database, sql, query, totals)
  const counted = candidates.frequencies(terms)
  const most = Math.min(query.candidates ?? DEFAULT_CANDIDATES, Math.floor(MAX_WEIGHED / Math.max(1, terms.length)))
  const wanted = words.map((word, index): Wanted => {
    const clauses = word.terms.map((term) => ({ tokens: [term], documents: counted.get(term) ?? 0 }))
    const standing = [{ word: word.word, index, likeness: 1 }]
    const [only] = clauses
    // A script without spaces is looked for by each of its pairs of characters; and of a common word there is enough.
    const isEnough = only === undefined || only.documents >= most
    if (isEnough || isUnspaced(word.word) || index >= SIMILAR_MAX_WORDS) return { clauses, standing }
    const similar = similarWords(database, sql.words, word.word, only.documents === 0)
    const tokens = [...only.tokens, ...similar.map((found) => wordToken(found.word))]
    const documents = candidates.frequency(tokens)
    return {
      clauses: [{ tokens, documents }],
      standing: [...standing, ...similar.map((found) => ({ ...found, index }))],
    }
  })
  const rows = candidates.find(
    wanted.flatMap(({ clauses }) => clauses),
    most,
  )
  const documents = integer(totals.documents)
  const collection = { terms, counted, documents, averageLength: integer(totals.terms) / Math.max(1, documents) }
  const isLike = likenessOf(words, wanted)
  const hits = ranked(rows, { ...collection, fieldWeights: query.weights }, isLike, Math.max(0, query.limit))
  return { hits, documents, frequencies: Object.fromEntries(counted), complete: candidates.complete }
}

function nothing(terms: readonly string[]): TextAnswer {
  return { hits: [], documents: 0, frequencies: Object.fromEntries(terms.map((term) => [term, 0])), complete: true }
}

/** What BM25 needs to know. */
interface Collection {
  readonly terms: readonly string[]
  readonly counted: ReadonlyMap<string, number>
  readonly documents: number
  readonly averageLength: number
  readonly fieldWeights: readonly number[]
}

/** Both ranks of each document, fused; best first. */
function ranked(
  rows: readonly Row[],
  { terms, counted, documents, averageLength, fieldWeights }: Collection,
  likenessOf: (words: string) => number,
  limit: number,
): readonly TextHit[] {
  const countTerms = termCounter(terms, fieldWeights)
  const idf = terms.map((term) => inverseDocumentFrequency(documents, counted.get(term) ?? 0))
  const byTerms = new Map<Row, number>()
  const byWords = new Map<Row, number>()
  for (const row of rows) {
    const length = integer(row.length)
    const relevance = countTerms(text(row.terms)).reduce(
      (sum, count, index) => (count === 0 ? sum : sum + bm25Weight(count, length, averageLength) * (idf[index] ?? 0)),
      0,
    )
    if (relevance > 0) byTerms.set(row, relevance)
    const likeness = likenessOf(text(row.words))
    if (likeness > 0) byWords.set(row, likeness)
  }
  const fused = new Map<Row, number>()
  addReciprocalRanks(fused, byTerms)
  addReciprocalRanks(fused, byWords)
  return [...fused]
    .map(([row, score]) => ({ id: text(row.id), score, row }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, limit)
    .map(({ id, score, row }) => {
      const weights = bm25Weights(terms, countTerms(text(row.terms)), integer(row.length), averageLength)
      return { id, score, weights }
    })
}

function likenessOf(words: readonly QueryWord[], wanted: readonly Wanted[]): (words: string) => number {
  const ofWords = wordMatcher(wanted.flatMap(({ standing }) => standing).filter(({ word }) => !isUnspaced(word)))
  const runs = words.map(({ word }) => word).filter(isUnspaced)
  return (text) => runs.reduce((sum, run) => (text.includes(run) ? sum + 1 : sum), ofWords(text))
}
