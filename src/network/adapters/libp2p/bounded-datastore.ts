import type { Libp2pOptions } from 'libp2p'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Query = Parameters<Datastore['query']>[0]
type KeyQuery = Parameters<Datastore['queryKeys']>[0]

export interface DatastoreLimits {
  readonly entries: number
  readonly valueBytes: number
}

interface Entry {
  readonly key: Key
  readonly value: Uint8Array
}

/**
 * What libp2p keeps of other peers: in memory, and no more than a number of entries. The one written longest ago gives way; a
 * value that is too large is not kept. Strangers decide what is written here, so nothing of it goes to the disk.
 */
export class BoundedDatastore implements Datastore {
  readonly #limits: DatastoreLimits
  readonly #entries = new Map<string, Entry>()
  #evicted = 0

  constructor(limits: DatastoreLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  get evicted(): number {
    return this.#evicted
  }

  put(key: Key, value: Uint8Array): Key {
    const text = key.toString()
    this.#entries.delete(text)
    if (value.byteLength > this.#limits.valueBytes) return key
    this.#entries.set(text, { key, value })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries) break
      this.#entries.delete(oldest)
      this.#evicted++
    }
    return key
  }

  get(key: Key): Uint8Array {
    const entry = this.#entries.get(key.toString())
    if (entry === undefined) throw Object.assign(new Error('not found'), { name: 'NotFoundError' })
    return entry.value
  }

  has(key: Key): boolean {
    return this.#entries.has(key.toString())
  }

  delete(key: Key): void {
    this.#entries.delete(key.toString())
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
    yield* this.#select(query, (entry) => entry)
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
    const { prefix = '', filters = [], orders = [], offset = 0, limit = Number.POSITIVE_INFINITY } = query
    const items = [...this.#entries]
      .filter(([text]) => text.startsWith(prefix))
      .map(([, entry]) => itemOf(entry))
      .filter((item) => filters.every((filter) => filter(item)))
    for (const order of orders) items.sort(order)
    return items.slice(offset, offset + limit)
  }
}
