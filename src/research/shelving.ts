import type { Caller, SpaceId } from '../base/index.ts'
import { type Draft, type Journal, LOG_CLASS, type StoredRecord } from '../records/index.ts'
import type { Library } from './library.ts'
import { FIELD_NAMES, type PaperFields, sameValue } from './paper-fields.ts'
import { compareStatements, type PlacedStatement, rankOf, shownFields } from './provenance.ts'
import {
  CITATIONS_MAX,
  type CitationList,
  citationBody,
  RESEARCH_KIND,
  type Source,
  statementBodies,
} from './record-bodies.ts'

export interface Entry {
  readonly id: string
  readonly fields: PaperFields
}

/** What putting a paper on the shelf takes. */
export interface Shelving {
  /** Not yet in this space. */
  readonly isNew: boolean
  /** Nothing when all of it is known already; `undefined` when a single field fits in no record. */
  readonly drafts: readonly Draft[] | undefined
}

export interface ShelfComponents {
  readonly journal: Journal
  readonly library: Library
}

/** Where statements and citations of one caller in one space are written. */
export class Shelf {
  readonly space: SpaceId
  readonly #components: ShelfComponents
  readonly #caller: Caller

  constructor(components: ShelfComponents, space: SpaceId, caller: Caller) {
    this.#components = components
    this.space = space
    this.#caller = caller
  }

  /** The records that would add what `fields` say beyond what is known; nothing is written yet. */
  prepare({ id, fields }: Entry, source: Source): Shelving {
    const isNew = this.#components.library.paper(this.space, id) === undefined
    const known = isNew ? [] : this.#components.library.statements([this.space], id)
    const news = isNew ? fields : unsaid(fields, source, known)
    if (Object.keys(news).length === 0) return { isNew, drafts: [] }
    const bodies = statementBodies(id, source, news, this.#caller)
    return { isNew, drafts: bodies?.map((body) => this.#draft(RESEARCH_KIND.paper, body)) }
  }

  /** The records that would add those of the citations that are not known yet. */
  prepareCitations({ citing, cites }: CitationList): { readonly drafts: readonly Draft[]; readonly added: number } {
    const isNews = ({ cited, intent }: CitationList['cites'][number]): boolean =>
      cited !== citing && !this.#components.library.hasCitation(this.space, citing, cited, intent)
    const news = [...new Map(cites.filter(isNews).map((cite) => [`${cite.cited}\n${cite.intent}`, cite])).values()]
    const drafts: Draft[] = []
    for (let from = 0; from < news.length; from += CITATIONS_MAX) {
      const body = citationBody({ citing, cites: news.slice(from, from + CITATIONS_MAX) }, this.#caller)
      drafts.push(this.#draft(RESEARCH_KIND.citation, body))
    }
    return { drafts, added: news.length }
  }

  async write(drafts: readonly Draft[]): Promise<readonly StoredRecord[]> {
    return drafts.length === 0 ? [] : this.#components.journal.appendAll(drafts)
  }

  #draft(kind: number, body: Draft['body']): Draft {
    return { space: this.space, class: LOG_CLASS.durable, kind, body }
  }
}

/**
 * The fields worth a record. An import repeats nothing that has been said with the same weight or more, so that reading a file
 * twice changes nothing; a person or an agent repeats only what is not shown.
 */
function unsaid(fields: PaperFields, source: Source, known: readonly PlacedStatement[]): PaperFields {
  const { origin } = shownFields(known)
  const weighty = known.filter((statement) => rankOf(statement.source) >= rankOf(source)).sort(compareStatements)
  const isSaid = (name: keyof PaperFields): boolean => {
    const against = source === 'import' ? weighty : weighty.filter((statement) => statement === origin.get(name))
    return against.some((statement) => sameValue(statement.fields[name], fields[name]))
  }
  return Object.fromEntries(
    FIELD_NAMES.filter((name) => fields[name] !== undefined && !isSaid(name)).map((name) => [name, fields[name]]),
  ) as PaperFields
}
