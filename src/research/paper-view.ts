import type { PeerId, RecordId } from '../base/index.ts'
import type { StoredRecord, View } from '../records/index.ts'
import { type Database, type Row, type SqlValue, text } from '../store/index.ts'
import { foldText } from './fold.ts'
import { familyOf, type PaperFields, type PaperName, yearOf } from './paper-fields.ts'
import { strongIdsOf } from './paper-id.ts'
import type { PaperIndex } from './paper-index.ts'
import { type PlacedStatement, shownFields } from './provenance.ts'
import { type Intent, RESEARCH_KIND, readCitations, readStatement } from './record-bodies.ts'

const SPACE_ID_CHARS = 64

/** All that is known of one paper in one space. */
export interface PaperState {
  readonly statements: readonly PlacedStatement[]
  readonly citations: readonly PlacedCitation[]
}

interface PlacedCitation {
  readonly cited: string
  readonly intent: Intent
  readonly record: RecordId
  readonly author: PeerId
  readonly hlc: number
}

/** Every statement stays; `view_research_paper` holds what is shown of them. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS view_research_paper (
  space TEXT NOT NULL, paper TEXT NOT NULL, year INTEGER, title TEXT NOT NULL, fields TEXT NOT NULL,
  source TEXT NOT NULL, record TEXT NOT NULL, author TEXT NOT NULL, hlc INTEGER NOT NULL,
  PRIMARY KEY (space, paper)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS view_research_paper_year ON view_research_paper (space, year DESC, paper);
CREATE TABLE IF NOT EXISTS view_research_statement (
  paper TEXT NOT NULL, space TEXT NOT NULL, record TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL,
  hlc INTEGER NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (paper, space, record)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS view_research_alias (
  alias TEXT NOT NULL, space TEXT NOT NULL, paper TEXT NOT NULL, PRIMARY KEY (alias, space, paper)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS view_research_creator (
  space TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, paper TEXT NOT NULL,
  PRIMARY KEY (space, family, given, paper)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS view_research_keyword (
  space TEXT NOT NULL, keyword TEXT NOT NULL, paper TEXT NOT NULL, PRIMARY KEY (space, keyword, paper)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS view_research_citation (
  space TEXT NOT NULL, citing TEXT NOT NULL, cited TEXT NOT NULL, intent TEXT NOT NULL, record TEXT NOT NULL,
  author TEXT NOT NULL, hlc INTEGER NOT NULL, PRIMARY KEY (space, citing, cited, intent)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS view_research_citation_cited ON view_research_citation (cited, space);
CREATE TABLE IF NOT EXISTS view_research_count (
  space TEXT PRIMARY KEY, papers INTEGER NOT NULL, citations INTEGER NOT NULL) STRICT, WITHOUT ROWID;`

const TABLES = ['paper', 'statement', 'alias', 'creator', 'keyword', 'citation', 'count'].map(
  (name) => `view_research_${name}`,
)

/**
 * Folds what is said about papers and which papers they cite. An entity is one paper in one space: nothing of a space shows
 * in the rows of another.
 */
export function paperView(index: PaperIndex): View<PaperState> {
  return {
    domain: 'research',
    version: 2,
    kinds: [RESEARCH_KIND.paper, RESEARCH_KIND.citation],
    schema: SCHEMA,
    tables: TABLES,
    entitiesOf,
    fold: (_entity, records) => foldPaper(records),
    write: (database, entity, state) => {
      const rows = new PaperRows(database, entity)
      const { known, citations } = rows.clear()
      if (state !== undefined) rows.insert(state)
      const isThere = state !== undefined && state.statements.length > 0
      rows.count(Number(isThere) - Number(known), (state?.citations.length ?? 0) - citations)
      if (isThere) {
        index.put(rows.space, rows.paper, shownFields(state.statements).fields)
      } else if (known) index.remove(rows.space, rows.paper)
    },
  }
}

function entitiesOf(record: StoredRecord): readonly string[] {
  const paper =
    record.kind === RESEARCH_KIND.paper ? readStatement(record.body)?.paper : readCitations(record.body)?.citing
  return paper === undefined ? [] : [`${record.space}${paper}`]
}

/** Depends on the set of records only. */
export function foldPaper(records: readonly StoredRecord[]): PaperState {
  const statements = new Map<string, PlacedStatement>()
  const citations = new Map<string, PlacedCitation>()
  for (const record of records) {
    const { id, author, hlc } = record
    if (record.kind === RESEARCH_KIND.paper) {
      const statement = readStatement(record.body)
      if (statement === undefined) continue
      statements.set(id, { record: id, author, hlc, source: statement.source, fields: statement.fields })
      continue
    }
    for (const { cited, intent } of readCitations(record.body)?.cites ?? []) {
      // The first to say so is named, however many repeat it.
      const key = `${cited}\n${intent}`
      const known = citations.get(key)
      const earlier = known === undefined || hlc < known.hlc || (hlc === known.hlc && id < known.record)
      if (earlier) citations.set(key, { cited, intent, record: id, author, hlc })
    }
  }
  return { statements: [...statements.values()], citations: [...citations.values()] }
}

class PaperRows {
  readonly space: string
  readonly paper: string
  readonly #database: Database

  constructor(database: Database, entity: string) {
    this.#database = database
    this.space = entity.slice(0, SPACE_ID_CHARS)
    this.paper = entity.slice(SPACE_ID_CHARS)
  }

  /** Says what there was. */
  clear(): { readonly known: boolean; readonly citations: number } {
    const row = this.#database
      .prepare('SELECT fields FROM view_research_paper WHERE space = ? AND paper = ?')
      .get(this.space, this.paper)
    if (row !== undefined) this.#clearPaper(fieldsOfRow(row))
    const { changes } = this.#database
      .prepare('DELETE FROM view_research_citation WHERE space = ? AND citing = ?')
      .run(this.space, this.paper)
    return { known: row !== undefined, citations: changes }
  }

  /** Keeps the totals of the space, so that nobody has to count its rows. */
  count(papers: number, citations: number): void {
    if (papers === 0 && citations === 0) return
    this.#run(
      `INSERT INTO view_research_count VALUES (?, ?, ?)
       ON CONFLICT (space) DO UPDATE SET papers = papers + excluded.papers, citations = citations + excluded.citations`,
      this.space,
      papers,
      citations,
    )
    this.#run('DELETE FROM view_research_count WHERE space = ? AND papers = 0 AND citations = 0', this.space)
  }

  #clearPaper(shown: PaperFields): void {
    const { space, paper } = this
    const statements = this.#database
      .prepare('SELECT fields FROM view_research_statement WHERE paper = ? AND space = ?')
      .all(paper, space)
    for (const alias of aliasesOf(statements.map(fieldsOfRow))) {
      this.#run('DELETE FROM view_research_alias WHERE alias = ? AND space = ? AND paper = ?', alias, space, paper)
    }
    for (const [family, given] of creatorsOf(shown)) {
      this.#run(
        'DELETE FROM view_research_creator WHERE space = ? AND family = ? AND given = ? AND paper = ?',
        space,
        family,
        given,
        paper,
      )
    }
    for (const keyword of keywordsOf(shown)) {
      this.#run(
        'DELETE FROM view_research_keyword WHERE space = ? AND keyword = ? AND paper = ?',
        space,
        keyword,
        paper,
      )
    }
    this.#run('DELETE FROM view_research_statement WHERE paper = ? AND space = ?', paper, space)
    this.#run('DELETE FROM view_research_paper WHERE space = ? AND paper = ?', space, paper)
  }

  insert(state: PaperState): void {
    if (state.statements.length > 0) this.#insertPaper(state.statements)
    for (const { cited, intent, record, author, hlc } of state.citations) {
      this.#insert('citation', this.space, this.paper, cited, intent, record, author, hlc)
    }
  }

  #insertPaper(statements: readonly PlacedStatement[]): void {
    const { space, paper } = this
    const { fields, origin } = shownFields(statements)
    // Named as the author: who gave the title, or whoever spoke last where nobody did.
    const { source, record, author, hlc } = origin.get('title') ?? (statements.at(-1) as PlacedStatement)
    this.#insert(
      'paper',
      space,
      paper,
      yearOf(fields) ?? null,
      fields.title ?? '',
      JSON.stringify(fields),
      source,
      record,
      author,
      hlc,
    )
    for (const each of statements) {
      this.#insert(
        'statement',
        paper,
        space,
        each.record,
        each.source,
        each.author,
        each.hlc,
        JSON.stringify(each.fields),
      )
    }
    for (const alias of aliasesOf(statements.map((statement) => statement.fields)))
      this.#insert('alias', alias, space, paper)
    for (const [family, given] of creatorsOf(fields)) this.#insert('creator', space, family, given, paper)
    for (const keyword of keywordsOf(fields)) this.#insert('keyword', space, keyword, paper)
  }

  #insert(table: string, ...values: readonly SqlValue[]): void {
    this.#run(`INSERT OR REPLACE INTO view_research_${table} VALUES (${values.map(() => '?').join(', ')})`, ...values)
  }

  #run(sql: string, ...values: readonly SqlValue[]): void {
    this.#database.prepare(sql).run(...values)
  }
}

/** The fields that a row of `paper` or `statement` holds. */
export function fieldsOfRow(row: Row): PaperFields {
  return JSON.parse(text(row.fields)) as PaperFields
}

/** Every identifier that any statement gives. */
function aliasesOf(statements: readonly PaperFields[]): ReadonlySet<string> {
  return new Set(statements.flatMap(strongIdsOf))
}

function creatorsOf(fields: PaperFields): readonly (readonly [string, string])[] {
  return [...(fields.author ?? []), ...(fields.editor ?? [])].map(creatorKey)
}

/** How a person is filed: folded family name and folded given names. */
export function creatorKey(name: PaperName): readonly [string, string] {
  return [foldText(familyOf({ ...name, 'non-dropping-particle': '' })), foldText(name.given ?? '')]
}

function keywordsOf(fields: PaperFields): ReadonlySet<string> {
  return new Set((fields.keyword ?? []).map(foldText).filter((keyword) => keyword !== ''))
}
