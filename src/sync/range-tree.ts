import { RANGE_FINGERPRINT_BYTES, Sums } from './sums.ts'

/** Hexadecimal digits of a key: enough to tell logs apart unless somebody works for it, and then they share a range. */
export const KEY_DIGITS = 16
/** Parts of a range: one for each next digit. */
export const FANOUT = 16
/** The fingerprints of all parts of a range. */
export const PARTS_BYTES: number = FANOUT * RANGE_FINGERPRINT_BYTES
const LEAF_MAX_ITEMS = 16
const FIRST_NODES = 64

export interface Keyed {
  /** KEY_DIGITS hexadecimal digits, as good as random. */
  readonly key: string
}

/**
 * A set of items ordered by their keys, with the sum of their terms over every range of keys that begin with the same digits:
 * a tree of 16 branches a node whose leaves hold a few items each. A change costs its depth, about log16 of the number of
 * items; the fingerprint of a range is read off. Range-based set reconciliation (Meyer 2022; negentropy) compares such sums.
 *
 * Nodes lie side by side in typed arrays, 100 bytes each, and are never given back: items come and seldom go.
 */
export class RangeTree<T extends Keyed> {
  readonly #termOf: (item: T) => Uint8Array
  readonly #sums = new Sums(FIRST_NODES)
  /** Of inner nodes; 0 for none, because the root is nobody's child. */
  #children = new Uint32Array(FIRST_NODES * FANOUT)
  /** Of leaves. */
  readonly #items: (T[] | undefined)[] = [[]]

  /** `termOf`: 32 bytes that stand for an item as it was last added or replaced. */
  constructor(termOf: (item: T) => Uint8Array) {
    this.#termOf = termOf
  }

  get size(): number {
    return this.#sums.count(0)
  }

  /** The sum of all terms modulo 2^256: 32 bytes, big-endian. */
  get sum(): Uint8Array {
    return this.#sums.bytes(0)
  }

  add(item: T): void {
    const term = this.#termOf(item)
    for (let node = 0, depth = 0; ; depth++) {
      this.#sums.add(node, term)
      const items = this.#items[node]
      if (items === undefined) {
        node = this.#child(node, item.key, depth) || this.#grow(node, item.key, depth)
        continue
      }
      items.push(item)
      if (items.length > LEAF_MAX_ITEMS && depth < KEY_DIGITS) this.#split(node, items, depth)
      return
    }
  }

  /** `term` is the one that the item was last added or replaced with. */
  remove(item: T, term: Uint8Array): void {
    for (let node = 0, depth = 0; ; depth++) {
      this.#sums.remove(node, term)
      const items = this.#items[node]
      if (items !== undefined) {
        items.splice(items.indexOf(item), 1)
        return
      }
      node = this.#child(node, item.key, depth)
    }
  }

  /** How many items have keys that begin with these digits. */
  count(prefix: string): number {
    const found = this.#find(prefix)
    return typeof found === 'number' ? this.#sums.count(found) : found.length
  }

  /** The fingerprints of the 16 parts of a range, side by side; zeros for a part without items. */
  parts(prefix: string): Uint8Array {
    const found = this.#find(prefix)
    const parts = new Uint8Array(PARTS_BYTES)
    const put = (digit: number, fingerprint: Uint8Array): void =>
      parts.set(fingerprint, digit * RANGE_FINGERPRINT_BYTES)
    if (typeof found === 'number' && this.#items[found] === undefined) {
      for (let digit = 0; digit < FANOUT; digit++) {
        const child = this.#children[found * FANOUT + digit] ?? 0
        if (child !== 0) put(digit, this.#sums.fingerprint(child))
      }
      return parts
    }
    const sums = new Sums(FANOUT)
    for (const item of this.list(prefix)) sums.add(digitAt(item.key, prefix.length), this.#termOf(item))
    for (let digit = 0; digit < FANOUT; digit++) put(digit, sums.fingerprint(digit))
    return parts
  }

  /** The items of a range. */
  list(prefix: string): readonly T[] {
    const found = this.#find(prefix)
    return typeof found === 'number' ? [...this.#below(found)] : found
  }

  /** The node of a range, or its items if they lie in a leaf with others. */
  #find(prefix: string): number | readonly T[] {
    let node = 0
    for (let depth = 0; depth < prefix.length; depth++) {
      const items = this.#items[node]
      if (items !== undefined) return items.filter(({ key }) => key.startsWith(prefix))
      node = this.#child(node, prefix, depth)
      if (node === 0) return []
    }
    return node
  }

  *#below(node: number): Generator<T> {
    const items = this.#items[node]
    if (items !== undefined) yield* items
    else {
      for (let digit = 0; digit < FANOUT; digit++) {
        const child = this.#children[node * FANOUT + digit] ?? 0
        if (child !== 0) yield* this.#below(child)
      }
    }
  }

  #child(node: number, key: string, depth: number): number {
    return this.#children[node * FANOUT + digitAt(key, depth)] ?? 0
  }

  /** A leaf below this node. */
  #grow(node: number, key: string, depth: number): number {
    const leaf = this.#items.length
    this.#items.push([])
    this.#sums.reserve(leaf + 1)
    if (this.#children.length < (leaf + 1) * FANOUT) {
      const children = new Uint32Array(this.#children.length * 2)
      children.set(this.#children)
      this.#children = children
    }
    this.#children[node * FANOUT + digitAt(key, depth)] = leaf
    return leaf
  }

  /** A leaf with too many items becomes an inner node. */
  #split(node: number, items: readonly T[], depth: number): void {
    this.#items[node] = undefined
    for (const item of items) {
      const leaf = this.#child(node, item.key, depth) || this.#grow(node, item.key, depth)
      this.#sums.add(leaf, this.#termOf(item))
      this.#items[leaf]?.push(item)
    }
  }
}

function digitAt(key: string, depth: number): number {
  const code = key.charCodeAt(depth)
  return code < 58 ? code - 48 : code - 87
}
