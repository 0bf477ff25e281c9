import type { PaperDate } from '../paper-fields.ts'
import { decodeLatex } from './latex.ts'

/** The macros that every BibTeX style defines. */
export const MONTH_MACROS: readonly string[] = [
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
]
/** ISO 8601-2 as BibLaTeX takes it; marks of doubt and times of day are passed over. */
const ISO_DATE = /^(-?\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:[T?~%].*)?$/
const YEAR = /(?<!\d)(-?\d{4})(?!\d)/
const DAY = /(?<!\d)(\d{1,2})(?:st|nd|rd|th)?(?!\d)/

/** When a paper appeared, from `date` or else from `year`, `month` and `day`. `undefined` when no year can be read. */
export function parseDate(fields: ReadonlyMap<string, string>): PaperDate | undefined {
  const date = fields.get('date')
  const fromDate = date === undefined ? undefined : parseRange(date)
  return fromDate ?? parseYear(fields)
}

function parseRange(date: string): PaperDate | undefined {
  const parts = date
    .trim()
    .split('/')
    .slice(0, 2)
    .map(parseIso)
    .filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : { 'date-parts': parts }
}

function parseIso(text: string): readonly number[] | undefined {
  const match = ISO_DATE.exec(text.trim())
  return match === null ? undefined : dateParts(Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0))
}

function parseYear(fields: ReadonlyMap<string, string>): PaperDate | undefined {
  const text = fields.get('year') ?? fields.get('date') ?? ''
  const year = YEAR.exec(text)?.[1]
  if (year === undefined) return undefined
  const [month, day] = parseMonth(decodeLatex(fields.get('month') ?? text.replace(YEAR, '')))
  return { 'date-parts': [dateParts(Number(year), month, day || Number(DAY.exec(fields.get('day') ?? '')?.[1] ?? 0))] }
}

/** `jan`, `January`, `01`, `12~aug`, `August 12`: month and day, 0 where there is none. */
function parseMonth(text: string): readonly [number, number] {
  const name = /[A-Za-z]{3}/.exec(text)?.[0].toLowerCase()
  const number = Number(DAY.exec(text)?.[1] ?? 0)
  if (name === undefined) return [number, 0]
  const month = MONTH_MACROS.indexOf(name) + 1
  return month === 0 || /\d\s*[-–]/.test(text) ? [month, 0] : [month, number]
}

/** Cuts off from the first part that is no month or no day. */
function dateParts(year: number, month: number, day: number): readonly number[] {
  if (!(month >= 1 && month <= 12)) return [year]
  return day >= 1 && day <= 31 ? [year, month, day] : [year, month]
}
