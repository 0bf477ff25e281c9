import { normaliseArxiv, normaliseDoi, normaliseIsbn } from '../ids.ts'
import {
  IN_BOOK,
  KEYWORD_MAX_CHARS,
  KEYWORDS_MAX,
  NAME_PART_MAX_CHARS,
  type PaperFields,
  type PaperName,
  type PaperType,
  TEXT_MAX_CHARS,
  type TextField,
} from '../paper-fields.ts'
import { parseDate } from './dates.ts'
import type { BibtexEntry } from './entry.ts'
import { decodeLatex, decodeVerbatim } from './latex.ts'
import { parseNames } from './names.ts'

const TYPES: ReadonlyMap<string, PaperType> = new Map<string, PaperType>([
  ['article', 'article-journal'],
  ['suppperiodical', 'article-journal'],
  ['inproceedings', 'paper-conference'],
  ['conference', 'paper-conference'],
  ['proceedings', 'book'],
  ['mvproceedings', 'book'],
  ['book', 'book'],
  ['mvbook', 'book'],
  ['booklet', 'book'],
  ['manual', 'book'],
  ['collection', 'book'],
  ['mvcollection', 'book'],
  ['reference', 'book'],
  ['mvreference', 'book'],
  ['inbook', 'chapter'],
  ['bookinbook', 'chapter'],
  ['suppbook', 'chapter'],
  ['incollection', 'chapter'],
  ['suppcollection', 'chapter'],
  ['inreference', 'entry-encyclopedia'],
  ['phdthesis', 'thesis'],
  ['mastersthesis', 'thesis'],
  ['thesis', 'thesis'],
  ['techreport', 'report'],
  ['report', 'report'],
  ['unpublished', 'manuscript'],
  ['online', 'webpage'],
  ['electronic', 'webpage'],
  ['www', 'webpage'],
  ['patent', 'patent'],
  ['periodical', 'periodical'],
  ['standard', 'standard'],
  ['dataset', 'dataset'],
  ['data', 'dataset'],
  ['software', 'software'],
  ['review', 'review'],
])
const GENRES: ReadonlyMap<string, string> = new Map<string, string>([
  ['phdthesis', 'PhD thesis'],
  ['mastersthesis', "Master's thesis"],
])
/** BibLaTeX's keys for kinds of theses and reports. */
const GENRE_KEYS: ReadonlyMap<string, string> = new Map<string, string>([
  ['phdthesis', 'PhD thesis'],
  ['mathesis', "Master's thesis"],
  ['bathesis', "Bachelor's thesis"],
  ['candthesis', 'Candidate thesis'],
  ['techreport', 'Technical report'],
  ['resreport', 'Research report'],
])
/** A field that begins like this says where the paper itself is; further on in a text it may speak of another one. */
const ARXIV_PREPRINT =
  /^(?:(?:e-?print|preprint|available|as|at|on|from|arxiv|corr)[\s:,]*)*?\barxiv[:\s]\s*((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?\/\d{7})(?:v\d+)?)/i
const ISBN = /(?:97[89][\s\-–]?)?(?:\d[\s\-–]?){9}[\dX]/gi
const URL_COMMAND = /\\url\s*\{([^{}]*)\}/
const PAGE_DASH = /\s*[-‐–—]+\s*/g

/** What an entry says, decoded, in CSL-JSON terms. Fields that say nothing about the work itself are left out. */
export function paperOfEntry(entry: BibtexEntry): PaperFields {
  const read = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = entry.fields.get(name)
      if (value === undefined) continue
      const text = decodeLatex(value)
      if (text !== '') return text
    }
    return ''
  }
  const fields = new FieldList()
  const arxiv = arxivOf(entry.fields)
  const type = typeOf(entry.type, arxiv !== undefined)
  fields.set('type', type)
  for (const name of ['author', 'editor', 'translator'] as const) fields.set(name, namesOf(entry.fields.get(name)))
  fields.set('issued', parseDate(entry.fields))
  fields.set('keyword', keywordsOf(read('keywords', 'keyword')))
  fields.text('title', joined(read('title'), read('subtitle')))
  fields.text('container-title', containerOf(type, read))
  fields.text('collection-title', read('series'))
  fields.text('event-title', read('eventtitle'))
  fields.text('publisher', read('publisher', 'institution', 'school', 'organization'))
  fields.text('publisher-place', read('location', 'address'))
  fields.text('volume', read('volume'))
  fields.text(type.startsWith('article-') ? 'issue' : 'number', read('number', 'issue'))
  fields.text('page', read('pages', 'eid').replace(PAGE_DASH, '-'))
  fields.text('chapter-number', read('chapter'))
  fields.text('edition', read('edition'))
  fields.text('version', read('version') || (arxiv?.version?.toString() ?? ''))
  fields.text('genre', genreOf(entry.type, read('type')))
  fields.text('language', read('langid', 'language'))
  fields.text('note', read('note'))
  fields.text('abstract', read('abstract'))
  identifiers(entry.fields, arxiv?.id, fields)
  return fields.done()
}

/** What has no better place than arXiv is a preprint. */
function typeOf(entryType: string, onArxiv: boolean): PaperType {
  const type = TYPES.get(entryType) ?? 'document'
  return onArxiv && (type === 'document' || type === 'webpage') ? 'article' : type
}

type Read = (...names: readonly string[]) => string

/** Collects what is there; text beyond a field's limit is cut with an ellipsis. */
class FieldList {
  readonly #fields: Record<string, unknown> = {}

  set(name: keyof PaperFields, value: unknown): void {
    if (value !== undefined) this.#fields[name] = value
  }

  text(name: Exclude<TextField, 'type'>, value: string): void {
    if (value !== '') this.#fields[name] = clipped(value, TEXT_MAX_CHARS[name])
  }

  done(): PaperFields {
    return this.#fields as PaperFields
  }
}

function clipped(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`
}

function namesOf(value: string | undefined): readonly PaperName[] | undefined {
  if (value === undefined) return undefined
  const names = parseNames(value)
  const fits = (name: PaperName): boolean => Object.values(name).every((part) => part.length <= NAME_PART_MAX_CHARS)
  if (names.every(fits)) return names.length === 0 ? undefined : names
  return names.map((name) =>
    Object.fromEntries(Object.entries(name).map(([part, text]) => [part, clipped(text, NAME_PART_MAX_CHARS)])),
  )
}

function keywordsOf(text: string): readonly string[] | undefined {
  const words = text
    .split(/[,;]/)
    .map((word) => word.trim())
    .filter((word) => word !== '' && word.length <= KEYWORD_MAX_CHARS)
  const unique = [...new Set(words)].slice(0, KEYWORDS_MAX)
  return unique.length === 0 ? undefined : unique
}

function joined(title: string, subtitle: string): string {
  if (subtitle === '' || title === '') return title || subtitle
  return /[:?!.]$/.test(title) ? `${title} ${subtitle}` : `${title}: ${subtitle}`
}

function containerOf(type: PaperType, read: Read): string {
  const book = (): string => joined(read('booktitle'), read('booksubtitle'))
  const journal = (): string => joined(read('journaltitle', 'journal'), read('journalsubtitle'))
  const main = (): string => joined(read('maintitle'), read('mainsubtitle'))
  if (type === 'book') return main()
  return IN_BOOK.has(type) ? book() || main() || journal() : journal() || book() || main()
}

function genreOf(entryType: string, type: string): string {
  return GENRE_KEYS.get(type.toLowerCase()) ?? (type || (GENRES.get(entryType) ?? ''))
}

function arxivOf(fields: ReadonlyMap<string, string>): ReturnType<typeof normaliseArxiv> {
  const eprint = fields.get('eprint') ?? fields.get('arxivid')
  const archive = (fields.get('eprinttype') ?? fields.get('archiveprefix') ?? 'arxiv').toLowerCase()
  const byField = eprint !== undefined && archive === 'arxiv' ? normaliseArxiv(decodeVerbatim(eprint)) : undefined
  if (byField !== undefined) return byField
  const doi = fields.get('doi')
  const byDoi = doi?.toLowerCase().includes('arxiv') ? normaliseArxiv(decodeVerbatim(doi)) : undefined
  if (byDoi !== undefined) return byDoi
  // How dblp writes it: the journal is CoRR and the volume `abs/...`.
  const byVolume = normaliseArxiv(/^abs\/(.+)$/.exec(decodeVerbatim(fields.get('volume') ?? ''))?.[1] ?? '')
  if (byVolume !== undefined) return byVolume
  const byUrl = normaliseArxiv(decodeVerbatim(fields.get('url') ?? ''))
  if (byUrl !== undefined) return byUrl
  for (const name of ['journal', 'journaltitle', 'howpublished', 'note', 'publisher']) {
    const value = fields.get(name)
    if (value === undefined || !/arxiv/i.test(value)) continue
    const found = normaliseArxiv(ARXIV_PREPRINT.exec(decodeLatex(value))?.[1] ?? '')
    if (found !== undefined) return found
  }
  return undefined
}

function identifiers(source: ReadonlyMap<string, string>, arxiv: string | undefined, fields: FieldList): void {
  const raw = (name: string): string => decodeVerbatim(source.get(name) ?? '')
  const url = raw('url') || decodeVerbatim(URL_COMMAND.exec(source.get('howpublished') ?? '')?.[1] ?? '')
  const doi = normaliseDoi(raw('doi')) ?? (/doi\.org\//i.test(url) ? normaliseDoi(url) : undefined)
  // arXiv's own DOI says no more than the arXiv identifier.
  if (doi !== undefined && !(arxiv !== undefined && doi.startsWith('10.48550/'))) fields.text('DOI', doi)
  fields.text('arXiv', arxiv ?? '')
  const isbns = decodeLatex(source.get('isbn') ?? '').match(ISBN) ?? []
  fields.text('ISBN', isbns.map(normaliseIsbn).find((isbn) => isbn !== undefined) ?? '')
  fields.text('ISSN', decodeLatex(source.get('issn') ?? ''))
  fields.text('PMID', /^\d{1,10}$/.exec(raw('pmid'))?.[0] ?? '')
  if (/^https?:\/\//i.test(url) && (doi === undefined || normaliseDoi(url) !== doi)) fields.text('URL', url)
}
