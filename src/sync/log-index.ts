import { bytesOfHex, keyOfPeerId, type PeerId } from '../base/index.ts'
import { LOG_CLASS, type LogClass, type LogHead } from '../records/index.ts'
import { Fingerprint, termOf } from './fingerprint.ts'

/** Control logs are compared and fetched before all others. */
export const GROUPS = ['control', 'data'] as const
export type Group = (typeof GROUPS)[number]

/** Stands for all logs of a group, in a HELLO. */
export interface Summary {
  /** 32 bytes. */
  readonly fingerprint: Uint8Array
  readonly logs: number
  readonly records: number
}

export interface LogRef {
  readonly author: PeerId
  /** 16 hexadecimal digits. */
  readonly log: string
}

/** Whether a log belongs to the space by its membership. */
export type Admits = (log: LogRef) => boolean

export function classOf(log: string): LogClass {
  return Number.parseInt(log.slice(0, 2), 16) as LogClass
}

export function groupOf(log: string): Group {
  return classOf(log) === LOG_CLASS.control ? 'control' : 'data'
}

/** Names a log within its space. */
export function logKey({ author, log }: LogRef): string {
  return `${author}/${log}`
}

interface Entry {
  head: LogHead
  /** Whether the log belongs to the space by its membership: others are neither counted nor shown. */
  admitted: boolean
  /** What the sums hold for this log. */
  counted: { readonly term: bigint; readonly records: number } | undefined
}

interface Sum {
  readonly fingerprint: Fingerprint
  logs: number
  records: number
}

/** The logs of one space and how far we hold them: what HELLO and HAVE are made of. Costs hashing only for heads that moved. */
export class LogIndex {
  readonly #admits: Admits
  readonly #entries = new Map<string, Entry>()
  readonly #sums: Readonly<Record<Group, Sum>> = { control: emptySum(), data: emptySum() }
  /** Logs whose share in the sums is out of date. */
  readonly #moved = new Set<string>()
  #order: readonly string[] | undefined

  constructor(heads: readonly LogHead[], admits: Admits) {
    this.#admits = admits
    for (const head of heads) this.advance(head)
  }

  /** A log has this head now, which after a fork may be an earlier one. */
  advance(head: LogHead): void {
    const key = logKey(head)
    const entry = this.#entries.get(key)
    this.#moved.add(key)
    if (entry !== undefined) {
      entry.head = head
      return
    }
    this.#order = undefined
    this.#entries.set(key, { head, admitted: this.#admits(head), counted: undefined })
  }

  /** A log that has no record left. */
  drop(ref: LogRef): void {
    const entry = this.#entries.get(logKey(ref))
    if (entry === undefined) return
    entry.admitted = false
    this.#settle(entry)
    this.#entries.delete(logKey(ref))
    this.#moved.delete(logKey(ref))
    this.#order = undefined
  }

  /** Membership changed. */
  recheck(): void {
    for (const [key, entry] of this.#entries) {
      const admitted = this.#admits(entry.head)
      if (admitted === entry.admitted) continue
      entry.admitted = admitted
      this.#moved.add(key)
    }
  }

  head(key: string): LogHead | undefined {
    return this.#entries.get(key)?.head
  }

  summary(group: Group): Summary {
    for (const key of this.#moved) {
      const entry = this.#entries.get(key)
      if (entry !== undefined) this.#settle(entry)
    }
    this.#moved.clear()
    const { fingerprint, logs, records } = this.#sums[group]
    return { fingerprint: fingerprint.bytes, logs, records }
  }

  /** Heads of a group in the order of their keys, from behind `after` on, and whether there are more. */
  page(
    group: Group,
    after: LogRef | undefined,
    limit: number,
  ): { readonly heads: readonly LogHead[]; readonly more: boolean } {
    this.#order ??= [...this.#entries.keys()].toSorted()
    const from = after === undefined ? '' : logKey(after)
    const heads: LogHead[] = []
    for (const key of this.#order) {
      if (key <= from) continue
      const entry = this.#entries.get(key)
      if (entry === undefined || !entry.admitted || groupOf(entry.head.log) !== group) continue
      if (heads.length === limit) return { heads, more: true }
      heads.push(entry.head)
    }
    return { heads, more: false }
  }

  #settle(entry: Entry): void {
    const { head, admitted, counted } = entry
    const sum = this.#sums[groupOf(head.log)]
    if (counted !== undefined) {
      sum.fingerprint.remove(counted.term)
      sum.logs--
      sum.records -= counted.records
    }
    entry.counted = admitted ? { term: termOfHead(head), records: head.seq - head.base + 1 } : undefined
    if (entry.counted === undefined) return
    sum.fingerprint.add(entry.counted.term)
    sum.logs++
    sum.records += entry.counted.records
  }
}

function emptySum(): Sum {
  return { fingerprint: new Fingerprint(), logs: 0, records: 0 }
}

function termOfHead({ author, log, id }: LogHead): bigint {
  return termOf(keyOfPeerId(author), bytesOfHex(log), bytesOfHex(id))
}
