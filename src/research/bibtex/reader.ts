import { type BibtexEntry, ENTRY_MAX_CHARS, type ScanResult, scanEntry, TOO_LONG } from './entry.ts'

/** What is wrong at a place of the file. */
export interface BibtexProblem {
  /** The first line is 1. */
  readonly line: number
  readonly reason: string
}

export type BibtexItem =
  | { readonly kind: 'entry'; readonly entry: BibtexEntry }
  /** An entry that could not be read; the next one is not touched by it. */
  | { readonly kind: 'rejected'; readonly problem: BibtexProblem }

/** The most characters of one file. */
export const FILE_MAX_CHARS: number = 256 * 1_048_576
const FILE_TOO_LONG = `the file is larger than ${FILE_MAX_CHARS} characters; the rest was not read`
/** An unfinished entry is scanned again only when this much more text has come, or twice as much as before. */
const RESCAN_STEP_CHARS = 65_536
/** So many `@comment{` may stay open in one file before they are ended by the next entry instead of by their brace. */
const OPEN_COMMENTS_MAX = 16

/** How an entry begins: what, at the start of a line, proves that the entry before it was never closed. */
const HEADER = /@[ \t]*(?:(?:string|preamble|comment)\s*[{(]|[A-Za-z][\w-]*\s*[{(]\s*[^\s,{}()="#%@]*\s*[,=])/iy
/** What may become a header once more text has come. */
const HALF_HEADER = /@[ \t]*(?:[A-Za-z][\w-]*\s*(?:[{(]\s*[^\s,{}()="#%@]*\s*)?)?$/iy
const COMMENT = /@[ \t]*comment\b/iy
const NOT_UTF8 =
  'bytes that are not UTF-8 (convert the file, e.g. iconv -f latin1 -t utf8, or name its encoding in a first line "% Encoding: ISO-8859-1")'

/**
 * Reads a BibTeX or BibLaTeX file piece by piece.
 *
 * Push chunks of text of any size, then `end`; each call returns what became complete. One bad entry is reported with its
 * line and reading goes on at the next line that begins like an entry. Time is linear in the size of the file and memory is
 * bounded by one entry, whatever the file holds.
 */
export class BibtexReader {
  readonly #macros = new Map<string, string>()
  #text = ''
  /** Chunks not yet joined to `#text`. */
  #waiting: string[] = []
  #waitingChars = 0
  #wanted = 0
  #chars = 0
  #at = 0
  #line = 1
  /** Up to where `#line` has counted. */
  #counted = 0
  /** The header found last, and up to where headers were looked for. */
  #header = -1
  #searched = 0
  /** Behind an entry, the rest of its line may begin another. */
  #entryEnd = 0
  /** The text before the first character of `#text` belongs to the same line. */
  #midLine = false
  #pendingReturn = false
  #openComments = 0
  #full = false

  push(chunk: string): BibtexItem[] {
    if (this.#full) return []
    const text = this.#normalised(chunk)
    this.#chars += text.length
    this.#waiting.push(text)
    this.#waitingChars += text.length
    this.#full = this.#chars > FILE_MAX_CHARS
    if (!this.#full && this.#waitingChars < this.#wanted) return []
    const items = this.#drain(false)
    if (this.#full) items.push(rejected(this.#lineAt(this.#at), FILE_TOO_LONG))
    return items
  }

  /** No more text comes. */
  end(): BibtexItem[] {
    return this.#full ? [] : this.#drain(true)
  }

  /** One kind of line end; no byte order mark. */
  #normalised(chunk: string): string {
    let text = this.#pendingReturn ? `\r${chunk}` : chunk
    if (this.#chars === 0 && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    this.#pendingReturn = text.endsWith('\r')
    if (this.#pendingReturn) text = text.slice(0, -1)
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
  }

  #drain(final: boolean): BibtexItem[] {
    this.#text += this.#waiting.join('')
    this.#waiting = []
    this.#waitingChars = 0
    const items: BibtexItem[] = []
    for (let start = this.#nextStart(final); start !== -1; start = this.#nextStart(final)) {
      const item = this.#entryAt(start, final)
      if (item === 'wait') break
      if (item !== undefined) items.push(item)
    }
    this.#compact()
    return items
  }

  /** The next `@` that may begin an entry; without one, everything up to the end is done with. */
  #nextStart(final: boolean): number {
    let at = this.#text.indexOf('@', this.#at)
    while (at !== -1 && !this.#beginsLine(at)) at = this.#text.indexOf('@', at + 1)
    this.#at = at === -1 ? this.#text.length : at
    // A lone `@` at the very end of a chunk says nothing yet.
    return at === this.#text.length - 1 && !final ? -1 : at
  }

  #beginsLine(at: number): boolean {
    for (let before = at - 1; before >= 0; before--) {
      if (before < this.#entryEnd) return true
      const code = this.#text.charCodeAt(before)
      if (code === 0x0a) return true
      if (code !== 0x20 && code !== 0x09) return false
    }
    return !this.#midLine
  }

  #entryAt(start: number, final: boolean): BibtexItem | 'wait' | undefined {
    const line = this.#lineAt(start)
    const isComment = matchesAt(COMMENT, this.#text, start)
    const end = Math.min(this.#text.length, start + ENTRY_MAX_CHARS)
    const header = isComment && this.#openComments < OPEN_COMMENTS_MAX ? -1 : this.#nextHeader(start + 1, end)
    const limit = header === -1 ? end : header
    const result = scanEntry(this.#text, { start, limit, line, escapesCount: true }, this.#macros)
    const isComplete = result.kind === 'entry' || result.kind === 'aside'
    const mayChange = isComplete ? this.#meetsHalfHeader(start, result.end) : header === -1 && end === this.#text.length
    if (mayChange && !final) {
      this.#wanted = Math.max(RESCAN_STEP_CHARS, this.#text.length - start)
      return 'wait'
    }
    if (isComplete) return this.#accept(start, result)
    const second = scanEntry(this.#text, { start, limit, line, escapesCount: false }, this.#macros)
    if (second.kind === 'entry') return this.#accept(start, second)
    this.#wanted = 0
    if (isComment) {
      this.#openComments++
      this.#at = start + 1
      return undefined
    }
    // Only the next header, or the limit, ends what was begun: so nothing is scanned more than twice.
    this.#at = result.kind === 'malformed' && !result.begun ? start + 1 : limit
    if (result.kind === 'malformed') return rejected(line, result.reason)
    if (header !== -1) return rejected(line, `not closed before the next entry on line ${this.#lineAt(header)}`)
    return rejected(line, end < this.#text.length ? TOO_LONG : 'not closed before the end of the file')
  }

  /** Whether the text ends in what may be the header of another entry, and the item that begins at `start` reaches up to it. */
  #meetsHalfHeader(start: number, end: number): boolean {
    const last = this.#text.lastIndexOf('@')
    return last > start && last <= end && startsLine(this.#text, last) && matchesAt(HALF_HEADER, this.#text, last)
  }

  #accept(start: number, result: ScanResult & { readonly end: number }): BibtexItem | undefined {
    this.#wanted = 0
    this.#at = this.#entryEnd = result.end
    if (result.kind !== 'entry') return undefined
    const whole = isUnicode(this.#text.slice(start, result.end))
    return whole ? { kind: 'entry', entry: result.entry } : rejected(result.entry.line, NOT_UTF8)
  }

  /** The next line from `from` on that begins like an entry; each place is looked at once. */
  #nextHeader(from: number, limit: number): number {
    if (this.#header < from) this.#header = -1
    if (this.#header === -1) {
      let at = this.#text.indexOf('@', Math.max(from, this.#searched))
      while (at !== -1 && at < limit && !(startsLine(this.#text, at) && matchesAt(HEADER, this.#text, at))) {
        at = this.#text.indexOf('@', at + 1)
      }
      this.#header = at < limit ? at : -1
      // What lies at the end of the text may be half a header: look again when more has come.
      this.#searched = Math.max(from, at === -1 ? this.#text.lastIndexOf('@') : at)
    }
    return this.#header < limit ? this.#header : -1
  }

  /** Drops what was read, so that memory holds one unfinished entry at most. */
  #compact(): void {
    if (this.#at === 0) return
    this.#lineAt(this.#at)
    this.#midLine = !this.#beginsLine(this.#at)
    this.#text = this.#text.slice(this.#at)
    this.#header = Math.max(-1, this.#header - this.#at)
    this.#searched = Math.max(0, this.#searched - this.#at)
    this.#at = this.#counted = this.#entryEnd = 0
  }

  #lineAt(at: number): number {
    if (at < this.#counted) return this.#line - newlines(this.#text, at, this.#counted)
    this.#line += newlines(this.#text, this.#counted, at)
    this.#counted = at
    return this.#line
  }
}

/** All items of a text that is at hand as a whole. */
export function readBibtex(text: string): BibtexItem[] {
  const reader = new BibtexReader()
  return [...reader.push(text), ...reader.end()]
}

function rejected(line: number, reason: string): BibtexItem {
  return { kind: 'rejected', problem: { line, reason } }
}

/** False for halves of surrogate pairs and for the mark that a decoder leaves in the place of bytes it could not read. */
function isUnicode(text: string): boolean {
  return text.isWellFormed() && !text.includes('\ufffd')
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

function startsLine(text: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && (text.charCodeAt(before) === 0x20 || text.charCodeAt(before) === 0x09)) before--
  return before >= 0 && text.charCodeAt(before) === 0x0a
}

function newlines(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count++
  return count
}
