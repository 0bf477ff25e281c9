/** Major types of CBOR (RFC 8949 section 3.1). */
const UNSIGNED = 0
const BYTES = 2
const TEXT = 3
const ARRAY = 4

/** The least number that is written in 1, 2, 4 and 8 bytes of its own. */
const LEAST: readonly number[] = [24, 2 ** 8, 2 ** 16, 2 ** 32]

const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Reads the few kinds of CBOR items that envelopes consist of, one after the other. Input that has another item than the one
 * asked for, or ends too early, makes it `failed`; what it returns from then on means nothing.
 */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0
  failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength
  }

  /** The length of an array. */
  array(): number {
    return this.#head(ARRAY)
  }

  uint(): number {
    return this.#head(UNSIGNED)
  }

  /** A text of at most `maxBytes`. Bytes beyond ASCII come out as characters beyond ASCII, and not as those they stand for. */
  ascii(maxBytes: number): string {
    const start = this.#span(TEXT, maxBytes)
    return this.failed ? '' : this.#bytes.toString('latin1', start, this.#at)
  }

  /** A byte string, as a view of the input. */
  bytes(maxBytes: number): Uint8Array {
    const start = this.#span(BYTES, maxBytes)
    if (this.failed) return NOTHING
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#at - start)
  }

  /** A byte string of `length`, in hexadecimal digits. */
  hex(length: number): string {
    const start = this.#span(BYTES, length)
    if (this.#at - start !== length) this.failed = true
    return this.failed ? '' : this.#bytes.toString('hex', start, this.#at)
  }

  /** Moves behind a string and returns where it starts. */
  #span(major: number, maxBytes: number): number {
    const length = this.#head(major)
    const start = this.#at
    if (length > maxBytes || length > this.#bytes.byteLength - start) this.failed = true
    else this.#at = start + length
    return start
  }

  #head(major: number): number {
    const bytes = this.#bytes
    const at = this.#at
    const head = bytes[at] ?? 0xff
    const info = head & 0x1f
    const size = info < 24 ? 0 : 1 << (info - 24)
    if (this.failed || head >> 5 !== major || info > 27 || at + size >= bytes.byteLength) {
      this.failed = true
      return 0
    }
    this.#at = at + 1 + size
    if (size === 0) return info
    const argument = this.#argument(at + 1, size)
    // What fits in fewer bytes has one encoding, the shorter.
    if (argument < (LEAST[info - 24] ?? 0) || !Number.isSafeInteger(argument)) this.failed = true
    return argument
  }

  #argument(at: number, size: number): number {
    const bytes = this.#bytes
    if (size === 1) return bytes[at] ?? 0
    if (size === 2) return bytes.readUInt16BE(at)
    if (size === 4) return bytes.readUInt32BE(at)
    return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
  }
}
