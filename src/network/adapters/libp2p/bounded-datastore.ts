import type { Libp2pOptions } from 'libp2p'
import type { Clock } from '../../../base/index.ts'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Query = Parameters<Datastore['query']>[0]
type KeyQuery = Parameters<Datastore['queryKeys']>[0]

export interface DatastoreLimits {
  /** Other keys are not kept. */
  readonly prefix: string
  readonly entries: number
  /** Of keys with the same last part. */
  readonly entriesPerOwner: number
  /** Of keys that differ only in the last part: what one question brings at most. */
  readonly entriesPerParent: number
  readonly valueBytes: number
  readonly ageMs: number
}

interface Entry {
  readonly key: Key
  readonly value: Uint8Array
}

interface Kept extends Entry {
  readonly owner: string
  /** Monotonic. */
  readonly until: number
}

/**
 * What strangers have us keep: in memory, of one kind, and no more than a number of entries, of each owner and in all. The one
 * written longest ago gives way; each is forgotten after a time. The owner is the last part of the key.
 */
export class BoundedDatastore implements Datastore {
  readonly #limits: DatastoreLimits
  readonly #clock: Clock
  /** The oldest first. */
  readonly #entries = new Map<string, Kept>()
  readonly #perOwner = new Map<string, Set<string>>()
  /** By all but the last part of the key: what a question asks for, so that it costs what it brings and not what is kept. */
  readonly #perParent = new Map<string, Set<string>>()
  #refused = 0
  #evicted = 0

  constructor(limits: DatastoreLimits, components: { readonly clock: Clock }) {
    this.#limits = limits
    this.#clock = components.clock
  }

  get size(): number {
    this.#expire()
    return this.#entries.size
  }

  get refused(): number {
    return this.#refused
  }

  get evicted(): number {
    return this.#evicted
  }

  put(key: Key, value: Uint8Array): Key {
    const text = key.toString()
    const { prefix, entries, entriesPerOwner, entriesPerParent, valueBytes, ageMs } = this.#limits
    if (!text.startsWith(prefix) || value.byteLength > valueBytes) {
      this.#refused++
      return key
    }
    this.#remove(text)
    const owner = text.slice(text.lastIndexOf('/') + 1)
    const texts = this.#perOwner.get(owner) ?? new Set()
    this.#perOwner.set(owner, texts.add(text))
    const siblings = this.#perParent.get(parentOf(text)) ?? new Set()
    this.#perParent.set(parentOf(text), siblings.add(text))
    this.#entries.set(text, { key, value: value.slice(), owner, until: this.#clock.monotonic() + ageMs })
    if (texts.size > entriesPerOwner) this.#evict(texts)
    else if (siblings.size > entriesPerParent) this.#evict(siblings)
    else if (this.#entries.size > entries) this.#evict(this.#entries.keys())
    return key
  }

  get(key: Key): Uint8Array {
    this.#expire()
    const entry = this.#entries.get(key.toString())
    if (entry === undefined) throw Object.assign(new Error('not found'), { name: 'NotFoundError' })
    return entry.value
  }

  has(key: Key): boolean {
    this.#expire()
    return this.#entries.has(key.toString())
  }

  delete(key: Key): void {
    this.#remove(key.toString())
  }

  async *putMany(source: Parameters<Datastore['putMany']>[0]): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value)
  }

  async *getMany(source: Parameters<Datastore['getMany']>[0]): AsyncGenerator<Entry> {
    for await (const key of source) yield { key, value: this.get(key) }
  }

  async *deleteMany(source: Parameters<Datastore['deleteMany']>[0]): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key)
      yield key
    }
  }

  async *query(query: Query): AsyncGenerator<Entry> {
    yield* this.#select<Entry>(query, ({ key, value }) => ({ key, value }))
  }

  async *queryKeys(query: KeyQuery): AsyncGenerator<Key> {
    yield* this.#select(query, ({ key }) => key)
  }

  batch(): ReturnType<Datastore['batch']> {
    const steps: (() => void)[] = []
    return {
      put: (key, value) => void steps.push(() => void this.put(key, value)),
      delete: (key) => void steps.push(() => this.delete(key)),
      commit: () => {
        for (const step of steps.splice(0)) step()
      },
    }
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    for (const [text, { until }] of this.#entries) {
      if (until > now) break
      this.#remove(text)
    }
  }

  #evict(texts: Iterable<string>): void {
    for (const oldest of texts) {
      this.#evicted++
      this.#remove(oldest)
      return
    }
  }

  #remove(text: string): void {
    const entry = this.#entries.get(text)
    if (entry === undefined) return
    this.#entries.delete(text)
    const texts = this.#perOwner.get(entry.owner)
    texts?.delete(text)
    if (texts?.size === 0) this.#perOwner.delete(entry.owner)
    const siblings = this.#perParent.get(parentOf(text))
    siblings?.delete(text)
    if (siblings?.size === 0) this.#perParent.delete(parentOf(text))
  }

  /** All there is, or what lies right under a key: nothing else is ever asked for, and nothing else is answered. */
  #under(prefix: string): readonly Entry[] {
    if (this.#limits.prefix.startsWith(prefix)) return [...this.#entries.values()]
    const texts = this.#perParent.get(prefix.replace(/\/$/, '')) ?? []
    return [...texts].flatMap((text) => this.#entries.get(text) ?? [])
  }

  #select<Item>(
    query: {
      readonly prefix?: string
      readonly filters?: readonly ((item: Item) => boolean)[]
      readonly orders?: readonly ((a: Item, b: Item) => number)[]
      readonly offset?: number
      readonly limit?: number
    },
    itemOf: (entry: Entry) => Item,
  ): readonly Item[] {
    this.#expire()
    const { prefix = '', filters = [], orders = [], offset = 0, limit = Number.POSITIVE_INFINITY } = query
    const items = this.#under(prefix)
      .map((entry) => itemOf(entry))
      .filter((item) => filters.every((filter) => filter(item)))
    for (const order of orders) items.sort(order)
    return items.slice(offset, offset + limit)
  }
}

function parentOf(text: string): string {
  return text.slice(0, text.lastIndexOf('/'))
}
