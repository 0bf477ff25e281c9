import { foldText } from '../fold.ts'
import { familyOf, IN_BOOK, type PaperDate, type PaperFields, type PaperName, yearOf } from '../paper-fields.ts'
import { MONTH_MACROS } from './dates.ts'

const ENTRY_TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['article-journal', 'article'],
  ['article-magazine', 'article'],
  ['article-newspaper', 'article'],
  ['book', 'book'],
  ['chapter', 'incollection'],
  ['dataset', 'dataset'],
  ['entry-encyclopedia', 'inreference'],
  ['manuscript', 'unpublished'],
  ['paper-conference', 'inproceedings'],
  ['patent', 'patent'],
  ['periodical', 'periodical'],
  ['report', 'techreport'],
  ['review', 'review'],
  ['software', 'software'],
  ['standard', 'standard'],
  ['thesis', 'thesis'],
  ['webpage', 'online'],
])
/** Theses whose genre is in the name of the entry. */
const THESES: ReadonlyMap<string | undefined, string> = new Map([
  ['PhD thesis', 'phdthesis'],
  ["Master's thesis", 'mastersthesis'],
])
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\textbraceleft{}',
  '}': '\\textbraceright{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '`': '\\textasciigrave{}',
}
/** What would be taken for a particle. */
const LOWER_WORD = /(?:^|\s)[^\p{L}]*\p{Ll}/u
const STOP_WORDS = new Set(
  'a an and at by das der die for from in is la le les of on or the to toward towards with'.split(' '),
)

/**
 * One paper as a BibTeX entry in UTF-8. Reading it back gives the same fields: see `paperOfEntry`.
 * Without a `key` one is made of the first author, the year and the title.
 */
export function writeBibtex(paper: PaperFields, key: string = citationKey(paper)): string {
  const lines = bibtexFields(paper).map(([name, value]) => `  ${name} = ${value},`)
  return [`@${entryTypeOf(paper)}{${key},`, ...lines, '}', ''].join('\n')
}

/** E.g. `lamport1978time`; ASCII letters and digits only. */
export function citationKey(paper: PaperFields): string {
  const [first] = paper.author ?? paper.editor ?? []
  const author = first === undefined ? '' : foldText(familyOf(first)).replaceAll(' ', '')
  const word = foldText(paper.title ?? '')
    .split(' ')
    .find((candidate) => !STOP_WORDS.has(candidate))
  return `${author}${yearOf(paper) ?? ''}${word ?? ''}`.replace(/[^a-z0-9]/g, '') || 'paper'
}

function bibtexFields(paper: PaperFields): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = []
  const put = (name: string, value: string | undefined, write: (text: string) => string = escaped): void => {
    if (value !== undefined && value !== '') fields.push([name, `{${write(value)}}`])
  }
  for (const name of ['author', 'editor', 'translator'] as const)
    put(name, paper[name]?.map(nameText).join(' and '), String)
  put('title', paper.title, protectedTitle)
  put(containerField(paper), paper['container-title'])
  fields.push(...dateFields(paper.issued))
  put('volume', paper.volume)
  put('number', paper.type?.startsWith('article-') ? paper.issue : paper.number)
  put('pages', paper.page, (text) => escaped(text).replace(/-(?:\{\}-)?/g, '--'))
  put('chapter', paper['chapter-number'])
  put('edition', paper.edition)
  put('version', paper.version)
  put('series', paper['collection-title'])
  put('eventtitle', paper['event-title'])
  put(publisherField(paper), paper.publisher)
  put('address', paper['publisher-place'])
  if (paper.type !== 'thesis' || !THESES.has(paper.genre)) put('type', paper.genre)
  put('doi', paper.DOI, verbatim)
  put('eprint', paper.arXiv, verbatim)
  if (paper.arXiv !== undefined) put('archiveprefix', 'arXiv')
  put('isbn', paper.ISBN)
  put('issn', paper.ISSN)
  put('pmid', paper.PMID)
  put('url', paper.URL, verbatim)
  put('langid', paper.language)
  put('keywords', paper.keyword?.join(', '))
  put('note', paper.note)
  put('abstract', paper.abstract)
  return fields
}

function entryTypeOf(paper: PaperFields): string {
  const thesis = paper.type === 'thesis' ? THESES.get(paper.genre) : undefined
  return thesis ?? ENTRY_TYPES.get(paper.type) ?? 'misc'
}

function containerField(paper: PaperFields): string {
  if (paper.type?.startsWith('article')) return 'journal'
  return IN_BOOK.has(paper.type) ? 'booktitle' : 'maintitle'
}

function publisherField(paper: PaperFields): string {
  return paper.type === 'thesis' ? 'school' : paper.type === 'report' ? 'institution' : 'publisher'
}

function dateFields(issued: PaperDate | undefined): (readonly [string, string])[] {
  const [from, to] = issued?.['date-parts'] ?? []
  if (from === undefined) return []
  const [year = 0, month, day] = from
  if (to !== undefined || year < 0)
    return [
      [
        'date',
        `{${[from, to]
          .filter((part) => part !== undefined)
          .map(isoDate)
          .join('/')}}`,
      ],
    ]
  const fields: [string, string][] = [['year', `{${isoYear(year)}}`]]
  if (month !== undefined) fields.push(['month', MONTH_MACROS[month - 1] ?? ''])
  if (day !== undefined) fields.push(['day', `{${day}}`])
  return fields
}

function isoDate([year = 0, ...rest]: readonly number[]): string {
  return [isoYear(year), ...rest.map((part) => String(part).padStart(2, '0'))].join('-')
}

function isoYear(year: number): string {
  return (year < 0 ? '-' : '') + String(Math.abs(year)).padStart(4, '0')
}

/** `von Last, Jr, First`, with braces around what would be read differently without them. */
function nameText(name: PaperName): string {
  if (name.literal === 'others') return 'others'
  if (name.literal !== undefined) return `{${escaped(name.literal)}}`
  const family = guarded(name.family ?? '', isSplit(name.family ?? '') || LOWER_WORD.test(name.family ?? ''))
  const particle = name['non-dropping-particle']
  const last = particle === undefined ? family : `${escaped(particle)} ${family}`
  const given = name.given === undefined ? '' : guarded(name.given, isSplit(name.given))
  if (name.suffix !== undefined) return `${last}, ${guarded(name.suffix, isSplit(name.suffix))}, ${given || '{}'}`
  return given === '' ? `${last},` : `${last}, ${given}`
}

/** Whether a list of names would come apart here. */
function isSplit(text: string): boolean {
  return /,|\band\b/i.test(text)
}

function guarded(text: string, needed: boolean): string {
  return needed ? `{${escaped(text)}}` : escaped(text)
}

/** Words with capitals inside keep them in styles that lower the case of titles. */
function protectedTitle(title: string): string {
  return escaped(title).replace(/[\p{L}\p{N}]+/gu, (word) => (/^.+\p{Lu}/u.test(word) ? `{${word}}` : word))
}

function escaped(text: string): string {
  return text
    .replace(/[\\{}~^`]/g, (char) => ESCAPES[char] ?? char)
    .replace(/[$&%#_]/g, '\\$&')
    .replace(/-(?=-)/g, '-{}')
    .replace(/'(?=')/g, "'{}")
}

function verbatim(text: string): string {
  return text.replace(/[\\{}\s]/g, encodeURIComponent)
}
