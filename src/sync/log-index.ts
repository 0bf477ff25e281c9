import { bytesOfHex, hexOf, type PeerId, sha256 } from '../base/index.ts'
import type { LogClass, LogHead } from '../records/index.ts'
import { keyOf } from './peer-keys.ts'
import { KEY_DIGITS, RangeTree } from './range-tree.ts'

/** The logs of one class. Control logs are compared and fetched before all others. */
export const GROUPS = ['control', 'durable', 'expiring'] as const
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
  return GROUPS[classOf(log)] ?? 'expiring'
}

/** Names a log within its space. */
export function logKey({ author, log }: LogRef): string {
  return `${author}/${log}`
}

/** Where a log stands among those that ranges are made of: the first digits of SHA-256(device 32, log name 8). */
export function rangeKey({ author, log }: LogRef): string {
  return hexOf(sha256(keyOf(author), bytesOfHex(log)).subarray(0, KEY_DIGITS / 2))
}

/** What a log adds to a fingerprint: SHA-256(device 32, log name 8, id of the head 32). */
export function termOf({ author, log, id }: LogHead): Uint8Array {
  return sha256(keyOf(author), bytesOfHex(log), bytesOfHex(id))
}

interface Entry {
  /** Among the ranges. */
  readonly key: string
  readonly name: string
  head: LogHead
  /** Whether the log belongs to the space by its membership: others are neither counted nor shown. */
  admitted: boolean
  /** The head that the sums hold for this log. */
  counted: LogHead | undefined
}

/** The logs of one group. */
class GroupIndex {
  readonly tree: RangeTree<Entry> = new RangeTree(({ counted, head }) => termOf(counted ?? head))
  records = 0
  /** By name, so that all logs of a device stand together; undefined until it is needed first. */
  #order: Entry[] | undefined

  insert(entry: Entry): void {
    this.#order?.splice(this.#placeOf(entry.name), 0, entry)
  }

  delete(entry: Entry): void {
    this.#order?.splice(this.#placeOf(entry.name), 1)
  }

  *after(name: string, all: () => Iterable<Entry>): Generator<Entry> {
    this.#order ??= [...all()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const order = this.#order
    const at = this.#placeOf(name)
    for (let next = order[at]?.name === name ? at + 1 : at; next < order.length; next++) yield order[next] as Entry
  }

  /** The first place whose name is not less. */
  #placeOf(name: string): number {
    const order = this.#order ?? []
    let [low, high] = [0, order.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((order[middle] as Entry).name < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * The logs of one space and how far we hold them: what is told of them is made of this. Costs hashing only for heads that
 * moved, when somebody asks.
 */
export class LogIndex {
  readonly #admits: Admits
  readonly #entries = new Map<string, Entry>()
  readonly #groups: Readonly<Record<Group, GroupIndex>> = {
    control: new GroupIndex(),
    durable: new GroupIndex(),
    expiring: new GroupIndex(),
  }
  /** Logs whose share in the sums is out of date. */
  readonly #moved = new Set<Entry>()

  constructor(heads: readonly LogHead[], admits: Admits) {
    this.#admits = admits
    for (const head of heads) this.advance(head)
  }

  /** A record was stored at the end of its log. */
  extend({ author, log, seq, id }: Omit<LogHead, 'base'>): LogHead {
    const known = this.#entries.get(logKey({ author, log }))
    const head = { author, log, base: known?.head.base ?? seq, seq, id }
    this.advance(head)
    return head
  }

  /** A log has this head now, which may be an earlier one. */
  advance(head: LogHead): void {
    const name = logKey(head)
    const known = this.#entries.get(name)
    if (known !== undefined) {
      known.head = head
      this.#moved.add(known)
      return
    }
    const entry: Entry = { key: rangeKey(head), name, head, admitted: this.#admits(head), counted: undefined }
    this.#entries.set(name, entry)
    this.#groups[groupOf(head.log)].insert(entry)
    this.#moved.add(entry)
  }

  /** A log that has no record left. */
  drop(ref: LogRef): void {
    const entry = this.#entries.get(logKey(ref))
    if (entry === undefined) return
    entry.admitted = false
    this.#settle(entry)
    this.#moved.delete(entry)
    this.#entries.delete(entry.name)
    this.#groups[groupOf(ref.log)].delete(entry)
  }

  /** Membership changed. */
  recheck(): void {
    for (const entry of this.#entries.values()) {
      const admitted = this.#admits(entry.head)
      if (admitted === entry.admitted) continue
      entry.admitted = admitted
      this.#moved.add(entry)
    }
  }

  head(name: string): LogHead | undefined {
    return this.#entries.get(name)?.head
  }

  /** The head of a log of the space; undefined for others. */
  shown(ref: LogRef): LogHead | undefined {
    const entry = this.#entries.get(logKey(ref))
    return entry?.admitted === true && entry.head.seq >= entry.head.base ? entry.head : undefined
  }

  summary(group: Group): Summary {
    const { sum, size } = this.tree(group)
    return { fingerprint: sum, logs: size, records: this.#groups[group].records }
  }

  /** The logs of a group by ranges. */
  tree(group: Group): RangeTree<{ readonly key: string; readonly head: LogHead }> {
    for (const entry of this.#moved) this.#settle(entry)
    this.#moved.clear()
    return this.#groups[group].tree as unknown as RangeTree<{ readonly key: string; readonly head: LogHead }>
  }

  /** Heads of a group in the order of their names, from behind `after` on, and whether there are more. */
  page(
    group: Group,
    after: LogRef | undefined,
    limit: number,
  ): { readonly heads: readonly LogHead[]; readonly more: boolean } {
    const heads: LogHead[] = []
    const all = (): Iterable<Entry> => this.#entries.values().filter(({ head }) => groupOf(head.log) === group)
    for (const { admitted, head } of this.#groups[group].after(after === undefined ? '' : logKey(after), all)) {
      if (!admitted || head.seq < head.base) continue
      if (heads.length === limit) return { heads, more: true }
      heads.push(head)
    }
    return { heads, more: false }
  }

  #settle(entry: Entry): void {
    const { head, admitted, counted } = entry
    const group = this.#groups[groupOf(head.log)]
    if (counted !== undefined) {
      group.tree.remove(entry, termOf(counted))
      group.records -= recordsOf(counted)
    }
    // Of a log that has expired as a whole nothing is left to tell.
    entry.counted = admitted && head.seq >= head.base ? head : undefined
    if (entry.counted === undefined) return
    group.tree.add(entry)
    group.records += recordsOf(head)
  }
}

function recordsOf({ base, seq }: LogHead): number {
  return seq - base + 1
}
