/**
 * Finds what reaches past its components for the world: the clock, timers, chance, files, sockets, processes, the
 * environment. Names are judged as they stand in the file: one that the file itself declares or imports is its own.
 */
import { type ImportSite, isMember, isMethodName, type Token } from './source-tokens.ts'

export interface AmbientUse {
  readonly line: number
  readonly what: string
}

/** Parts of Node that compute and nothing else. All others touch the world. */
const PURE_BUILTINS = new Set(
  'assert assert/strict buffer crypto diagnostics_channel events path path/posix stream stream/promises stream/web string_decoder url util util/types zlib'.split(
    ' ',
  ),
)
/** Node's own modules may also be imported without their prefix; these are the ones where that would matter. */
const BARE_BUILTINS =
  /^(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|module|net|os|perf_hooks|process|readline|repl|timers|tls|tty|v8|vm|worker_threads)(\/|$)/
/** What node:crypto and the global crypto draw from chance. */
const CHANCE = /^(random\w*|generate(Key|KeyPair|Prime)(Sync)?|getRandomValues|webcrypto)$/

/** `object.member` pairs, the members as a pattern. */
const AMBIENT_MEMBERS: Readonly<Record<string, RegExp>> = {
  Date: /^now$/,
  Math: /^random$/,
  Temporal: /^Now$/,
  AbortSignal: /^timeout$/,
  performance: /^(now|timeOrigin|mark|measure)$/,
  crypto: /^(randomUUID|getRandomValues|subtle)$/,
  process: /^(env|argv|hrtime|uptime|cwd|chdir|stdin|stdout|stderr|exit|kill|getBuiltinModule|binding)$/,
  globalThis: /^(set(Timeout|Interval|Immediate)|fetch|performance|crypto|process|Date|WebSocket|EventSource|Worker)$/,
}
const AMBIENT_CALLS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'fetch'])
const AMBIENT_CLASSES = new Set(['WebSocket', 'EventSource', 'Worker', 'BroadcastChannel'])

export function ambientUses(tokens: readonly Token[], sites: readonly ImportSite[]): AmbientUse[] {
  const uses = sites.flatMap(importUses)
  const own = ownNames(tokens, sites)
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, index) || own.has(token.text)) continue
    const what = memberUse(tokens, index) ?? dateUse(tokens, index) ?? callUse(tokens, index)
    if (what !== undefined) uses.push({ line: token.line, what })
  }
  return uses
}

function importUses({ specifier, typeOnly, line, names }: ImportSite): AmbientUse[] {
  if (typeOnly || specifier === undefined) return []
  const builtin = specifier.startsWith('node:') ? specifier.slice(5) : undefined
  if (BARE_BUILTINS.test(specifier) || (builtin !== undefined && !PURE_BUILTINS.has(builtin))) {
    return [{ line, what: `'${specifier}'` }]
  }
  if (builtin !== 'crypto' && specifier !== 'crypto') return []
  if (names.length === 0 || names.some(({ name }) => name === '*' || name === 'default')) {
    return [{ line, what: "all of 'node:crypto', which includes chance (import its functions by name)" }]
  }
  return names.filter(({ name }) => CHANCE.test(name)).map(({ name }) => ({ line, what: `${name} of 'node:crypto'` }))
}

/** Names that stand for something of this file: imported, or declared by const, let, var, function or class. */
function ownNames(tokens: readonly Token[], sites: readonly ImportSite[]): Set<string> {
  const own = new Set(sites.flatMap(({ names }) => names.map(({ local }) => local)))
  for (const [index, { kind, text }] of tokens.entries()) {
    const next = tokens[index + 1]
    if (kind === 'word' && /^(const|let|var|function|class)$/.test(text) && next?.kind === 'word') own.add(next.text)
  }
  return own
}

function memberUse(tokens: readonly Token[], index: number): string | undefined {
  const object = tokens[index]?.text ?? ''
  const pattern = Object.hasOwn(AMBIENT_MEMBERS, object) ? AMBIENT_MEMBERS[object] : undefined
  if (pattern === undefined) return undefined
  const [link, member, after] = tokens.slice(index + 1, index + 4)
  const dotted = link?.text === '.' || link?.text === '?.'
  const quoted = link?.text === '[' && member?.kind === 'string' && after?.text === ']'
  if (!(dotted || quoted) || member === undefined || !pattern.test(member.text)) return undefined
  return `${object}.${member.text}`
}

/** `new Date()` and `Date()` read the clock; `new Date(value)` does not. */
function dateUse(tokens: readonly Token[], index: number): string | undefined {
  if (tokens[index]?.text !== 'Date') return undefined
  const constructed = tokens[index - 1]?.text === 'new'
  const [open, close] = tokens.slice(index + 1, index + 3)
  if (constructed && (open?.text !== '(' || close?.text === ')')) return 'new Date()'
  return !constructed && open?.text === '(' && !isMethodName(tokens, index) ? 'Date()' : undefined
}

function callUse(tokens: readonly Token[], index: number): string | undefined {
  const text = tokens[index]?.text ?? ''
  if (AMBIENT_CLASSES.has(text)) return tokens[index - 1]?.text === 'new' ? `new ${text}` : undefined
  if (!AMBIENT_CALLS.has(text) || tokens[index - 1]?.text === 'typeof') return undefined
  return isMethodName(tokens, index) ? undefined : text
}
