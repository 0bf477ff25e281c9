import { isMap } from '../base/index.ts'
import { normaliseArxiv, normaliseDoi, normaliseIsbn } from './ids.ts'

/** The parts of a name, as in CSL-JSON. `literal` stands alone: an organisation, or `others` at the end of a list. */
export interface PaperName {
  readonly family?: string
  readonly given?: string
  readonly 'non-dropping-particle'?: string
  readonly suffix?: string
  readonly literal?: string
}

/** `[[2019]]`, `[[2019, 5, 1]]`, or two of them for a range, as in CSL-JSON. */
export interface PaperDate {
  readonly 'date-parts': readonly (readonly number[])[]
}

/**
 * What is known of a paper, in the terms of CSL-JSON 1.0.2 (docs.citationstyles.org). Two differences: `keyword` is a
 * list, and `arXiv` is a field of its own.
 */
export interface PaperFields {
  readonly type?: PaperType
  readonly title?: string
  readonly author?: readonly PaperName[]
  readonly editor?: readonly PaperName[]
  readonly translator?: readonly PaperName[]
  readonly issued?: PaperDate
  readonly 'container-title'?: string
  readonly 'collection-title'?: string
  readonly 'event-title'?: string
  readonly publisher?: string
  readonly 'publisher-place'?: string
  readonly volume?: string
  readonly issue?: string
  readonly number?: string
  readonly page?: string
  readonly 'chapter-number'?: string
  readonly edition?: string
  readonly version?: string
  readonly genre?: string
  /** Normal form: lower-case, without a resolver. */
  readonly DOI?: string
  /** Without a version. */
  readonly arXiv?: string
  /** Thirteen digits. */
  readonly ISBN?: string
  readonly ISSN?: string
  readonly PMID?: string
  readonly URL?: string
  readonly language?: string
  readonly keyword?: readonly string[]
  readonly note?: string
  readonly abstract?: string
}

export const PAPER_TYPES = [
  'article',
  'article-journal',
  'article-magazine',
  'article-newspaper',
  'book',
  'chapter',
  'dataset',
  'document',
  'entry-encyclopedia',
  'manuscript',
  'paper-conference',
  'patent',
  'periodical',
  'report',
  'review',
  'software',
  'speech',
  'standard',
  'thesis',
  'webpage',
] as const
export type PaperType = (typeof PAPER_TYPES)[number]
/** Papers that are part of a book: their container is that and no journal. */
export const IN_BOOK: ReadonlySet<PaperType | undefined> = new Set<PaperType | undefined>([
  'chapter',
  'paper-conference',
  'entry-encyclopedia',
])

export type TextField = {
  [Name in keyof PaperFields]-?: Exclude<PaperFields[Name], undefined> extends string ? Name : never
}[keyof PaperFields]

/** The longest text of each field, in characters. */
export const TEXT_MAX_CHARS: Readonly<Record<Exclude<TextField, 'type'>, number>> = {
  title: 2_000,
  'container-title': 1_000,
  'collection-title': 1_000,
  'event-title': 1_000,
  publisher: 500,
  'publisher-place': 500,
  volume: 100,
  issue: 100,
  number: 100,
  page: 200,
  'chapter-number': 100,
  edition: 100,
  version: 100,
  genre: 200,
  DOI: 256,
  arXiv: 64,
  ISBN: 13,
  ISSN: 50,
  PMID: 20,
  URL: 2_000,
  language: 100,
  note: 4_000,
  abstract: 20_000,
}
export const NAMES_MAX = 1_000
export const NAME_PART_MAX_CHARS = 200
export const KEYWORDS_MAX = 100
export const KEYWORD_MAX_CHARS = 200

const NAME_PARTS = ['family', 'given', 'non-dropping-particle', 'suffix', 'literal'] as const
const TEXT_FIELDS = Object.keys(TEXT_MAX_CHARS) as Exclude<TextField, 'type'>[]
const NAME_FIELDS = ['author', 'editor', 'translator'] as const
export const FIELD_NAMES: readonly (keyof PaperFields)[] = ['type', ...NAME_FIELDS, 'issued', 'keyword', ...TEXT_FIELDS]

/**
 * Takes from foreign data what are fields of a paper, in their one order and normal form. A field of the wrong type, too long or
 * unknown is left out; nothing else of the value survives. Never throws.
 */
export function readFields(value: unknown): PaperFields {
  if (!isMap(value)) return {}
  const fields: Record<string, unknown> = {}
  const take = (name: keyof PaperFields, found: unknown): void => {
    if (found !== undefined) fields[name] = found
  }
  const type = PAPER_TYPES.find((known) => known === value.type)
  take('type', type)
  for (const name of NAME_FIELDS) take(name, readNames(value[name]))
  take('issued', readDate(value.issued))
  take('keyword', readKeywords(value.keyword))
  for (const name of TEXT_FIELDS) take(name, readText(name, value[name]))
  return fields as PaperFields
}

/** The year of publication. */
export function yearOf(fields: PaperFields): number | undefined {
  return fields.issued?.['date-parts'][0]?.[0]
}

/** What stands for a person in lists: the family name with its particle, or the literal. */
export function familyOf(name: PaperName): string {
  return name.literal ?? [name['non-dropping-particle'], name.family].filter((part) => part !== undefined).join(' ')
}

/** Whether two values of a field say the same; both in the form that `readFields` gives. */
export function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function readText(name: Exclude<TextField, 'type'>, value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX_CHARS[name]) return undefined
  if (name === 'DOI') return normaliseDoi(value)
  if (name === 'arXiv') return normaliseArxiv(value)?.id
  if (name === 'ISBN') return normaliseIsbn(value)
  return value
}

function readNames(value: unknown): readonly PaperName[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > NAMES_MAX) return undefined
  const names = value.map(readName)
  return names.every((name) => name !== undefined) ? names : undefined
}

function readName(value: unknown): PaperName | undefined {
  if (!isMap(value)) return undefined
  const name: Record<string, string> = {}
  for (const part of NAME_PARTS) {
    const text = value[part]
    if (typeof text === 'string' && text !== '' && text.length <= NAME_PART_MAX_CHARS) name[part] = text
  }
  return name.family === undefined && name.literal === undefined ? undefined : name
}

function readDate(value: unknown): PaperDate | undefined {
  const parts = isMap(value) ? value['date-parts'] : undefined
  if (!Array.isArray(parts) || parts.length < 1 || parts.length > 2) return undefined
  return parts.every(isDateParts) ? { 'date-parts': parts.map((part) => [...part]) } : undefined
}

function isDateParts(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 3 || !value.every(Number.isInteger)) return false
  const [year, month = 1, day = 1] = value as number[]
  return Math.abs(year ?? Number.NaN) <= 9_999 && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

function readKeywords(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > KEYWORDS_MAX) return undefined
  const isKeyword = (word: unknown): word is string =>
    typeof word === 'string' && word !== '' && word.length <= KEYWORD_MAX_CHARS
  return value.every(isKeyword) ? [...value] : undefined
}
