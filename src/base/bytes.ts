import { hash } from 'node:crypto'

export const HASH_BYTES = 32

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

const HEX = /^[0-9a-f]*$/

/** Whether a text is `length` bytes in lower-case hexadecimal digits. */
export function isHex(text: string, length: number): boolean {
  return text.length === length * 2 && HEX.test(text)
}

/** Bytes of a lower-case hexadecimal string; anything else yields fewer bytes than asked, so check the length. */
export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

const encoder = new TextEncoder()

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** SHA-256 over the concatenation of the parts (FIPS 180-4), 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  return new Uint8Array(hash('sha256', whole, 'buffer'))
}
