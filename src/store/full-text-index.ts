import { BaseError } from '../base/index.ts'
import type { Database, Row, SqlValue } from './database.ts'
import type { FullText, FullTextFactory, FullTextInit, TextAnswer, TextHit, TextSearchOptions } from './full-text.ts'
import { type FullTextSql, fullTextSql } from './full-text-sql.ts'
import { addReciprocalRanks, bm25Weight, inverseDocumentFrequency } from './ranking.ts'
import { integer, text } from './row.ts'
import { fold, queryWordsOf, termsOf, wordsOf } from './terms.ts'
import { trigramQuery, trigramScore } from './trigrams.ts'

const DEFAULT_CANDIDATES = 2_000
/** Matches looked at, newest first, while `within` refuses them. */
const SCAN_MAX_MATCHES = 50_000
/** What is indexed of one field; the rest of a longer one cannot be found. */
const FIELD_MAX_CHARS = 262_144
const NAME = /^[a-z][a-z0-9_]{0,60}$/

type Numbers = Readonly<Record<string, number>>

/** Makes its tables on first use, or opens those that are there. */
export const fullText: FullTextFactory = (database, init) => new FullTextIndex(database, init)

/**
 * `<name>_doc` keeps the folded text and the terms made of it; two FTS5 tables index them. Terms are made here, by the
 * porter stemmer, and not in SQLite's tokenizer, so that all peers name them alike and frequencies can be added up.
 */
class FullTextIndex implements FullText {
  readonly #database: Database
  readonly #sql: FullTextSql
  readonly #fields: readonly string[]
  readonly #weights: readonly number[]

  constructor(database: Database, init: FullTextInit) {
    if (!NAME.test(init.name)) throw new BaseError('ERR_INVALID_ARGUMENT', `not a table name: ${init.name}`)
    this.#database = database
    this.#sql = fullTextSql(init.name)
    this.#fields = Object.keys(init.fields)
    this.#weights = Object.values(init.fields)
    if (this.#row(this.#sql.exists) === undefined) database.transaction(() => database.exec(this.#sql.create))
  }

  put(id: string, fields: Readonly<Record<string, string>>): void {
    const texts = this.#fields.map((field) => fold((fields[field] ?? '').slice(0, FIELD_MAX_CHARS)))
    this.#database.beforeCommit(() => this.#replace(id, texts))
  }

  remove(id: string): void {
    this.#database.beforeCommit(() => this.#erase(id))
  }

  clear(): void {
    this.#database.beforeCommit(() => this.#database.exec(this.#sql.clear))
  }

  search(query: string, options: TextSearchOptions): TextAnswer {
    const words = queryWordsOf(query)
    const terms = [...new Set(words.flatMap((word) => word.terms))]
    const frequencies: Numbers = Object.fromEntries(terms.map((term) => [term, this.#frequency(term)]))
    const { documents, averageLength } = this.#totals()

    const weights = new Map<string, Numbers>()
    const byWords = new Map<string, number>()
    const matchWords = terms.map((term) => `"${term}"`).join(' OR ') // terms hold no quotes
    for (const row of this.#candidates(this.#sql.matchTerms, matchWords, options)) {
      const own = this.#weightsOf(row, terms, averageLength)
      weights.set(text(row.id), own)
      byWords.set(text(row.id), bm25(own, frequencies, documents))
    }

    const byTrigrams = new Map<string, number>()
    const spelt = words.map(({ word, terms }) => ({
      word,
      mayBeMisspelt: terms.every((term) => frequencies[term] === 0),
    }))
    for (const row of this.#candidates(this.#sql.matchTrigrams, trigramQuery(spelt), options)) {
      const score = trigramScore(spelt, text(row.text))
      if (score > 0) byTrigrams.set(text(row.id), score)
    }

    const fused = new Map<string, number>()
    addReciprocalRanks(fused, byWords)
    addReciprocalRanks(fused, byTrigrams)
    const hits = [...fused].map(([id, score]): TextHit => ({ id, score, weights: weights.get(id) ?? {} }))
    hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    return { hits: hits.slice(0, Math.max(0, options.limit)), documents, frequencies }
  }

  #replace(id: string, texts: readonly string[]): void {
    const whole = texts.join('\n')
    if (this.#row(this.#sql.find, id)?.text === whole) return
    this.#erase(id)
    const perField = texts.map((field) => wordsOf(field).flatMap(termsOf))
    const length = perField.reduce((sum, terms) => sum + terms.length, 0)
    const terms = perField.map((field) => ` ${field.join(' ')} `).join('\n')
    const rowid = Number(this.#row(this.#sql.total)?.last_rowid) + 1
    this.#run(this.#sql.addDocument, rowid, id, length, whole, terms)
    this.#run(this.#sql.addTerms, rowid, terms)
    this.#run(this.#sql.addTrigrams, rowid, whole)
    this.#run(this.#sql.countUp, length, rowid)
  }

  #erase(id: string): void {
    const known = this.#row(this.#sql.find, id)
    if (known === undefined) return
    const { rowid = null, length = null, text: whole = null, terms = null } = known
    this.#run(this.#sql.removeTerms, rowid, terms)
    this.#run(this.#sql.removeTrigrams, rowid, whole)
    this.#run(this.#sql.removeDocument, rowid)
    this.#run(this.#sql.countDown, length)
  }

  /** Newest first, which needs no sorting and lets us stop early. */
  *#candidates(sql: string, match: string, options: TextSearchOptions): Generator<Row, void> {
    if (match === '') return
    let wanted = options.candidates ?? DEFAULT_CANDIDATES
    for (const row of this.#database.prepare(sql).iterate(match, SCAN_MAX_MATCHES)) {
      if (wanted <= 0) return
      if (options.within?.(text(row.id)) === false) continue
      wanted--
      yield row
    }
  }

  #weightsOf(row: Row, terms: readonly string[], averageLength: number): Numbers {
    const fields = text(row.terms).split('\n')
    const weights: Record<string, number> = {}
    for (const term of terms) {
      let frequency = 0
      fields.forEach((field, index) => {
        frequency += (this.#weights[index] ?? 0) * occurrences(field, term)
      })
      if (frequency > 0) weights[term] = bm25Weight(frequency, integer(row.length), averageLength)
    }
    return weights
  }

  #totals(): { readonly documents: number; readonly averageLength: number } {
    const row = this.#row(this.#sql.total)
    const documents = Number(row?.documents ?? 0)
    return { documents, averageLength: Number(row?.terms ?? 0) / Math.max(1, documents) }
  }

  #frequency(term: string): number {
    return Number(this.#row(this.#sql.frequency, term)?.doc ?? 0)
  }

  #row(sql: string, ...params: readonly SqlValue[]): Row | undefined {
    return this.#database.prepare(sql).get(...params)
  }

  #run(sql: string, ...params: readonly SqlValue[]): void {
    this.#database.prepare(sql).run(...params)
  }
}

function bm25(weights: Numbers, frequencies: Numbers, documents: number): number {
  let score = 0
  for (const [term, weight] of Object.entries(weights)) {
    score += weight * inverseDocumentFrequency(documents, frequencies[term] ?? 0)
  }
  return score
}

/** How often a term stands in ` a b c `. */
function occurrences(field: string, term: string): number {
  const needle = ` ${term} `
  let count = 0
  for (let at = field.indexOf(needle); at !== -1; at = field.indexOf(needle, at + needle.length - 1)) count++
  return count
}
