import type { Database, Row, SqlValue } from './database.ts'
import type { TextFilter, TextQuery } from './full-text.ts'
import type { FullTextSql } from './full-text-sql.ts'
import { integer, text } from './row.ts'
import { tagToken } from './text-document.ts'

/** Places in lists of documents that are walked to find where several lists meet; what is older is left out. */
const WALK_MAX_PLACES = 15_000
/** What skipping ahead in a list costs beside going on to the next place. */
const SKIP_COST = 6
/** So many lists that are walked side by side, as one, cost twice as much as one. */
const TOKENS_AT_ONCE = 8
/** Words that are looked for together, before each alone. */
const JOINT_MAX_CLAUSES = 8
/** So few documents that a filter selects are all looked at, */
const SELECTED_MAX_WEIGHED = 1_000
/** so many are picked out of the matches, of which so many are walked; */
const SELECTED_MAX = 5_000
const SELECTED_MAX_WALKED = 50_000
/** with more, so many matches are held against the filter one by one. */
const FILTER_MAX_PROBES = 5_000
/** Documents counted to learn how frequent the tokens of one query are, and each of them. */
const COUNT_MAX_DOCUMENTS = 5_000
const COUNT_MAX_EACH = 2_500
/** Where only the order of lists by their lengths matters. */
const COUNT_MAX_GUESSED = 1_000

/** Documents that hold any of these tokens. */
export interface Clause {
  readonly tokens: readonly string[]
  /** How many there are, about. */
  readonly documents: number
}

/** Finds documents to rank: a bounded number, with bounded work, whatever is asked for. */
export class TextCandidates {
  readonly #database: Database
  readonly #sql: FullTextSql
  readonly #documents: number
  readonly #lastRowid: number
  /** A filter that selects many. */
  readonly #filter: TextFilter | undefined
  /** The rowids that a filter selects, if it does not select many. */
  readonly #selected: ReadonlySet<number> | undefined
  readonly #tags: readonly Clause[]
  /** Matches that were held against a filter. */
  #looked = 0
  #complete = true

  constructor(database: Database, sql: FullTextSql, query: Pick<TextQuery, 'tags' | 'within'>, totals: Row) {
    this.#database = database
    this.#sql = sql
    this.#documents = integer(totals.documents)
    this.#lastRowid = integer(totals.last_rowid)
    this.#selected = query.within === undefined ? undefined : this.#select(query.within)
    this.#filter = this.#selected === undefined ? query.within : undefined
    this.#tags = (query.tags ?? []).map((list) => {
      const tokens = list.map(tagToken)
      return { tokens, documents: this.frequency(tokens) }
    })
  }

  /** False once matches were left out. */
  get complete(): boolean {
    return this.#complete
  }

  /** How many documents hold each token. */
  frequencies(tokens: readonly string[]): ReadonlyMap<string, number> {
    const most = Math.min(COUNT_MAX_EACH, Math.floor(COUNT_MAX_DOCUMENTS / Math.max(1, tokens.length)))
    return new Map(tokens.map((token) => [token, this.frequency([token], most)]))
  }

  /** How many documents hold any of the tokens: counted up to `most`, above that judged by the newest that do. */
  frequency(tokens: readonly string[], most: number = COUNT_MAX_GUESSED): number {
    if (tokens.length === 0) return 0
    const row = this.#database.prepare(this.#sql.frequency).get(expression(tokens), most)
    const counted = integer(row?.n)
    if (counted < most) return counted
    const span = this.#lastRowid - integer(row?.low) + 1
    return Math.max(counted, Math.min(this.#documents, Math.round((this.#documents * counted) / span)))
  }

  /**
   * The documents to look at: all that the filter selects, if they are few; else those that meet all clauses, then those
   * that meet one, rare ones before common ones, the newest of each first.
   */
  find(clauses: readonly Clause[], most: number): readonly Row[] {
    const isFew = this.#selected !== undefined && this.#selected.size <= SELECTED_MAX_WEIGHED
    const rowids = isFew ? this.#selected : this.#matching(clauses, most)
    return this.#wanted(this.#all(this.#sql.documents, JSON.stringify([...(rowids ?? [])])))
  }

  #select({ sql, params }: TextFilter): ReadonlySet<number> | undefined {
    const ids = this.#all(`SELECT id FROM (${sql}) LIMIT ?`, ...params, SELECTED_MAX + 1).map((row) => text(row.id))
    if (ids.length > SELECTED_MAX) return undefined
    return new Set(this.#all(this.#sql.rowids, JSON.stringify(ids)).map((row) => integer(row.rowid)))
  }

  #matching(clauses: readonly Clause[], most: number): ReadonlySet<number> {
    const pool = new Set<number>()
    // What is not found together is found alone, so it does not matter if this leaves something out.
    if (clauses.length > 1 && clauses.length <= JOINT_MAX_CLAUSES) this.#gather(pool, clauses, Math.ceil(most / 2))
    for (const clause of clauses.toSorted((a, b) => a.documents - b.documents)) {
      if (!this.#gather(pool, [clause], most)) this.#complete = false
    }
    return pool
  }

  /** Adds documents that meet all of the clauses until there are `most`; says whether these were all. */
  #gather(pool: Set<number>, clauses: readonly Clause[], most: number): boolean {
    const all = [...clauses, ...this.#tags]
    if (all.some(({ documents }) => documents === 0)) return true
    if (pool.size >= most) return false
    const lowest = this.#lowestRowid(all)
    // One more than there is room for, to know whether there are more.
    for (const row of this.#matches(
      all.map(({ tokens }) => expression(tokens)).join(' AND '),
      lowest,
      pool.size + most + 1,
    )) {
      const rowid = integer(row.rowid)
      if (pool.size >= most && !pool.has(rowid)) return false
      pool.add(rowid)
    }
    return lowest === 0 && this.#looked < this.#mostLooked
  }

  /** How far back it is affordable to look for where lists meet. A single list has a match at each place. */
  #lowestRowid(lists: readonly Clause[]): number {
    if (lists.length === 1) return 0
    const documents = lists.map((list) => list.documents * (1 + list.tokens.length / TOKENS_AT_ONCE))
    const places = Math.min(sum(documents), Math.min(...documents) * lists.length * SKIP_COST)
    return places <= WALK_MAX_PLACES ? 0 : Math.floor(this.#lastRowid * (1 - WALK_MAX_PLACES / places))
  }

  *#matches(match: string, lowest: number, limit: number): Generator<Row, void> {
    const { matches, matchesWithId } = this.#sql
    if (this.#filter === undefined && this.#selected === undefined)
      return yield* this.#all(matches, match, lowest, limit)
    const isAllowed = this.#filter === undefined ? this.#isSelected : this.#probe(this.#filter)
    const sql = this.#filter === undefined ? matches : matchesWithId
    for (const row of this.#database.prepare(sql).iterate(match, lowest, this.#mostLooked - this.#looked)) {
      this.#looked++
      if (isAllowed(row)) yield row
    }
  }

  /** Matches that may be held against a filter, in all. */
  get #mostLooked(): number {
    return this.#filter === undefined ? SELECTED_MAX_WALKED : FILTER_MAX_PROBES
  }

  readonly #isSelected = ({ rowid }: Row): boolean => this.#selected?.has(integer(rowid)) === true

  #probe({ sql, params }: TextFilter): (row: Row) => boolean {
    const probe = this.#database.prepare(`SELECT 1 AS hit FROM (${sql}) WHERE id = ? LIMIT 1`)
    return ({ id = null }) => probe.get(...params, id) !== undefined
  }

  /** The index has judged the tags already; what keeps spaces apart is looked at in the document itself. */
  #wanted(rows: readonly Row[]): readonly Row[] {
    if (this.#tags.length === 0) return rows
    return rows.filter((row) => {
      const tags = text(row.tags).split(' ')
      return this.#tags.every(({ tokens }) => tokens.some((token) => tags.includes(token)))
    })
  }

  #all(sql: string, ...params: readonly SqlValue[]): readonly Row[] {
    return this.#database.prepare(sql).all(...params)
  }
}

/** Tokens hold no quotes. */
function expression(tokens: readonly string[]): string {
  return `(${tokens.map((token) => `"${token}"`).join(' OR ')})`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
