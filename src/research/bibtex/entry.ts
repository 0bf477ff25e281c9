/** One entry as written: values joined and macros replaced, LaTeX untouched. */
export interface BibtexEntry {
  /** Lower-case, without the `@`. */
  readonly type: string
  /** The citation key; empty when the entry has none. */
  readonly key: string
  /** Where the entry begins; the first line is 1. */
  readonly line: number
  /** Field names are lower-case. Of a field given twice the first counts, as in BibTeX. */
  readonly fields: ReadonlyMap<string, string>
}

/** The most characters of one entry, macros replaced. */
export const ENTRY_MAX_CHARS = 1_048_576
/** The deepest braces inside a value. */
export const NESTING_MAX = 64
export const FIELDS_MAX = 1_000
export const MACROS_MAX = 4_096
export const MACRO_MAX_CHARS = 16_384

export const TOO_LONG: string = `longer than ${ENTRY_MAX_CHARS} characters`

export type ScanResult =
  | { readonly kind: 'entry'; readonly end: number; readonly entry: BibtexEntry }
  /** A macro, a preamble or a comment: read, nothing to hand on. */
  | { readonly kind: 'aside'; readonly end: number }
  /** `begun` is false when not even an opening brace was found. */
  | { readonly kind: 'malformed'; readonly reason: string; readonly begun: boolean }
  /** The text ended in the middle. */
  | { readonly kind: 'incomplete' }

const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_PAREN = 0x28
const CLOSE_PAREN = 0x29
const QUOTE = 0x22
const HASH = 0x23
const PERCENT = 0x25
const COMMA = 0x2c
const EQUALS = 0x3d
const AT = 0x40
const BACKSLASH = 0x5c

const TYPE = /@[ \t]*([A-Za-z][\w-]*)[ \t]*/y
const FIELD_NAME = /[^\s=,{}()"#%@]+/y
const LITERAL = /[^\s=,{}()"#%]+/y
const SPACES = /\s*/y
const KEY_END = /[,{}()="]/g
/** Lines that some people put between fields to switch one off. */
const ASIDE_LINE = /(?:%|@[ \t]*comment\b(?![ \t]*[{(]))[^\n]*/iy

export interface ScanBounds {
  readonly start: number
  /** The item must end before this place. */
  readonly limit: number
  /** The line of `start`. */
  readonly line: number
  /** Whether `\{` and `\}` count as braces. To BibTeX they do; some files are whole only if they do not. */
  readonly escapesCount: boolean
}

/**
 * Reads one `@...` item. The grammar is BibTeX's (btxdoc; "Tame the BeaST", section 2). Forgiven, because real files need it:
 * a missing comma between fields or after the key, a missing key, switched-off lines. A name that is no macro stands for itself.
 */
export function scanEntry(text: string, bounds: ScanBounds, macros: Map<string, string>): ScanResult {
  return new EntryScanner(text, bounds, macros).scan()
}

class EntryScanner {
  readonly #text: string
  readonly #bounds: ScanBounds
  readonly #limit: number
  readonly #macros: Map<string, string>
  #at: number
  #close = 0
  #chars = 0
  /** Why the last step failed; `undefined` when the text ran out. */
  #reason: string | undefined

  constructor(text: string, bounds: ScanBounds, macros: Map<string, string>) {
    this.#text = text
    this.#bounds = bounds
    this.#limit = bounds.limit
    this.#at = bounds.start
    this.#macros = macros
  }

  scan(): ScanResult {
    const { start, line } = this.#bounds
    const type = this.#match(TYPE)?.[1]?.toLowerCase()
    if (type === 'comment') return this.#comment()
    if (type === undefined && start + 1 < this.#limit) return notBegun('no entry type follows the @')
    this.#match(SPACES)
    if (type === undefined || this.#at >= this.#limit) return { kind: 'incomplete' }
    const opener = this.#text.charCodeAt(this.#at)
    if (opener !== OPEN_BRACE && opener !== OPEN_PAREN)
      return notBegun(`@${type.slice(0, 40)} is not followed by { or (`)
    this.#at++
    this.#close = opener === OPEN_BRACE ? CLOSE_BRACE : CLOSE_PAREN
    if (type === 'preamble') return this.#preamble()
    const key = type === 'string' ? '' : this.#key()
    const fields = key === undefined ? undefined : this.#fields()
    if (key === undefined || fields === undefined) return this.#failure()
    if (type === 'string') return this.#define(fields)
    return { kind: 'entry', end: this.#at, entry: { type, key, line, fields } }
  }

  /** `@comment{...}` is skipped whole; without a brace a comment ends with its line. */
  #comment(): ScanResult {
    if (this.#text.charCodeAt(this.#at) === OPEN_BRACE) {
      this.#at++
      return this.#braced() === undefined ? { kind: 'incomplete' } : { kind: 'aside', end: this.#at }
    }
    const lineEnd = this.#text.indexOf('\n', this.#at)
    // The rest of the line may come with the next chunk, and with it what only looks like an entry.
    return lineEnd === -1 ? { kind: 'incomplete' } : { kind: 'aside', end: Math.min(lineEnd, this.#limit) }
  }

  #preamble(): ScanResult {
    if (this.#value() === undefined) return this.#failure()
    this.#match(SPACES)
    if (this.#text.charCodeAt(this.#at) === this.#close && this.#at < this.#limit) this.#at++
    return { kind: 'aside', end: this.#at }
  }

  #define(fields: ReadonlyMap<string, string>): ScanResult {
    for (const [name, value] of fields) {
      if (value.length > MACRO_MAX_CHARS) {
        return malformed(`the macro ${name.slice(0, 40)} is longer than ${MACRO_MAX_CHARS} characters`)
      }
      if (this.#macros.size >= MACROS_MAX && !this.#macros.has(name)) return malformed(`more than ${MACROS_MAX} macros`)
      this.#macros.set(name, value)
    }
    return { kind: 'aside', end: this.#at }
  }

  #key(): string | undefined {
    KEY_END.lastIndex = this.#at
    const stop = KEY_END.exec(this.#text)
    if (stop === null || stop.index >= this.#limit) return this.#fail(undefined)
    const key = this.#text.slice(this.#at, stop.index).trim()
    if (stop[0] === '=') {
      // No comma before the first `=`: what stands before the field's name is the key, if anything does.
      const words = key.split(/\s+/)
      const field = words.pop() ?? ''
      this.#at = this.#text.lastIndexOf(field, stop.index)
      return words.join(' ')
    }
    if (stop[0] !== ',' && this.#text.charCodeAt(stop.index) !== this.#close) {
      return this.#fail(`${JSON.stringify(stop[0])} in the citation key`)
    }
    this.#at = stop.index
    return key
  }

  #fields(): Map<string, string> | undefined {
    const fields = new Map<string, string>()
    for (;;) {
      this.#skipBetweenFields()
      if (this.#at >= this.#limit) return this.#fail(undefined)
      if (this.#text.charCodeAt(this.#at) === this.#close) {
        this.#at++
        return fields
      }
      const name = this.#match(FIELD_NAME)?.[0]?.toLowerCase()
      if (name === undefined)
        return this.#fail(`${JSON.stringify(this.#text.charAt(this.#at))} where a field should begin`)
      this.#match(SPACES)
      if (this.#at >= this.#limit) return this.#fail(undefined)
      if (this.#text.charCodeAt(this.#at) !== EQUALS)
        return this.#fail(`no = after the field name ${JSON.stringify(name.slice(0, 40))}`)
      this.#at++
      const value = this.#value()
      if (value === undefined) return undefined
      if (fields.size >= FIELDS_MAX) return this.#fail(`more than ${FIELDS_MAX} fields`)
      if (!fields.has(name)) fields.set(name, value)
    }
  }

  #skipBetweenFields(): void {
    for (;;) {
      this.#match(SPACES)
      const code = this.#text.charCodeAt(this.#at)
      if (code === COMMA) this.#at++
      else if ((code !== PERCENT && code !== AT) || this.#match(ASIDE_LINE) === null) return
    }
  }

  /** One value: parts joined by `#`. */
  #value(): string | undefined {
    let value = ''
    for (;;) {
      this.#match(SPACES)
      const part = this.#part()
      if (part === undefined) return undefined
      value += part
      this.#chars += part.length
      if (this.#chars > ENTRY_MAX_CHARS) return this.#fail(TOO_LONG)
      this.#match(SPACES)
      if (this.#at >= this.#limit) return this.#fail(undefined)
      if (this.#text.charCodeAt(this.#at) !== HASH) return value
      this.#at++
    }
  }

  #part(): string | undefined {
    if (this.#at >= this.#limit) return this.#fail(undefined)
    const code = this.#text.charCodeAt(this.#at)
    if (code === OPEN_BRACE) {
      this.#at++
      return this.#braced()
    }
    if (code === QUOTE) {
      this.#at++
      return this.#quoted()
    }
    const name = this.#match(LITERAL)?.[0]
    if (name === undefined)
      return this.#fail(`${JSON.stringify(this.#text.charAt(this.#at))} where a value should begin`)
    return this.#macros.get(name.toLowerCase()) ?? name
  }

  /** Up to the brace that closes the one just passed. */
  #braced(): string | undefined {
    const from = this.#at
    const to = this.#closing(CLOSE_BRACE)
    return to === -1 ? undefined : this.#text.slice(from, to)
  }

  #quoted(): string | undefined {
    const from = this.#at
    const to = this.#closing(QUOTE)
    return to === -1 ? undefined : this.#text.slice(from, to)
  }

  /** The place of the next `terminator` outside braces; moves behind it. */
  #closing(terminator: number): number {
    const text = this.#text
    const limit = this.#limit
    let depth = 0
    for (let at = this.#at; at < limit; at++) {
      const code = text.charCodeAt(at)
      if (code === terminator && depth === 0) {
        this.#at = at + 1
        return at
      }
      if (code === BACKSLASH && !this.#bounds.escapesCount) {
        at++
      } else if (code === OPEN_BRACE) {
        if (++depth > NESTING_MAX) {
          this.#reason = `braces nested deeper than ${NESTING_MAX}`
          return -1
        }
      } else if (code === CLOSE_BRACE && --depth < 0) {
        this.#reason = 'a } without its { inside quotes'
        return -1
      }
    }
    this.#reason = undefined
    return -1
  }

  /** Matches at the present place, but not beyond the limit. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at = Math.min(pattern.lastIndex, this.#limit)
    return match
  }

  #fail(reason: string | undefined): undefined {
    this.#reason = reason
    return undefined
  }

  #failure(): ScanResult {
    return this.#reason === undefined ? { kind: 'incomplete' } : malformed(this.#reason)
  }
}

function malformed(reason: string): ScanResult {
  return { kind: 'malformed', reason, begun: true }
}

function notBegun(reason: string): ScanResult {
  return { kind: 'malformed', reason, begun: false }
}
