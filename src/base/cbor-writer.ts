import { CBOR_MAX_DEPTH, FORBIDDEN_KEY, MAJOR, SIMPLE } from './cbor-format.ts'
import { type CborValue, isList } from './cbor-value.ts'
import { BaseError } from './errors.ts'

const SCRATCH_BYTES = 16 * 1024
/** Up to this length a loop is faster than the native encoder. */
const SHORT_TEXT_CHARS = 32
type CborMap = { readonly [key: string]: CborValue }

const ASCII = /^[\0-\x7f]*$/

const utf8Encoder = new TextEncoder()
/** Handed from one writer to the next, so that small values cost no buffer of their own. */
let spare: Uint8Array | undefined

export class CborWriter {
  #bytes: Uint8Array
  #view: DataView
  #at = 0

  constructor() {
    this.#bytes = spare ?? new Uint8Array(SCRATCH_BYTES)
    this.#view = new DataView(this.#bytes.buffer)
    spare = undefined
  }

  /** A copy of what was written; the writer is spent. */
  finish(): Uint8Array {
    if (this.#bytes.byteLength === SCRATCH_BYTES) spare = this.#bytes
    return this.#bytes.slice(0, this.#at)
  }

  item(value: CborValue, depth: number): void {
    if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'boolean') this.#head(MAJOR.simple, value ? SIMPLE.true : SIMPLE.false)
    else if (value === null) this.#head(MAJOR.simple, SIMPLE.null)
    else if (value instanceof Uint8Array) this.#byteString(value)
    else if (typeof value === 'object') this.#container(value, depth)
    else throw unencodable(typeof value)
  }

  #container(value: readonly CborValue[] | CborMap, depth: number): void {
    if (depth >= CBOR_MAX_DEPTH) throw unencodable(`nesting deeper than ${CBOR_MAX_DEPTH}`)
    if (isList(value)) {
      this.#head(MAJOR.array, value.length)
      for (const item of value) this.item(item, depth + 1)
    } else {
      this.#map(value, depth)
    }
  }

  #map(map: CborMap, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(map)
    if (prototype !== Object.prototype && prototype !== null) throw unencodable('an object that is not plain')
    const keys = Object.keys(map).sort(compareKeys)
    this.#head(MAJOR.map, keys.length)
    for (const key of keys) {
      if (key === FORBIDDEN_KEY || !key.isWellFormed()) throw unencodable('a key that no reader takes')
      this.#text(key)
      this.item(map[key] as CborValue, depth + 1)
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.#head(MAJOR.unsigned, value)
      else this.#head(MAJOR.negative, -1 - value)
      return
    }
    if (!Number.isFinite(value)) throw unencodable('a number that is not finite')
    this.#reserve(9)
    if (Math.f16round(value) === value) {
      this.#bytes[this.#at] = (MAJOR.simple << 5) | SIMPLE.float16
      this.#view.setFloat16(this.#at + 1, value)
      this.#at += 3
    } else if (Math.fround(value) === value) {
      this.#bytes[this.#at] = (MAJOR.simple << 5) | SIMPLE.float32
      this.#view.setFloat32(this.#at + 1, value)
      this.#at += 5
    } else {
      this.#bytes[this.#at] = (MAJOR.simple << 5) | SIMPLE.float64
      this.#view.setFloat64(this.#at + 1, value)
      this.#at += 9
    }
  }

  #byteString(value: Uint8Array): void {
    this.#head(MAJOR.bytes, value.byteLength)
    this.#reserve(value.byteLength)
    this.#bytes.set(value, this.#at)
    this.#at += value.byteLength
  }

  #text(text: string): void {
    if (text.length <= SHORT_TEXT_CHARS && this.#shortAscii(text)) return
    const length = Buffer.byteLength(text)
    this.#head(MAJOR.text, length)
    this.#reserve(length)
    utf8Encoder.encodeInto(text, this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
  }

  /** False, and nothing written, when a character is not ASCII. */
  #shortAscii(text: string): boolean {
    const start = this.#at
    this.#head(MAJOR.text, text.length)
    this.#reserve(text.length)
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) {
        this.#at = start
        return false
      }
      this.#bytes[this.#at++] = code
    }
    return true
  }

  /** Major type and argument in the shortest form. */
  #head(major: number, argument: number): void {
    this.#reserve(9)
    const type = major << 5
    if (argument < 24) {
      this.#bytes[this.#at++] = type | argument
    } else if (argument < 0x100) {
      this.#bytes[this.#at++] = type | 24
      this.#bytes[this.#at++] = argument
    } else if (argument < 0x1_0000) {
      this.#bytes[this.#at] = type | 25
      this.#view.setUint16(this.#at + 1, argument)
      this.#at += 3
    } else if (argument < 2 ** 32) {
      this.#bytes[this.#at] = type | 26
      this.#view.setUint32(this.#at + 1, argument)
      this.#at += 5
    } else {
      this.#bytes[this.#at] = type | 27
      this.#view.setUint32(this.#at + 1, Math.floor(argument / 2 ** 32))
      this.#view.setUint32(this.#at + 5, argument % 2 ** 32)
      this.#at += 9
    }
  }

  #reserve(length: number): void {
    const needed = this.#at + length
    if (needed <= this.#bytes.byteLength) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** The order of the keys' encodings: the shorter one first, then byte by byte. */
function compareKeys(a: string, b: string): number {
  if (ASCII.test(a) && ASCII.test(b)) return a.length - b.length || (a < b ? -1 : 1)
  const [left, right] = [utf8Encoder.encode(a), utf8Encoder.encode(b)]
  return left.length - right.length || Buffer.compare(left, right)
}

function unencodable(what: string): BaseError {
  return new BaseError('ERR_ENCODING', `CBOR cannot hold ${what}`)
}
