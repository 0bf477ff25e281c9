import { NAMES_MAX, type PaperName } from '../paper-fields.ts'
import { decodeLatex } from './latex.ts'

const AND = / and /i
const WHITE = /\s+/g
const SIMPLE_NAME = /^[^{}\\,~]*$/
const GENERATION = /^(?:jr|sr|ii|iii|iv)\.?$/i
/** BibLaTeX's extended form: `family=Harman, given=Gilbert, prefix=von`. */
const EXTENDED = /^\s*"?(?:family|given|prefix|suffix|useprefix|given-i|family-i|prefix-i|suffix-i)\s*=/

/**
 * A list of names as BibTeX understands it ("Tame the BeaST", section 11): joined by `and`, in the forms
 * `First von Last`, `von Last, First` and `von Last, Jr, First`. A name all in braces is an organisation.
 * `and others` becomes the name `{ literal: 'others' }`, which also ends a list longer than NAMES_MAX.
 */
export function parseNames(value: string): PaperName[] {
  const names: PaperName[] = []
  for (const raw of splitNames(value)) {
    const name = parseName(raw)
    if (name === undefined) continue
    if (names.length === NAMES_MAX) {
      names[NAMES_MAX - 1] = { literal: 'others' }
      break
    }
    names.push(name)
  }
  return names
}

/** One name; `undefined` when nothing is left of it. */
export function parseName(raw: string): PaperName | undefined {
  const text = raw.trim()
  if (text === '') return undefined
  if (text.toLowerCase() === 'others') return { literal: 'others' }
  if (isBraced(text)) return literal(text.slice(1, -1))
  const parts = splitOutsideBraces(text, ',').filter((part, index) => index === 0 || part.trim() !== '')
  if (parts.length > 1 && EXTENDED.test(text)) return extendedName(parts)
  if (parts.length === 1) {
    const all = words(parts[0] ?? '')
    // `Last,` is a family name and nothing else, of however many words.
    return text.endsWith(',') ? familyOnly(all) : fromWords(all)
  }
  const [family = '', second = '', ...rest] = parts
  const third = rest.join(' ').trim()
  // `Last, First, Jr` is wrong but common.
  const [suffix, given] = third === '' ? ['', second] : GENERATION.test(third) ? [third, second] : [second, third]
  const { particle, last } = splitParticle(words(family))
  return nameOf({ given, particle, family: last, suffix })
}

function splitNames(value: string): string[] {
  return value.includes('{') && isBalanced(value)
    ? splitOutsideBraces(value, 'and')
    : value.replace(WHITE, ' ').split(AND)
}

function isBalanced(text: string): boolean {
  let depth = 0
  for (const [brace] of text.matchAll(/[{}]/g)) depth += brace === '{' ? 1 : -1
  return depth === 0
}

/** Splits at commas, or at the word `and`, that are in no braces. */
function splitOutsideBraces(text: string, separator: ',' | 'and'): string[] {
  const parts: string[] = []
  const boundary = separator === ',' ? /[{},]/g : /[{}]|(?<=\s)and(?=\s)/gi
  let depth = 0
  let from = 0
  for (const match of text.matchAll(boundary)) {
    if (match[0] === '{') depth++
    else if (match[0] === '}') depth = Math.max(0, depth - 1)
    else if (depth === 0) {
      parts.push(text.slice(from, match.index))
      from = match.index + match[0].length
    }
  }
  parts.push(text.slice(from))
  return parts
}

/** Words as BibTeX counts them: braces hold one together. */
function words(text: string): string[] {
  if (SIMPLE_NAME.test(text)) return text.split(/\s+/).filter((word) => word !== '')
  const found: string[] = []
  let depth = 0
  let word = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '{') depth++
    else if (char === '}') depth--
    if (char === '\\') word += char + text.charAt(++at)
    else if (depth > 0 || !/[\s~]/.test(char)) word += char
    else if (word !== '') {
      found.push(word)
      word = ''
    }
  }
  if (word !== '') found.push(word)
  return found
}

function fromWords(all: readonly string[]): PaperName | undefined {
  let end = all.length
  let suffix = ''
  if (end > 2 && GENERATION.test(all[end - 1] ?? '')) suffix = all[--end] ?? ''
  const name = all.slice(0, end)
  const firstLower = name.findIndex((word, index) => index < name.length - 1 && isLowerCase(word))
  const givenEnd = firstLower === -1 ? name.length - 1 : firstLower
  const { particle, last } = splitParticle(name.slice(Math.max(0, givenEnd)))
  return nameOf({ given: name.slice(0, Math.max(0, givenEnd)).join(' '), particle, family: last, suffix })
}

function familyOnly(all: readonly string[]): PaperName | undefined {
  const { particle, last } = splitParticle(all)
  return nameOf({ particle, family: last })
}

/** The particle ends with the last lower-case word, but the very last word is always the family name's. */
function splitParticle(all: readonly string[]): { readonly particle: string; readonly last: string } {
  const start = all.findLastIndex((word, index) => index < all.length - 1 && isLowerCase(word)) + 1
  const isParticle = start > 0 && isLowerCase(all[0] ?? '')
  const from = isParticle ? start : 0
  return { particle: all.slice(0, from).join(' '), last: all.slice(from).join(' ') }
}

/** Whether the first letter outside braces is small; an accented letter `{\'e}` counts, other braces do not. */
function isLowerCase(word: string): boolean {
  let depth = 0
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at)
    if (char === '{') {
      if (depth === 0 && word.charAt(at + 1) === '\\') return isLowerLetter(decodeLatex(word.slice(at)))
      depth++
    } else if (char === '}') depth--
    else if (depth === 0 && char === '\\') return isLowerLetter(decodeLatex(word.slice(at)))
    else if (depth === 0 && char.toLowerCase() !== char.toUpperCase()) return isLowerLetter(char)
  }
  return false
}

function isLowerLetter(text: string): boolean {
  const first = text.charAt(0)
  return first === first.toLowerCase() && first !== first.toUpperCase()
}

function isBraced(text: string): boolean {
  if (!text.startsWith('{') || !text.endsWith('}') || text.startsWith('{\\')) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '{') depth++
    else if (char === '}' && --depth === 0) return at === text.length - 1
  }
  return false
}

function extendedName(parts: readonly string[]): PaperName | undefined {
  const values = new Map(
    parts.map((part) => {
      const [name = '', ...value] = part.trim().replace(/^"|"$/g, '').split('=')
      return [name.trim(), value.join('=').trim()] as const
    }),
  )
  return nameOf({
    given: values.get('given') ?? '',
    particle: values.get('prefix') ?? '',
    family: values.get('family') ?? '',
    suffix: values.get('suffix') ?? '',
  })
}

interface NameParts {
  readonly family: string
  readonly given?: string
  readonly particle?: string
  readonly suffix?: string
}

function nameOf(parts: NameParts): PaperName | undefined {
  const given = decodeLatex(parts.given ?? '')
  const particle = decodeLatex(parts.particle ?? '')
  const family = decodeLatex(parts.family)
  const suffix = decodeLatex(parts.suffix ?? '')
  if (family === '') return given === '' ? undefined : { literal: given }
  return {
    family,
    ...(given !== '' && { given }),
    ...(particle !== '' && { 'non-dropping-particle': particle }),
    ...(suffix !== '' && { suffix }),
  }
}

function literal(inner: string): PaperName | undefined {
  const text = decodeLatex(inner)
  return text === '' ? undefined : { literal: text }
}
