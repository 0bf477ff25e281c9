import { HASH_BYTES, sha256 } from '../base/index.ts'

/** What stands for the items of a range: the first so many bytes of a hash of their sum. */
export const RANGE_FINGERPRINT_BYTES = 8
const WORDS = HASH_BYTES / 4

/** Sums of terms modulo 2^256, and of how many. Words of 32 bits are several times as fast as big integers. */
export class Sums {
  #words: Uint32Array
  #counts: Uint32Array

  constructor(places: number) {
    this.#words = new Uint32Array(places * WORDS)
    this.#counts = new Uint32Array(places)
  }

  reserve(places: number): void {
    if (this.#counts.length >= places) return
    const [words, counts] = [new Uint32Array(places * 2 * WORDS), new Uint32Array(places * 2)]
    words.set(this.#words)
    counts.set(this.#counts)
    this.#words = words
    this.#counts = counts
  }

  count(place: number): number {
    return this.#counts[place] ?? 0
  }

  add(place: number, term: Uint8Array): void {
    this.#counts[place] = this.count(place) + 1
    for (let word = WORDS - 1, carry = 0; word >= 0; word--) {
      const sum = (this.#words[place * WORDS + word] ?? 0) + wordAt(term, word) + carry
      this.#words[place * WORDS + word] = sum
      carry = sum > 0xffff_ffff ? 1 : 0
    }
  }

  remove(place: number, term: Uint8Array): void {
    this.#counts[place] = this.count(place) - 1
    for (let word = WORDS - 1, borrow = 0; word >= 0; word--) {
      const difference = (this.#words[place * WORDS + word] ?? 0) - wordAt(term, word) - borrow
      this.#words[place * WORDS + word] = difference
      borrow = difference < 0 ? 1 : 0
    }
  }

  /** Big-endian. */
  bytes(place: number): Uint8Array {
    const bytes = new Uint8Array(HASH_BYTES)
    const view = new DataView(bytes.buffer)
    for (let word = 0; word < WORDS; word++) view.setUint32(word * 4, this.#words[place * WORDS + word] ?? 0)
    return bytes
  }

  /** The first bytes of SHA-256(sum 32, count 4); zeros without items. */
  fingerprint(place: number): Uint8Array {
    const count = this.count(place)
    if (count === 0) return new Uint8Array(RANGE_FINGERPRINT_BYTES)
    const counted = new Uint8Array(4)
    new DataView(counted.buffer).setUint32(0, count)
    return sha256(this.bytes(place), counted).subarray(0, RANGE_FINGERPRINT_BYTES)
  }
}

function wordAt(term: Uint8Array, word: number): number {
  const at = word * 4
  const [a = 0, b = 0, c = 0, d = 0] = [term[at], term[at + 1], term[at + 2], term[at + 3]]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
