/** Major types of CBOR (RFC 8949 section 3.1), in place. */
const UNSIGNED = 0x00
const BYTES = 0x40
const TEXT = 0x60
const ARRAY = 0x80
/** Up to this length a loop is faster than the native encoder. */
const SHORT_TEXT_CHARS = 32

/** Writes the few kinds of CBOR items that envelopes consist of, straight to where they are sent from. Bounds are the caller's. */
export class FieldWriter {
  readonly #bytes: Buffer
  /** Behind what was written. */
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  array(length: number): void {
    this.#head(ARRAY, length)
  }

  uint(value: number): void {
    this.#head(UNSIGNED, value)
  }

  /** A text of ASCII characters. */
  ascii(text: string): void {
    this.#head(TEXT, text.length)
    if (text.length > SHORT_TEXT_CHARS) this.#bytes.write(text, this.at, 'latin1')
    else for (let index = 0; index < text.length; index++) this.#bytes[this.at + index] = text.charCodeAt(index)
    this.at += text.length
  }

  bytes(value: Uint8Array): void {
    this.#head(BYTES, value.byteLength)
    this.#bytes.set(value, this.at)
    this.at += value.byteLength
  }

  /** A byte string that is given in hexadecimal digits. */
  hex(digits: string): void {
    this.#head(BYTES, digits.length / 2)
    this.at += this.#bytes.write(digits, this.at, 'hex')
  }

  /** Major type and argument in the shortest form (section 4.2.1). */
  #head(major: number, argument: number): void {
    const at = this.at
    if (argument < 24) {
      this.#bytes[at] = major | argument
      this.at = at + 1
    } else if (argument < 0x100) {
      this.#bytes[at] = major | 24
      this.at = this.#bytes.writeUInt8(argument, at + 1)
    } else if (argument < 0x1_0000) {
      this.#bytes[at] = major | 25
      this.at = this.#bytes.writeUInt16BE(argument, at + 1)
    } else if (argument < 2 ** 32) {
      this.#bytes[at] = major | 26
      this.at = this.#bytes.writeUInt32BE(argument, at + 1)
    } else {
      this.#bytes[at] = major | 27
      this.#bytes.writeUInt32BE(Math.floor(argument / 2 ** 32), at + 1)
      this.at = this.#bytes.writeUInt32BE(argument % 2 ** 32, at + 5)
    }
  }
}
