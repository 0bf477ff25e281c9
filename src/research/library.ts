import type { PeerId, RecordId, SpaceId } from '../base/index.ts'
import { type Database, integer, type Row, type SqlValue, type TextFilter, text } from '../store/index.ts'
import type { PaperFields } from './paper-fields.ts'
import type { PaperIndex } from './paper-index.ts'
import type { PaperQuery } from './paper-query.ts'
import { fieldsOfRow } from './paper-view.ts'
import type { PlacedStatement } from './provenance.ts'
import { INTENTS, type Intent, SOURCES, type Source } from './record-bodies.ts'

/** Edges shown of one paper in each direction. */
const CITATIONS_SHOWN_MAX = 200
/** Takes the ids of the spaces as one JSON array, so that the statement stays the same for any number of them. */
const IN_SPACES = 'space IN (SELECT value FROM json_each(?))'

/** A paper of one space as the tables hold it. */
export interface ShelvedPaper {
  readonly id: string
  readonly space: SpaceId
  readonly fields: PaperFields
  readonly source: Source
  readonly record: RecordId
  readonly author: PeerId
  readonly hlc: number
}

/** A statement as the tables hold it. */
export interface ShelvedStatement extends PlacedStatement {
  readonly space: SpaceId
}

/** A paper that met a query, with the weights of the query's terms in it. */
export interface LibraryHit {
  readonly paper: ShelvedPaper
  readonly weights: Readonly<Record<string, number>>
}

/** What one space here says to a query: the raw material of `rescore`. */
export interface LibraryAnswer {
  readonly space: SpaceId
  readonly documents: number
  readonly frequencies: Readonly<Record<string, number>>
  /** Best first. */
  readonly hits: readonly LibraryHit[]
}

export interface CitationEdge {
  readonly citing: string
  readonly cited: string
  readonly intent: Intent
  readonly record: RecordId
  readonly author: PeerId
  readonly hlc: number
  readonly space: SpaceId
}

/** Reads what the view has folded. Callers decide which spaces may be looked at. */
export class Library {
  readonly #database: Database
  readonly #index: PaperIndex

  constructor(database: Database, index: PaperIndex) {
    this.#database = database
    this.#index = index
  }

  async search(space: SpaceId, query: PaperQuery, limit: number, signal?: AbortSignal): Promise<LibraryAnswer> {
    const selected = this.#select(space, query)
    if (query.text === '') {
      const ids = this.#newest(selected ?? all(space), limit)
      const hits = ids.map((id) => ({ id, weights: {} }))
      return { space, documents: 0, frequencies: {}, hits: this.#shelved(space, hits) }
    }
    const options = { limit, within: selected, signal }
    const { documents, frequencies, hits } = await this.#index.search(space, query.text, options)
    return { space, documents, frequencies, hits: this.#shelved(space, hits) }
  }

  paper(space: SpaceId, id: string): ShelvedPaper | undefined {
    const row = this.#row('SELECT * FROM view_research_paper WHERE space = ? AND paper = ?', space, id)
    return row === undefined ? undefined : shelvedOf(row)
  }

  /** The papers that an id names, itself or as one of their identifiers, or whose id begins with it if only one does. */
  named(spaces: readonly SpaceId[], id: string): readonly string[] {
    const exact = this.#ids(
      `SELECT paper FROM view_research_statement WHERE paper = ? AND ${IN_SPACES}
       UNION SELECT paper FROM view_research_alias WHERE alias = ? AND ${IN_SPACES} ORDER BY 1`,
      id,
      JSON.stringify(spaces),
      id,
      JSON.stringify(spaces),
    )
    if (exact.length > 0 || !/^title:[0-9a-f]{4,31}$/.test(id)) return exact
    const beginning = this.#ids(
      `SELECT DISTINCT paper FROM view_research_statement WHERE paper >= ? AND paper < ? AND ${IN_SPACES} LIMIT 2`,
      id,
      `${id}g`,
      JSON.stringify(spaces),
    )
    return beginning.length === 1 ? beginning : []
  }

  statements(spaces: readonly SpaceId[], id: string): readonly ShelvedStatement[] {
    return this.#database
      .prepare(`SELECT * FROM view_research_statement WHERE paper = ? AND ${IN_SPACES} ORDER BY hlc, record`)
      .all(id, JSON.stringify(spaces))
      .map((row) => ({ ...placeOfRow(row), source: sourceOfRow(row), fields: fieldsOfRow(row) }))
  }

  /** The spaces of these that hold something about a paper. */
  spacesOf(spaces: readonly SpaceId[], id: string): readonly SpaceId[] {
    return this.#ids<SpaceId>(
      `SELECT DISTINCT space FROM view_research_statement WHERE paper = ? AND ${IN_SPACES} ORDER BY 1`,
      id,
      JSON.stringify(spaces),
    )
  }

  citations(spaces: readonly SpaceId[], end: 'citing' | 'cited', id: string): readonly CitationEdge[] {
    return this.#database
      .prepare(
        `SELECT * FROM view_research_citation WHERE ${end} = ? AND ${IN_SPACES}
         ORDER BY citing, cited, intent, space LIMIT ${CITATIONS_SHOWN_MAX}`,
      )
      .all(id, JSON.stringify(spaces))
      .map(edgeOf)
  }

  /** How many papers cite this one. */
  citedBy(spaces: readonly SpaceId[], id: string): number {
    return this.#count(
      `SELECT count(DISTINCT citing) AS n FROM view_research_citation WHERE cited = ? AND ${IN_SPACES}`,
      id,
      JSON.stringify(spaces),
    )
  }

  hasCitation(space: SpaceId, citing: string, cited: string, intent: Intent): boolean {
    const sql =
      'SELECT 1 AS hit FROM view_research_citation WHERE space = ? AND citing = ? AND cited = ? AND intent = ?'
    return this.#row(sql, space, citing, cited, intent) !== undefined
  }

  /** A paper counts once in each space that holds it. */
  figures(): { readonly papers: number; readonly citations: number } {
    const sql =
      'SELECT ifnull(sum(papers), 0) AS papers, ifnull(sum(citations), 0) AS citations FROM view_research_count'
    const row = this.#row(sql)
    return { papers: integer(row?.papers), citations: integer(row?.citations) }
  }

  /** The papers that meet all filters; `undefined` when there are none to meet. */
  #select(space: SpaceId, query: PaperQuery): TextFilter | undefined {
    const conditions: string[] = []
    const params: SqlValue[] = [space]
    const require = (sql: string, ...values: readonly SqlValue[]): void => {
      conditions.push(sql)
      params.push(...values)
    }
    for (const { family, given } of query.authors) {
      require(`paper IN (SELECT paper FROM view_research_creator WHERE space = ? AND family >= ? AND family < ?
         AND (given = '' OR substr(given, 1, length(?)) = ? OR substr(?, 1, length(given)) = given))`, space, family, `${family}\u{10ffff}`, given, given, given)
    }
    for (const { from, to } of query.years) require('year BETWEEN ? AND ?', from, to)
    for (const keyword of query.keywords) {
      require('paper IN (SELECT paper FROM view_research_keyword WHERE space = ? AND keyword >= ? AND keyword < ?)', space, keyword, `${keyword}\u{10ffff}`)
    }
    for (const cited of query.cites) {
      require(`paper IN (SELECT citing FROM view_research_citation WHERE space = ? AND (cited = ?
         OR cited IN (SELECT paper FROM view_research_alias WHERE alias = ? AND space = ?)))`, space, cited, cited, space)
    }
    if (query.id !== undefined) {
      require('(paper = ? OR paper IN (SELECT paper FROM view_research_alias WHERE alias = ? AND space = ?))', query.id, query.id, space)
    }
    if (conditions.length === 0) return undefined
    return { sql: `${all(space).sql} AND ${conditions.join(' AND ')}`, params }
  }

  #newest({ sql, params }: TextFilter, limit: number): readonly string[] {
    return this.#ids(`${sql} ORDER BY year DESC, paper LIMIT ?`, ...params, limit)
  }

  #shelved(
    space: SpaceId,
    hits: readonly { readonly id: string; readonly weights: LibraryHit['weights'] }[],
  ): readonly LibraryHit[] {
    return hits.flatMap(({ id, weights }) => {
      const paper = this.paper(space, id)
      return paper === undefined ? [] : [{ paper, weights }]
    })
  }

  #row(sql: string, ...params: readonly SqlValue[]): Row | undefined {
    return this.#database.prepare(sql).get(...params)
  }

  /** The first column of every row. */
  #ids<Id extends string = string>(sql: string, ...params: readonly SqlValue[]): readonly Id[] {
    return this.#database
      .prepare(sql)
      .all(...params)
      .map((row) => text<Id>(Object.values(row)[0]))
  }

  #count(sql: string, ...params: readonly SqlValue[]): number {
    return integer(this.#row(sql, ...params)?.n)
  }
}

function all(space: SpaceId): TextFilter {
  return { sql: 'SELECT paper AS id FROM view_research_paper WHERE space = ?', params: [space] }
}

function shelvedOf(row: Row): ShelvedPaper {
  return {
    ...placeOfRow(row),
    id: text(row.paper),
    fields: fieldsOfRow(row),
    source: sourceOfRow(row),
  }
}

function edgeOf(row: Row): CitationEdge {
  return {
    ...placeOfRow(row),
    citing: text(row.citing),
    cited: text(row.cited),
    intent: INTENTS.find((intent) => intent === row.intent) ?? 'cites',
  }
}

/** Who said it, when, in which record of which space. */
function placeOfRow(row: Row): Pick<ShelvedStatement, 'space' | 'record' | 'author' | 'hlc'> {
  return {
    space: text<SpaceId>(row.space),
    record: text<RecordId>(row.record),
    author: text<PeerId>(row.author),
    hlc: integer(row.hlc),
  }
}

function sourceOfRow(row: Row): Source {
  return SOURCES.find((source) => source === row.source) ?? 'agent'
}
