import { BaseError, keepNewest } from '../base/index.ts'
import type { Database, Row, SqlValue } from './database.ts'
import type { FullText, FullTextFactory, FullTextInit, Searcher, TextAnswer, TextSearchOptions } from './full-text.ts'
import { type FullTextSql, fullTextSql } from './full-text-sql.ts'
import { integer, text } from './row.ts'
import { inlineSearcher } from './searcher.ts'
import { spacedWords, type TextDocument, textDocument, wordToken } from './text-document.ts'

const NAME = /^[a-z][a-z0-9_]{0,60}$/
/** Words that are known to be in the tables: those of a text are nearly always among them. */
const KNOWN_WORDS_MAX = 50_000
/** No rowid: what is known of words does not hold until the document is written. */
const UNSURE = -1

interface Totals {
  documents: number
  terms: number
  lastRowid: number
  lastWord: number
}

/** Makes its tables on first use, or uses those that are there. */
export const fullText: FullTextFactory = (database, init) => new FullTextIndex(database, init)

/**
 * The writing half: `<name>_doc` keeps the terms and words of each document, `<name>_word` the distinct words; two FTS5
 * tables index them. Terms are made here, by the porter stemmer, and not in SQLite's tokenizer, so that all peers name them
 * alike and frequencies can be added up.
 */
class FullTextIndex implements FullText {
  readonly #database: Database
  readonly #name: string
  readonly #sql: FullTextSql
  readonly #fields: readonly string[]
  readonly #weights: readonly number[]
  readonly #searcher: Searcher
  readonly #known = new Map<string, true>()
  /** The rowid given last; another one in the tables means that a transaction was rolled back. */
  #lastRowid = UNSURE
  /** Words of documents that were removed in this transaction. */
  readonly #gone = new Set<string>()

  constructor(database: Database, init: FullTextInit) {
    if (!NAME.test(init.name)) throw new BaseError('ERR_INVALID_ARGUMENT', `not a table name: ${init.name}`)
    this.#database = database
    this.#name = init.name
    this.#sql = fullTextSql(init.name)
    this.#fields = Object.keys(init.fields)
    this.#weights = Object.values(init.fields)
    this.#searcher = init.searcher ?? inlineSearcher(database)
  }

  put(id: string, fields: Readonly<Record<string, string>>, tags: readonly string[] = []): void {
    const document = textDocument(
      this.#fields.map((field) => fields[field] ?? ''),
      tags,
    )
    this.#change(() => this.#replace(id, document))
  }

  remove(id: string): void {
    this.#change(() => this.#erase(id))
  }

  clear(): void {
    this.#change(() => {
      this.#known.clear()
      this.#database.exec(this.#sql.clear)
    })
  }

  search(query: string, { signal, ...options }: TextSearchOptions): Promise<TextAnswer> {
    return this.#searcher.search({ ...options, index: this.#name, weights: this.#weights, text: query }, signal)
  }

  size(): number {
    return this.#row(this.#sql.exists) === undefined ? 0 : this.#totals().documents
  }

  #change(work: () => void): void {
    this.#database.beforeCommit(() => {
      if (this.#row(this.#sql.exists) === undefined) this.#database.exec(this.#sql.create)
      work()
    })
  }

  #replace(id: string, document: TextDocument): void {
    const { length, terms, words, tags } = document
    const old = this.#row(this.#sql.find, id)
    if (old?.terms === terms && old.words === words && old.tags === tags) return
    if (old !== undefined) this.#eraseRow(old)
    const totals = this.#totals()
    const rowid = totals.lastRowid + 1
    if (totals.lastRowid !== this.#lastRowid) this.#known.clear()
    this.#lastRowid = UNSURE
    this.#learn(words, totals)
    this.#run(this.#sql.addDocument, rowid, id, length, terms, words, tags)
    this.#run(this.#sql.addTokens, rowid, terms, words, tags)
    this.#count({ ...totals, documents: totals.documents + 1, terms: totals.terms + length, lastRowid: rowid })
    this.#lastRowid = rowid
  }

  #erase(id: string): void {
    const old = this.#row(this.#sql.find, id)
    if (old !== undefined) this.#eraseRow(old)
  }

  #eraseRow({ rowid = null, length, terms = null, words = null, tags = null }: Row): void {
    this.#run(this.#sql.removeTokens, rowid, terms, words, tags)
    this.#run(this.#sql.removeDocument, rowid)
    const totals = this.#totals()
    this.#count({ ...totals, documents: totals.documents - 1, terms: totals.terms - integer(length) })
    for (const word of spacedWords(text(words))) this.#gone.add(word)
    // Asking the index makes it write out what it has gathered, so that is done once, after everything else.
    this.#database.beforeCommit(() => this.#forgetGone())
  }

  #learn(words: string, totals: Totals): void {
    for (const word of spacedWords(words)) {
      if (this.#known.has(word)) continue
      this.#known.set(word, true)
      if (this.#row(this.#sql.findWord, word) !== undefined) continue
      totals.lastWord++
      this.#run(this.#sql.addWord, totals.lastWord, word)
      this.#run(this.#sql.addTrigrams, totals.lastWord, word)
    }
    keepNewest(this.#known, KNOWN_WORDS_MAX)
  }

  #forgetGone(): void {
    for (const word of this.#gone) {
      if (this.#row(this.#sql.hasWord, `"${wordToken(word)}"`) !== undefined) continue
      this.#known.delete(word)
      const rowid = this.#row(this.#sql.findWord, word)?.rowid
      if (rowid === undefined) continue
      this.#run(this.#sql.removeTrigrams, rowid, word)
      this.#run(this.#sql.removeWord, rowid)
    }
    this.#gone.clear()
  }

  #totals(): Totals {
    const row = this.#row(this.#sql.totals)
    return {
      documents: integer(row?.documents),
      terms: integer(row?.terms),
      lastRowid: integer(row?.last_rowid),
      lastWord: integer(row?.last_word),
    }
  }

  #count({ documents, terms, lastRowid, lastWord }: Totals): void {
    this.#run(this.#sql.setTotals, documents, terms, lastRowid, lastWord)
  }

  #row(sql: string, ...params: readonly SqlValue[]): Row | undefined {
    return this.#database.prepare(sql).get(...params)
  }

  #run(sql: string, ...params: readonly SqlValue[]): void {
    this.#database.prepare(sql).run(...params)
  }
}
