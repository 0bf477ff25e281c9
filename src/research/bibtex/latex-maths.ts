import { NESTING_MAX } from './entry.ts'
import { ACCENTS, BLACKBOARD, MATH_SILENT, MATH_SYMBOLS, SUBSCRIPTS, SUPERSCRIPTS } from './latex-tables.ts'

const COMMAND_NAME = /[A-Za-z]+/y
const SPACES = /\s*/y
const ORDINAL = /^(?:st|nd|rd|th)$/
/** Accents of maths and those of text that put the same mark on a letter. */
const MATH_ACCENTS = new Map([
  ['hat', '^'],
  ['widehat', '^'],
  ['tilde', '~'],
  ['widetilde', '~'],
  ['bar', '='],
  ['dot', '.'],
  ['ddot', '"'],
  ['acute', "'"],
  ['grave', '`'],
  ['check', 'v'],
  ['breve', 'u'],
])

/** A formula as a line of text: symbols as Unicode, raised and lowered characters where Unicode has them. */
export function decodeMaths(source: string): string {
  return new MathsDecoder(source).decode()
}

/** `text` in raised or lowered characters, or behind `sign` if one of them does not exist. Ordinals stay searchable. */
export function script(text: string, table: ReadonlyMap<string, string>, sign: string): string {
  const chars = [...text.trim()]
  if (ORDINAL.test(text)) return text
  if (chars.every((char) => table.has(char))) return chars.map((char) => table.get(char)).join('')
  return sign !== '' && chars.length > 1 ? `${sign}(${chars.join('')})` : `${sign}${chars.join('')}`
}

class MathsDecoder {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  decode(): string {
    let decoded = ''
    while (this.#at < this.#source.length) decoded += this.#formula()
    return decoded
  }

  /** Up to a closing brace or the end. */
  #formula(): string {
    let decoded = ''
    while (this.#at < this.#source.length) {
      if (this.#source.charAt(this.#at) === '}') {
        this.#at++
        break
      }
      decoded += this.#atom()
    }
    return decoded
  }

  /** A group, a command, a script, or one character. */
  #atom(): string {
    const char = this.#source.charAt(this.#at)
    this.#at++
    if (char === '{') return this.#group()
    if (char === '\\') return this.#command()
    if (char === '^') return script(this.#argument(), SUPERSCRIPTS, '^')
    if (char === '_') return script(this.#argument(), SUBSCRIPTS, '_')
    return char === '~' ? ' ' : char
  }

  #group(): string {
    if (this.#depth >= NESTING_MAX) return ''
    this.#depth++
    const text = this.#formula()
    this.#depth--
    return text
  }

  #argument(): string {
    SPACES.lastIndex = this.#at
    SPACES.exec(this.#source)
    this.#at = SPACES.lastIndex
    if (this.#at >= this.#source.length || this.#depth >= NESTING_MAX) return ''
    this.#depth++
    const text = this.#atom()
    this.#depth--
    return text
  }

  #command(): string {
    COMMAND_NAME.lastIndex = this.#at
    const name = COMMAND_NAME.exec(this.#source)?.[0]
    if (name === undefined) {
      const char = this.#source.charAt(this.#at)
      this.#at++
      return '{}%$&#_|'.includes(char) ? char : ' ,:;\\'.includes(char) ? ' ' : ''
    }
    this.#at += name.length
    if (name === 'frac' || name === 'tfrac' || name === 'dfrac') return `${this.#argument()}/${this.#argument()}`
    if (name === 'mathbb') return [...this.#argument()].map((char) => BLACKBOARD.get(char) ?? char).join('')
    const accent = MATH_ACCENTS.get(name)
    if (accent !== undefined) {
      const [first = '', ...rest] = this.#argument()
      return `${first}${ACCENTS.get(accent)}`.normalize('NFC') + rest.join('')
    }
    return MATH_SYMBOLS.get(name) ?? (MATH_SILENT.has(name) ? '' : name)
  }
}
