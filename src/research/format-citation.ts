import { writeBibtex } from './bibtex/write.ts'
import { familyOf, IN_BOOK, type PaperFields, type PaperName, yearOf } from './paper-fields.ts'

export const CITATION_STYLES = ['bibtex', 'apa', 'ieee'] as const
export type CitationStyle = (typeof CITATION_STYLES)[number]

const MONTHS = ['Jan.', 'Feb.', 'Mar.', 'Apr.', 'May', 'June', 'July', 'Aug.', 'Sept.', 'Oct.', 'Nov.', 'Dec.']
/** From this many authors on, APA shows the first nineteen and the last, IEEE the first alone. */
const APA_AUTHORS_MAX = 20
const IEEE_AUTHORS_MAX = 6

/** A reference to paste: plain text, without the italics that the styles ask for. */
export function formatCitation(paper: PaperFields, style: CitationStyle): string {
  if (style === 'bibtex') return writeBibtex(paper)
  return style === 'apa' ? apa(paper) : ieee(paper)
}

/** Publication Manual of the APA, 7th edition, chapters 9 and 10. */
function apa(paper: PaperFields): string {
  const people = paper.author ?? paper.editor ?? []
  const isEdited = paper.author === undefined && paper.editor !== undefined
  const role = isEdited ? (people.length > 1 ? ' (Eds.).' : ' (Ed.).') : ''
  const names = people.map((name) => name.literal ?? joined([familyOf(name), initials(name), name.suffix], ', '))
  const who = apaList(names)
  const when = `(${yearText(paper) ?? 'n.d.'})`
  const title = sentence(`${paper.title ?? '[Untitled]'}${apaDetail(paper)}`)
  // A work without people is filed under its title.
  const head = who === '' ? `${title} ${when}.` : `${role === '' ? sentence(who) : who + role} ${when}. ${title}`
  return joined([head, apaContainer(paper), linkOf(paper)], ' ')
}

function apaDetail(paper: PaperFields): string {
  if (paper.type === 'thesis') return ` [${joined([paper.genre ?? 'Thesis', paper.publisher], ', ')}]`
  if (paper.type === 'report' && paper.number !== undefined) return ` (${paper.genre ?? 'Report'} No. ${paper.number})`
  const volume = isBook(paper) && paper.volume !== undefined ? `Vol. ${paper.volume}` : undefined
  const parts = joined(
    [isBook(paper) && paper.edition !== undefined ? `${ordinal(paper.edition)} ed.` : undefined, volume],
    ', ',
  )
  return parts === '' ? '' : ` (${parts})`
}

function apaContainer(paper: PaperFields): string {
  const container = paper['container-title']
  const pages = dashed(paper.page)
  if (IN_BOOK.has(paper.type)) {
    const editors = (paper.editor ?? []).map((name) => name.literal ?? joined([initials(name), familyOf(name)], ' '))
    const by = editors.length === 0 ? '' : `${joinedWithAnd(editors, '&')} (${editors.length > 1 ? 'Eds.' : 'Ed.'}), `
    const where = joined(
      [paper.volume === undefined ? undefined : `Vol. ${paper.volume}`, pages === '' ? undefined : `pp. ${pages}`],
      ', ',
    )
    const book = container === undefined ? '' : sentence(`In ${by}${container}${where === '' ? '' : ` (${where})`}`)
    return joined([book, paper.publisher === undefined ? undefined : sentence(paper.publisher)], ' ')
  }
  if (container !== undefined) {
    const volume = `${paper.volume ?? ''}${paper.issue === undefined ? '' : `(${paper.issue})`}`
    return sentence(joined([container, volume, pages], ', '))
  }
  if (paper.arXiv !== undefined && paper.type === 'article') return 'arXiv.'
  return paper.publisher === undefined || paper.type === 'thesis' ? '' : sentence(paper.publisher)
}

function apaList(names: readonly string[]): string {
  const others = names.at(-1) === 'others'
  const known = others ? names.slice(0, -1) : names
  if (others) return `${known.join(', ')}, et al.`
  if (known.length > APA_AUTHORS_MAX) return `${known.slice(0, APA_AUTHORS_MAX - 1).join(', ')}, . . . ${known.at(-1)}`
  return known.length < 2 ? (known[0] ?? '') : `${known.slice(0, -1).join(', ')}, & ${known.at(-1)}`
}

/** IEEE Reference Guide, 2023. */
function ieee(paper: PaperFields): string {
  const people = paper.author ?? paper.editor ?? []
  const names = people.map((name) => name.literal ?? joined([initials(name), familyOf(name), name.suffix], ' '))
  const isEdited = paper.author === undefined && paper.editor !== undefined
  const who = joined([ieeeList(names), isEdited ? (names.length > 1 ? 'Eds.' : 'Ed.') : undefined], ', ')
  const title = paper.title ?? 'Untitled'
  const tail = ieeeTail(paper)
  const body = isBook(paper)
    ? ieeeBook(title, paper)
    : `“${title}${stopOf(title, tail === '' ? '.' : ',')}” ${tail}`.trim()
  const ids = paper.DOI === undefined && paper.arXiv === undefined && paper.URL !== undefined
  return joined([sentence(joined([who, body], ', ')), ids ? `[Online]. Available: ${paper.URL}` : undefined], ' ')
}

function ieeeBook(title: string, paper: PaperFields): string {
  const edition = paper.edition === undefined ? undefined : `${ordinal(paper.edition)} ed.`
  const volume = paper.volume === undefined ? undefined : `vol. ${paper.volume}`
  const imprint = joined(
    [joined([paper['publisher-place'], paper.publisher], ': '), yearText(paper), doiOf(paper)],
    ', ',
  )
  return joined([sentence(joined([title, volume, edition], ', ')), imprint], ' ')
}

function ieeeTail(paper: PaperFields): string {
  const container = paper['container-title']
  const inside = IN_BOOK.has(paper.type)
  const pages = dashed(paper.page)
  const where = pages === '' ? undefined : `${pages.includes('–') ? 'pp.' : 'p.'} ${pages}`
  const month = paper.issued?.['date-parts'][0]?.[1]
  const date = joined([month === undefined ? undefined : MONTHS[month - 1], yearText(paper)], ' ')
  return joined(
    [
      container === undefined ? undefined : inside ? `in ${container}` : container,
      paper.volume === undefined ? undefined : `vol. ${paper.volume}`,
      paper.issue === undefined ? undefined : `no. ${paper.issue}`,
      paper.type === 'thesis' ? paper.genre : undefined,
      container !== undefined && !inside ? undefined : paper.publisher,
      paper.type === 'report' ? joined([paper.genre ?? 'Rep.', paper.number], ' ') : undefined,
      ...(inside ? [date, where] : [where, date]),
      doiOf(paper),
    ],
    ', ',
  )
}

function doiOf(paper: PaperFields): string | undefined {
  if (paper.DOI !== undefined) return `doi: ${paper.DOI}`
  return paper.arXiv === undefined ? undefined : `arXiv:${paper.arXiv}`
}

function ieeeList(names: readonly string[]): string {
  const others = names.at(-1) === 'others'
  const known = others ? names.slice(0, -1) : names
  if (others || known.length > IEEE_AUTHORS_MAX) return `${known[0] ?? ''} et al.`
  return joinedWithAnd(known, 'and')
}

/** `A`, `A and B`, `A, B, and C`. */
function joinedWithAnd(names: readonly string[], and: string): string {
  if (names.length < 3) return names.join(` ${and} `)
  return `${names.slice(0, -1).join(', ')}, ${and} ${names.at(-1)}`
}

function initials(name: PaperName): string {
  const part = (word: string): string => (word === '' ? '' : `${[...word][0]?.toUpperCase()}.`)
  return (name.given ?? '')
    .split(/[\s.]+/)
    .filter((word) => word !== '')
    .map((word) => word.split('-').map(part).filter(Boolean).join('-'))
    .join(' ')
}

function linkOf(paper: PaperFields): string | undefined {
  if (paper.DOI !== undefined) return `https://doi.org/${paper.DOI}`
  return paper.arXiv === undefined ? paper.URL : `https://arxiv.org/abs/${paper.arXiv}`
}

function isBook(paper: PaperFields): boolean {
  return paper.type === 'book' || paper.type === 'periodical'
}

function ordinal(edition: string): string {
  if (!/^\d+$/.test(edition)) return edition.replace(/\s*ed(?:ition|\.)?$/i, '')
  const endings = ['th', 'st', 'nd', 'rd']
  const teen = Number(edition) % 100 >= 11 && Number(edition) % 100 <= 13
  return `${edition}${(teen ? undefined : endings[Number(edition) % 10]) ?? 'th'}`
}

function dashed(page: string | undefined): string {
  return (page ?? '').replace(/-/g, '–')
}

/** Years count from 0 in dates, and from 1 in both directions for people. */
function yearText(paper: PaperFields): string | undefined {
  const year = yearOf(paper)
  return year === undefined || year > 0 ? year?.toString() : `${1 - year} BCE`
}

/** Nothing behind a title that ends with a mark of its own. */
function stopOf(title: string, mark: string): string {
  return /[.?!]$/.test(title) ? '' : mark
}

function sentence(text: string): string {
  return /[.?!]”?$/.test(text) ? text : `${text}.`
}

function joined(parts: readonly (string | undefined)[], separator: string): string {
  return parts.filter((part) => part !== undefined && part !== '').join(separator)
}
