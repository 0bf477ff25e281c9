import { CBOR_MAX_DEPTH, FORBIDDEN_KEY, MAJOR, SIMPLE } from './cbor-format.ts'
import type { CborValue } from './cbor-value.ts'
import { BaseError } from './errors.ts'

/** From this length on the native decoder is faster than a loop. */
const NATIVE_TEXT_BYTES = 24
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads one item in one pass; never allocates more than the input has bytes for. */
export class CborReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #canonical: boolean
  #at = 0

  constructor(bytes: Uint8Array, canonical: boolean) {
    // A plain view: slices of a Buffer would share its memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#canonical = canonical
  }

  /** The only item there is. */
  only(): CborValue {
    const value = this.#item(0)
    if (this.#at !== this.#bytes.length) throw malformed('bytes after the item')
    return value
  }

  #item(depth: number): CborValue {
    const head = this.#bytes[this.#at]
    if (head === undefined) throw malformed('cut off')
    this.#at++
    const info = head & 0x1f
    switch (head >> 5) {
      case MAJOR.unsigned:
        return this.#argument(info)
      case MAJOR.negative:
        return this.#negative(info)
      case MAJOR.bytes:
        return this.#byteString(this.#argument(info))
      case MAJOR.text:
        return this.#text(this.#argument(info))
      case MAJOR.array:
        return this.#array(this.#argument(info), depth)
      case MAJOR.map:
        return this.#map(this.#argument(info), depth)
      case MAJOR.simple:
        return this.#simple(info)
      default:
        throw malformed('a tag')
    }
  }

  /** The number that the head of an item carries (section 3). */
  #argument(info: number): number {
    if (info < 24) return info
    const at = this.#at
    switch (info) {
      case 24:
        this.#skip(1)
        return this.#shortest(this.#view.getUint8(at), 24)
      case 25:
        this.#skip(2)
        return this.#shortest(this.#view.getUint16(at), 0x100)
      case 26:
        this.#skip(4)
        return this.#shortest(this.#view.getUint32(at), 0x1_0000)
      case 27: {
        this.#skip(8)
        const argument = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4)
        if (!Number.isSafeInteger(argument)) throw malformed('a number beyond 2^53 - 1')
        return this.#shortest(argument, 2 ** 32)
      }
      default:
        throw malformed('an indefinite length or a reserved head')
    }
  }

  #shortest(argument: number, least: number): number {
    if (this.#canonical && argument < least) throw notCanonical('a number longer than it need be')
    return argument
  }

  #negative(info: number): number {
    const value = -1 - this.#argument(info)
    if (!Number.isSafeInteger(value)) throw malformed('a number beyond -(2^53 - 1)')
    return value
  }

  /** Moves behind the next `length` bytes, which must be there, and returns that position. */
  #skip(length: number): number {
    if (length > this.#bytes.length - this.#at) throw malformed('cut off')
    this.#at += length
    return this.#at
  }

  #byteString(length: number): Uint8Array {
    const start = this.#at
    return this.#bytes.slice(start, this.#skip(length))
  }

  #text(length: number): string {
    const start = this.#at
    const end = this.#skip(length)
    if (length < NATIVE_TEXT_BYTES) {
      let text = ''
      let at = start
      for (; at < end; at++) {
        const byte = this.#bytes[at] ?? 0
        if (byte > 0x7f) break
        text += String.fromCharCode(byte)
      }
      if (at === end) return text
    }
    try {
      return utf8Decoder.decode(this.#bytes.subarray(start, end))
    } catch (cause) {
      throw malformed('text that is not UTF-8', cause)
    }
  }

  #array(length: number, depth: number): CborValue[] {
    this.#assertRoom(length, depth)
    const items: CborValue[] = []
    for (let index = 0; index < length; index++) items.push(this.#item(depth + 1))
    return items
  }

  #map(length: number, depth: number): { readonly [key: string]: CborValue } {
    this.#assertRoom(length * 2, depth)
    const map: { [key: string]: CborValue } = {}
    let previous = this.#at
    for (let index = 0; index < length; index++) {
      const start = this.#at
      const key = this.#key()
      if (key === FORBIDDEN_KEY || Object.hasOwn(map, key)) throw malformed('a key that is forbidden or there twice')
      if (this.#canonical && index > 0) this.#assertAscending(previous, start, this.#at)
      previous = start
      map[key] = this.#item(depth + 1)
    }
    return map
  }

  #key(): string {
    const head = this.#bytes[this.#at] ?? 0
    if (head >> 5 !== MAJOR.text) throw malformed('a key that is not text')
    this.#at++
    return this.#text(this.#argument(head & 0x1f))
  }

  /** Compares the encodings of two keys. The head of the later key ends both: it holds the length. */
  #assertAscending(previous: number, start: number, end: number): void {
    for (let offset = 0; start + offset < end; offset++) {
      const order = (this.#bytes[start + offset] ?? 0) - (this.#bytes[previous + offset] ?? 0)
      if (order > 0) return
      if (order < 0) break
    }
    throw notCanonical('keys out of order')
  }

  #assertRoom(items: number, depth: number): void {
    if (depth >= CBOR_MAX_DEPTH) throw malformed(`nesting deeper than ${CBOR_MAX_DEPTH}`)
    if (items > this.#bytes.length - this.#at) throw malformed('cut off')
  }

  #simple(info: number): CborValue {
    const at = this.#at
    switch (info) {
      case SIMPLE.false:
        return false
      case SIMPLE.true:
        return true
      case SIMPLE.null:
        return null
      case SIMPLE.float16:
        this.#skip(2)
        return this.#float(this.#view.getFloat16(at), () => true)
      case SIMPLE.float32:
        this.#skip(4)
        return this.#float(this.#view.getFloat32(at), (value) => Math.f16round(value) !== value)
      case SIMPLE.float64:
        this.#skip(8)
        return this.#float(this.#view.getFloat64(at), (value) => Math.fround(value) !== value)
      default:
        throw malformed('undefined or an unknown simple value')
    }
  }

  #float(value: number, isShortest: (value: number) => boolean): number {
    if (!Number.isFinite(value)) throw malformed('a number that is not finite')
    if (this.#canonical && (Number.isSafeInteger(value) || !isShortest(value))) {
      throw notCanonical('a number longer than it need be')
    }
    return value
  }
}

function malformed(what: string, cause?: unknown): BaseError {
  return new BaseError('ERR_ENCODING', `not valid CBOR: ${what}`, { cause })
}

function notCanonical(what: string): BaseError {
  return new BaseError('ERR_ENCODING', `not canonical CBOR: ${what}`)
}
