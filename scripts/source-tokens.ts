/**
 * A small tokenizer for TypeScript and JavaScript: just enough grammar (comments, strings, templates, regular
 * expressions) that what a check finds in the tokens is code, and not text that looks like code.
 */

export type TokenKind = 'word' | 'string' | 'template' | 'number' | 'regex' | 'mark'

export interface Token {
  readonly kind: TokenKind
  /** A string's text without its quotes, everything else as written. */
  readonly text: string
  /** Counted from 1. */
  readonly line: number
}

export interface ImportedName {
  /** The name the other module gave it; `*` for a namespace, `default` for a default import. */
  readonly name: string
  readonly local: string
}

export interface ImportSite {
  /** Undefined for `import(expression)`, which nobody can follow. */
  readonly specifier: string | undefined
  readonly line: number
  /** True for `import type` and `export type`: nothing is left of them at run time. */
  readonly typeOnly: boolean
  readonly names: readonly ImportedName[]
}

const SPACE = /[\s\uFEFF]+/y
const LINE_COMMENT = /\/\/[^\n]*/y
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y
const WORD = /#?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)n?/y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y
const REGEX = /\/(?:[^/\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[\p{ID_Continue}]*/uy
const MARK = /\.\.\.|=>|\?\.(?!\d)|[\s\S]/y

/** Words after which a slash begins a regular expression, since a value must follow. */
const BEFORE_VALUE = new Set(
  'return typeof case do else in of instanceof new delete void throw await yield extends default'.split(' '),
)
/** Words after which a name and brackets are a call, not the beginning of a method. */
const BEFORE_CALL = new Set([...BEFORE_VALUE].filter((word) => word !== 'extends'))
/** Words whose brackets hold a condition, so that a slash after `)` begins a regular expression. */
const CONDITIONS = new Set(['if', 'while', 'for', 'with'])

export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  /** What each open bracket belongs to: `${` for a template's hole, the word before it, or nothing. */
  const open: string[] = []
  let closed = ''
  let at = source.startsWith('#!') ? source.indexOf('\n') : 0
  let line = 1

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    return text === '' ? undefined : text
  }
  const advance = (text: string): void => {
    at += text.length
    for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) line++
  }
  const push = (kind: TokenKind, text: string, written: string): void => {
    tokens.push({ kind, text, line })
    advance(written)
  }
  /** Reads on inside a template, up to its end or its next hole. */
  const template = (): void => {
    const part = match(TEMPLATE_PART) ?? ''
    push('template', part, part)
    if (source.startsWith('${', at)) {
      open.push('${')
      advance('${')
    } else {
      advance('`')
    }
  }
  const regexMayStart = (): boolean => {
    const last = tokens.at(-1)
    if (last === undefined) return true
    if (last.kind === 'word') return BEFORE_VALUE.has(last.text)
    if (last.kind !== 'mark') return false
    if (last.text === ')') return CONDITIONS.has(closed)
    return last.text !== ']' && last.text !== '}'
  }

  if (at < 0) return tokens
  while (at < source.length) {
    const skipped = match(SPACE) ?? match(LINE_COMMENT) ?? match(BLOCK_COMMENT)
    if (skipped !== undefined) {
      advance(skipped)
      continue
    }
    const regex = source[at] === '/' && regexMayStart() ? match(REGEX) : undefined
    if (regex !== undefined) {
      push('regex', regex, regex)
      continue
    }
    const string = match(STRING)
    if (string !== undefined) {
      push('string', string.slice(1, -1), string)
      continue
    }
    if (source[at] === '`') {
      advance('`')
      template()
      continue
    }
    if (source[at] === '}' && open.at(-1) === '${') {
      open.pop()
      advance('}')
      template()
      continue
    }
    const word = match(WORD)
    if (word !== undefined) {
      push('word', word, word)
      continue
    }
    const number = match(NUMBER)
    if (number !== undefined) {
      push('number', number, number)
      continue
    }
    const mark = match(MARK) ?? ''
    const last = tokens.at(-1)
    if ('([{'.includes(mark)) open.push(last?.kind === 'word' ? last.text : '')
    if (')]}'.includes(mark)) closed = open.pop() ?? ''
    push('mark', mark, mark)
  }
  return tokens
}

/** Every place where a module takes from another one: static, re-exporting, dynamic, or by `require`. */
export function importSites(tokens: readonly Token[]): ImportSite[] {
  const sites: ImportSite[] = []
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, index)) continue
    const site =
      token.text === 'import' || token.text === 'require'
        ? importAt(tokens, index)
        : token.text === 'export'
          ? clauseAt(tokens, index)
          : undefined
    if (site !== undefined) sites.push(site)
  }
  return sites
}

/** True if the token is a property's name (`a.b`, `a?.b`), not a name of its own. */
export function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  return before?.kind === 'mark' && (before.text === '.' || before.text === '?.')
}

/** True for `name: ...`, `name?: ...`, `name(...) {` and `name(...): ...` as a class, an interface or an object has them. */
export function isMethodName(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  const afterOperator =
    before?.kind === 'mark' ? !'{}();,]>*'.includes(before.text) : before !== undefined && BEFORE_CALL.has(before.text)
  if (afterOperator) return false
  let next = index + 1
  if (tokens[next]?.text === '?') next++
  if (tokens[next]?.text === '(') next = closing(tokens, next) + 1
  const text = tokens[next]?.text
  return text === ':' || (text === '{' && next > index + 1)
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let index = open; index < tokens.length; index++) {
    const { kind, text } = tokens[index] as Token
    if (kind !== 'mark') continue
    if ('([{'.includes(text)) depth++
    if (')]}'.includes(text) && --depth === 0) return index
  }
  return tokens.length
}

function importAt(tokens: readonly Token[], index: number): ImportSite | undefined {
  const { line, text } = tokens[index] as Token
  const next = tokens[index + 1]
  if (isMethodName(tokens, index)) return undefined
  if (next?.text === '(' && next.kind === 'mark') {
    const argument = tokens[index + 2]
    const after = tokens[index + 3]?.text
    const literal = (argument?.kind === 'string' || argument?.kind === 'template') && (after === ')' || after === ',')
    return { specifier: literal ? argument?.text : undefined, line, typeOnly: false, names: [] }
  }
  if (text === 'require' || next?.text === '.') return undefined
  if (next?.kind === 'string') return { specifier: next.text, line, typeOnly: false, names: [] }
  return clauseAt(tokens, index)
}

/** `import ... from 'x'` or `export ... from 'x'`, beginning at its keyword; undefined if there is no `from`. */
function clauseAt(tokens: readonly Token[], start: number): ImportSite | undefined {
  const { line, text: keyword } = tokens[start] as Token
  let index = start + 1
  const textAt = (offset = 0): string => tokens[index + offset]?.text ?? ''
  const typeOnly = textAt() === 'type' && !['from', ',', '='].includes(textAt(1))
  if (typeOnly) index++
  if (keyword === 'export' && textAt() !== '*' && textAt() !== '{') return undefined

  const names: ImportedName[] = []
  if (tokens[index]?.kind === 'word') {
    names.push({ name: 'default', local: textAt() })
    index++
    if (textAt() === ',') index++
  }
  if (textAt() === '*') {
    const local = textAt(1) === 'as' ? textAt(2) : '*'
    names.push({ name: '*', local })
    index += textAt(1) === 'as' ? 3 : 1
  } else if (textAt() === '{') {
    index++
    while (index < tokens.length && textAt() !== '}') {
      if (textAt() === 'type' && ![',', '}', 'as'].includes(textAt(1))) index++
      const name = textAt()
      const renamed = textAt(1) === 'as'
      names.push({ name, local: renamed ? textAt(2) : name })
      index += renamed ? 3 : 1
      if (textAt() === ',') index++
    }
    index++
  }
  const specifier = tokens[index + 1]
  if (textAt() !== 'from' || specifier?.kind !== 'string') return undefined
  return { specifier: specifier.text, line, typeOnly, names }
}
