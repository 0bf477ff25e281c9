import { NESTING_MAX } from './entry.ts'
import { decodeMaths, script } from './latex-maths.ts'
import { ACCENTS, MATH_SYMBOLS, SUBSCRIPTS, SUPERSCRIPTS, TEXT_SYMBOLS } from './latex-tables.ts'

const SPECIAL = /[\\{}$~`]|--|''/
const WHITE = /\s+/g
const PLAIN_RUN = /[^\\{}$~\-`']+/y
const COMMAND_NAME = /[A-Za-z]+\*?/y
const SPACES = /\s*/y
const OPTIONAL_ARGUMENT = /\s*\[[^\]{}]*\]/y
const LETTER = /\p{L}/u

/** Commands whose argument is not text for the reader. */
const DISCARDED = new Set(['noopsort', 'label', 'vspace', 'hspace', 'fontsize', 'selectlanguage', 'color', 'textcolor'])
const QUOTING = new Map([
  ['mkbibquote', '“”'],
  ['enquote', '“”'],
  ['enquote*', '‘’'],
  ['textquote', '“”'],
])
/** Escaped characters that stand for themselves, and escaped spaces. */
const ESCAPED = '&%$#_{}|<>'
const SPACING = ' ,;:\\\n\t'

/**
 * The text that a LaTeX value shows, as Unicode in NFC with single spaces. Braces and fonts leave no trace; maths is kept
 * as readable as plain text allows; a command that is not known is dropped and its arguments stay.
 */
export function decodeLatex(value: string): string {
  const text = SPECIAL.test(value) ? new LatexDecoder(value).decode() : value
  return text.normalize('NFC').replace(WHITE, ' ').trim()
}

/** Values that are not prose, such as URLs: only grouping and escapes are removed. */
export function decodeVerbatim(value: string): string {
  return value
    .replace(/\\(?:url|path|nolinkurl)\s*(?=\{)/g, '')
    .replace(/\\(?:textasciitilde|~|sim)(?:\{\}|\s)?/g, '~')
    .replace(/\\textunderscore(?:\{\}|\s)?/g, '_')
    .replace(/\\([&%$#_{}~-])/g, '$1')
    .replace(/[{}]|\s+/g, '')
}

class LatexDecoder {
  readonly #text: string
  #at = 0
  #depth = 0
  #openQuotes = 0
  readonly #missing = new Set<string>()

  constructor(text: string) {
    this.#text = text
  }

  decode(): string {
    let decoded = ''
    while (this.#at < this.#text.length) decoded += this.#prose('')
    return decoded
  }

  /** Running text up to `closer` (a brace) or the end. */
  #prose(closer: '' | '}'): string {
    let decoded = ''
    while (this.#at < this.#text.length) {
      const run = this.#match(PLAIN_RUN)
      if (run !== undefined) decoded += run
      const char = this.#text.charAt(this.#at)
      this.#at++
      if (char === '}') {
        if (closer === '}') break
      } else if (char === '{') decoded += this.#group()
      else if (char === '\\') decoded += this.#command()
      else if (char === '$') decoded += this.#dollar()
      else if (char === '~') decoded += ' '
      else if (char === '-') decoded += this.#dash()
      else if (char === '`' || char === "'") decoded += this.#quote(char)
    }
    return decoded
  }

  /** Behind an opening brace. Beyond the deepest nesting braces are dropped without a call. */
  #group(): string {
    if (this.#depth >= NESTING_MAX) return ''
    this.#depth++
    const text = this.#prose('}')
    this.#depth--
    return text
  }

  #dash(): string {
    const dashes = this.#text.startsWith('--', this.#at) ? 3 : this.#text.charAt(this.#at) === '-' ? 2 : 1
    this.#at += dashes - 1
    return dashes === 3 ? '—' : dashes === 2 ? '–' : '-'
  }

  #quote(char: string): string {
    if (this.#text.charAt(this.#at) === char) {
      this.#at++
      return char === '`' ? '“' : '”'
    }
    if (char === '`') {
      this.#openQuotes++
      return '‘'
    }
    // An apostrophe stays one; only what ends a word can close a quotation.
    if (this.#openQuotes === 0 || LETTER.test(this.#text.charAt(this.#at))) return "'"
    this.#openQuotes--
    return '’'
  }

  /** Behind a backslash. */
  #command(): string {
    const name = this.#match(COMMAND_NAME)
    if (name === undefined) return this.#escape()
    const symbol = TEXT_SYMBOLS.get(name)
    if (symbol !== undefined) {
      this.#skipCommandEnd()
      return symbol
    }
    if (name.length === 1 && ACCENTS.has(name)) return this.#accent(name)
    if (name === 'verb') return this.#verb()
    return this.#wordCommand(name)
  }

  #wordCommand(name: string): string {
    const marks = QUOTING.get(name)
    if (marks !== undefined) return `${marks.charAt(0)}${this.#argument()}${marks.charAt(1)}`
    if (DISCARDED.has(name)) {
      this.#argument()
      return ''
    }
    if (name === 'href') {
      this.#rawArgument()
      return this.#argument()
    }
    if (name === 'url' || name === 'path' || name === 'nolinkurl') return decodeVerbatim(this.#rawArgument())
    if (name === 'textsuperscript') return script(this.#argument(), SUPERSCRIPTS, '')
    if (name === 'textsubscript') return script(this.#argument(), SUBSCRIPTS, '')
    if (name === 'ensuremath') return decodeMaths(this.#rawArgument())
    const maths = MATH_SYMBOLS.get(name)
    this.#match(OPTIONAL_ARGUMENT)
    this.#skipCommandEnd()
    return maths ?? ''
  }

  /** Behind a backslash that no letter follows. */
  #escape(): string {
    const char = this.#text.charAt(this.#at)
    this.#at++
    if (ACCENTS.has(char)) return this.#accent(char)
    if (ESCAPED.includes(char)) return char
    if (char === '(' || char === '[') return this.#maths(char === '(' ? '\\)' : '\\]')
    return SPACING.includes(char) ? ' ' : ''
  }

  #accent(name: string): string {
    const mark = ACCENTS.get(name) ?? ''
    const isTilde = name === '~' || name === '^'
    if (isTilde && /^(?:\{\}|\/|$)/.test(this.#text.slice(this.#at, this.#at + 2))) {
      if (this.#text.startsWith('{}', this.#at)) this.#at += 2
      return name
    }
    const base = [...this.#argument()]
    const first = base[0] === 'ı' && mark !== '\u0328' ? 'i' : base[0] === 'ȷ' ? 'j' : base[0]
    return first === undefined ? '' : `${first}${mark}`.normalize('NFC') + base.slice(1).join('')
  }

  /** One argument: a group, a command, or a single character. */
  #argument(): string {
    this.#match(SPACES)
    const char = this.#text.charAt(this.#at)
    if (char === '' || char === '}') return ''
    if (this.#depth >= NESTING_MAX) return ''
    this.#at++
    if (char === '{') return this.#group()
    if (char !== '\\') return this.#wholeCharacter(char)
    this.#depth++
    const text = this.#command()
    this.#depth--
    return text
  }

  #wholeCharacter(char: string): string {
    const point = String.fromCodePoint(this.#text.codePointAt(this.#at - 1) ?? 0)
    this.#at += point.length - 1
    return char.length === point.length ? char : point
  }

  /** The source of a braced argument, braces inside included. */
  #rawArgument(): string {
    this.#match(SPACES)
    if (this.#text.charAt(this.#at) !== '{') return ''
    const from = this.#at + 1
    let depth = 0
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charAt(this.#at)
      if (char === '{') depth++
      else if (char === '}' && --depth === 0) return this.#text.slice(from, this.#at++)
    }
    return this.#text.slice(from)
  }

  #verb(): string {
    const fence = this.#text.charAt(this.#at)
    const end = fence === '' ? -1 : this.#find(fence, this.#at + 1)
    if (end === -1) return ''
    const text = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return text
  }

  /** A command made of letters eats the spaces behind it, or an empty group. */
  #skipCommandEnd(): void {
    if (this.#text.startsWith('{}', this.#at)) this.#at += 2
    else this.#match(SPACES)
  }

  #dollar(): string {
    const display = this.#text.charAt(this.#at) === '$'
    if (display) this.#at++
    return this.#maths(display ? '$$' : '$')
  }

  /** Maths up to `closer`. A dollar without a partner is money. */
  #maths(closer: string): string {
    let end = this.#find(closer, this.#at)
    while (closer === '$' && end > 0 && this.#text.charAt(end - 1) === '\\') end = this.#find(closer, end + 1)
    if (end === -1) return closer.startsWith('$') ? closer : ''
    const inner = this.#text.slice(this.#at, end)
    this.#at = end + closer.length
    return decodeMaths(inner)
  }

  /** What is missing once is missing for good: it is not looked for again. */
  #find(closer: string, from: number): number {
    if (this.#missing.has(closer)) return -1
    const at = this.#text.indexOf(closer, from)
    if (at === -1) this.#missing.add(closer)
    return at
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null || match[0] === '') return undefined
    this.#at = pattern.lastIndex
    return match[0]
  }
}
