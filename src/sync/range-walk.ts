import { type Group, type LogIndex, type LogRef, logKey, rangeKey } from './log-index.ts'
import { differingParts, LIST_MAX_LOGS } from './range-answer.ts'
import { KEY_DIGITS } from './range-tree.ts'
import type { RangeAnswer, RangeNode } from './range-wire.ts'
import type { Claim } from './wire.ts'

/** Ranges asked about at a time. */
export const ASK_MAX_NODES = 64
/** Questions of one walk: what is left then is left to the next comparison. */
export const WALK_MAX_QUESTIONS = 1_000
/** Asking about a range takes as many bytes as HAVE takes for so many logs: with more differences, HAVE is cheaper. */
const LOGS_PER_NODE = 25

/**
 * Finds the logs of a group in which a peer and we differ, by comparing fingerprints of ever smaller ranges (docs/specs/sync.md
 * section 5). Each answer is either about smaller ranges or lists logs, so a walk ends however the peer answers.
 */
export class RangeWalk {
  readonly group: Group
  readonly #index: LogIndex
  readonly #theirLogs: number
  /** Ranges that differ. */
  #due: string[] = ['']
  /** What the answer may speak of. */
  #open = new Set<string>()
  #questions = 0
  /** Logs that the peer lacks or holds less of. */
  readonly ahead: LogRef[] = []
  /** Logs seen to differ, either way. */
  differences = 0

  constructor(group: Group, index: LogIndex, theirLogs: number) {
    this.group = group
    this.#index = index
    this.#theirLogs = theirLogs
  }

  /** So many ranges differ that naming all logs is cheaper. */
  get isDense(): boolean {
    return this.#due.length > ASK_MAX_NODES && this.#due.length * LOGS_PER_NODE > this.#theirLogs
  }

  get isCut(): boolean {
    return this.#due.length > 0
  }

  /** The next question; undefined at the end of the walk. */
  next(): readonly RangeNode[] | undefined {
    const due = this.#due.splice(0, ASK_MAX_NODES)
    if (due.length === 0 || this.#questions++ >= WALK_MAX_QUESTIONS) return undefined
    const tree = this.#index.tree(this.group)
    const nodes = due.map((prefix): RangeNode => {
      const isSmall = prefix !== '' && (tree.count(prefix) <= LIST_MAX_LOGS || prefix.length === KEY_DIGITS)
      return { prefix, parts: isSmall ? undefined : tree.parts(prefix) }
    })
    this.#open = new Set(nodes.flatMap(openedBy))
    return nodes
  }

  /** False if this is no answer to what was asked. */
  take({ nodes, listed, claims, rest }: RangeAnswer): boolean {
    const spoken = [...nodes.map(({ prefix }) => prefix), ...listed, ...rest]
    if (!spoken.every((prefix) => this.#open.delete(prefix))) return false
    if (rest.length > 0 && nodes.length + listed.length === 0) return false
    const tree = this.#index.tree(this.group)
    for (const { prefix, parts } of nodes) {
      if (prefix.length >= KEY_DIGITS) return false
      this.#due.push(...differingParts(tree.parts(prefix), parts).map((digit) => prefix + digit))
    }
    this.#due.push(...rest)
    return this.#takeListed(listed, claims)
  }

  #takeListed(listed: readonly string[], claims: readonly Claim[]): boolean {
    const tree = this.#index.tree(this.group)
    const lists = new Set(listed)
    const theirs = new Map(claims.map((claim) => [logKey(claim), claim]))
    for (const claim of theirs.values()) {
      const key = rangeKey(claim)
      if (!isWithin(lists, key)) return false
      const head = this.#index.shown(claim)
      if (head === undefined || head.seq < claim.seq || !head.id.startsWith(claim.shortId)) this.differences++
    }
    for (const { head } of listed.flatMap((prefix) => tree.list(prefix))) {
      const claim = theirs.get(logKey(head))
      if (claim !== undefined && claim.seq >= head.seq) continue
      this.ahead.push({ author: head.author, log: head.log })
      this.differences++
    }
    return true
  }
}

/** The ranges that an answer about this one may speak of. */
function openedBy({ prefix, parts }: RangeNode): readonly string[] {
  if (parts === undefined) return [prefix]
  return Array.from({ length: 16 }, (_, digit) => prefix + digit.toString(16))
}

function isWithin(prefixes: ReadonlySet<string>, key: string): boolean {
  for (let length = 1; length <= key.length; length++) if (prefixes.has(key.slice(0, length))) return true
  return false
}
