import { bytesOfHex, type SpaceId } from '../../base/index.ts'
import { type EpochKey, keyIdOf, openPrevious } from './epoch-key.ts'
import type { KeyTable } from './key-table.ts'

/** Keys of one space that are kept; more are not taken. */
export const KEYS_MAX_PER_SPACE = 16_384
/** Older keys of one space that wait for the key they are sealed under; more are not kept. A restart reads them again. */
export const LOCKED_MAX_PER_SPACE = 65_536

/** Of both, the part that may be filled by those who are not known to have been admins: they must not keep the others' keys out. */
export const ANYBODYS_SHARE = 0.25

/** An older key sealed under a newer one. */
export type SealedKey = readonly [n: number, id: string, sealed: Uint8Array]

/** The keys of one space that this device could open. */
export class HeldKeys {
  readonly #space: SpaceId
  readonly #spaceBytes: Uint8Array
  readonly #table: KeyTable
  readonly #keys = new Map<string, EpochKey>()
  /** By the id of a held key, the ids of those that we found sealed under it. */
  readonly #chained = new Map<string, Set<string>>()
  /** By the id of a key that we lack. */
  readonly #locked = new Map<string, SealedKey[]>()
  #lockedCount = 0
  readonly #fresh = new Set<number>()

  /** Begins with those of the table, as far as they are what they are called: a disk forgets. */
  constructor(space: SpaceId, table: KeyTable) {
    this.#space = space
    this.#spaceBytes = bytesOfHex(space)
    this.#table = table
    for (const key of table.of(space)) if (keyIdOf(this.#spaceBytes, key.n, key.key) === key.id) this.#keep(key)
  }

  get size(): number {
    return this.#keys.size
  }

  get(id: string): EpochKey | undefined {
    return this.#keys.get(id)
  }

  /** Takes a key that was checked against its name, and all that it opens. `fromAdmin`: from somebody who is or was one. */
  add(key: EpochKey, fromAdmin: boolean): void {
    const most = KEYS_MAX_PER_SPACE * (fromAdmin ? 1 : ANYBODYS_SHARE)
    const opened = [key]
    for (let next = opened.pop(); next !== undefined; next = opened.pop()) {
      if (this.#keys.has(next.id) || this.#keys.size >= most) continue
      this.#table.add(this.#space, next)
      this.#keep(next)
      const locked = this.#locked.get(next.id) ?? []
      this.#locked.delete(next.id)
      this.#lockedCount -= locked.length
      opened.push(...this.#open(next, locked))
    }
  }

  /** Takes what is sealed under the key of that id, now or once that comes. */
  addSealed(id: string, sealed: readonly SealedKey[], fromAdmin: boolean): void {
    const newer = this.#keys.get(id)
    const most = LOCKED_MAX_PER_SPACE * (fromAdmin ? 1 : ANYBODYS_SHARE)
    if (newer !== undefined) for (const key of this.#open(newer, sealed)) this.add(key, fromAdmin)
    else if (this.#lockedCount + sealed.length <= most) {
      this.#locked.set(id, [...(this.#locked.get(id) ?? []), ...sealed])
      this.#lockedCount += sealed.length
    }
  }

  /** Numbers of keys that came since the last call, and at first of all. */
  takeFresh(): readonly number[] {
    const fresh = [...this.#fresh]
    this.#fresh.clear()
    return fresh
  }

  /**
   * Keys from which all others can be had, the newest first; `first`, if it is held, and what can be had from it is no part of
   * them.
   */
  rootsWithout(first?: string): readonly EpochKey[] {
    const reached = new Set<string>()
    if (first !== undefined) this.#reach(first, reached)
    const roots: EpochKey[] = []
    for (const key of [...this.#keys.values()].toSorted((a, b) => b.n - a.n || (a.id < b.id ? -1 : 1))) {
      if (reached.has(key.id)) continue
      roots.push(key)
      this.#reach(key.id, reached)
    }
    return roots
  }

  #reach(from: string, reached: Set<string>): void {
    const open = [from]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (reached.has(id)) continue
      reached.add(id)
      open.push(...(this.#chained.get(id) ?? []))
    }
  }

  #keep(key: EpochKey): void {
    this.#keys.set(key.id, key)
    this.#fresh.add(key.n)
  }

  #open(newer: EpochKey, sealed: readonly SealedKey[]): readonly EpochKey[] {
    const chained = this.#chained.get(newer.id) ?? new Set()
    this.#chained.set(newer.id, chained)
    const opened: EpochKey[] = []
    for (const [n, id, bytes] of sealed) {
      const key = chained.has(id) ? undefined : openPrevious(this.#spaceBytes, newer, { n, id }, bytes)
      if (key === undefined) continue
      chained.add(id)
      opened.push(key)
    }
    return opened
  }
}
