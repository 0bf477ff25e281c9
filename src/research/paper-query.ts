import { parseName } from './bibtex/names.ts'
import { ResearchError } from './errors.ts'
import { foldText } from './fold.ts'
import { idOfReference } from './paper-id.ts'
import { creatorKey } from './paper-view.ts'

export const QUERY_MAX_CHARS = 1_000
/** Filters in one query. */
const FILTERS_MAX = 16

/** A query, taken apart. All filters must hold; `text` ranks. */
export interface PaperQuery {
  readonly text: string
  readonly authors: readonly { readonly family: string; readonly given: string }[]
  readonly years: readonly { readonly from: number; readonly to: number }[]
  readonly keywords: readonly string[]
  /** Papers that must be cited. */
  readonly cites: readonly string[]
  /** The query is an identifier and nothing else. */
  readonly id: string | undefined
}

const TOKEN = /(\w+):(?:"([^"]*)"|(\S+))|"([^"]*)"|(\S+)/g
const YEARS = /^(\d{1,4})?(\.\.)?(\d{1,4})?$/

/**
 * `author:lamport`, `author:"Lamport, Leslie"`, `year:1978`, `year:2019..`, `year:..2000`, `topic:` or `keyword:`, `cites:` with the
 * id of a paper; everything else is searched as text. Throws `ERR_PAPER_QUERY` for a filter that makes no sense.
 */
export function parsePaperQuery(query: string): PaperQuery {
  if (query.length > QUERY_MAX_CHARS)
    throw queryError(`a query has at most ${QUERY_MAX_CHARS} characters`, 'Ask for fewer words.')
  const text: string[] = []
  const authors: { family: string; given: string }[] = []
  const years: { from: number; to: number }[] = []
  const keywords: string[] = []
  const cites: string[] = []
  const filters: Readonly<Record<string, (value: string) => void>> = {
    author: (value) => authors.push(authorOf(value)),
    year: (value) => years.push(yearsOf(value)),
    topic: (value) => keywords.push(foldText(value)),
    keyword: (value) => keywords.push(foldText(value)),
    cites: (value) => cites.push(citedOf(value)),
  }
  const id = idOfReference(query)
  for (const [whole, name = '', quoted, bare] of id === undefined ? query.matchAll(TOKEN) : []) {
    const filter = Object.hasOwn(filters, name.toLowerCase()) ? filters[name.toLowerCase()] : undefined
    if (filter === undefined) text.push(whole)
    else filter(quoted ?? bare ?? '')
  }
  if (authors.length + years.length + keywords.length + cites.length > FILTERS_MAX) {
    throw queryError(`a query has at most ${FILTERS_MAX} filters`, 'Leave some out.')
  }
  return { text: text.join(' '), authors, years, keywords, cites, id }
}

function authorOf(value: string): { family: string; given: string } {
  const name = parseName(value)
  const [family, given] = name === undefined ? ['', ''] : creatorKey(name)
  if (family === '')
    throw queryError(
      `author:${JSON.stringify(value)} names nobody`,
      'Write author:lamport or author:"Lamport, Leslie".',
    )
  return { family, given }
}

function yearsOf(value: string): { from: number; to: number } {
  const [, from, range, to] = YEARS.exec(value) ?? []
  if ((from ?? to) === undefined || (range === undefined && to !== undefined)) {
    throw queryError(
      `year:${JSON.stringify(value)} is not a year or a range`,
      'Write year:2019, year:2019.., year:..2019 or year:2015..2019.',
    )
  }
  const first = from === undefined ? -9_999 : Number(from)
  return { from: first, to: range === undefined ? first : to === undefined ? 9_999 : Number(to) }
}

function citedOf(value: string): string {
  const id = idOfReference(value)
  if (id === undefined)
    throw queryError(
      `cites:${JSON.stringify(value)} is no id of a paper`,
      'Give a DOI, an arXiv id, or the id that find shows.',
    )
  return id
}

function queryError(message: string, fix: string): ResearchError {
  return new ResearchError('ERR_PAPER_QUERY', message, { fix })
}
