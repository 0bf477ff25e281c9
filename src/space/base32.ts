/** RFC 4648 section 6, in lower case and without padding. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const BITS_PER_CHAR = 5

export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let waiting = 0
  for (const byte of bytes) {
    waiting = (waiting << 8) | byte
    for (bits += 8; bits >= BITS_PER_CHAR; bits -= BITS_PER_CHAR) {
      text += ALPHABET.charAt((waiting >> (bits - BITS_PER_CHAR)) & 0x1f)
    }
    waiting &= 0x1f
  }
  return bits === 0 ? text : text + ALPHABET.charAt((waiting << (BITS_PER_CHAR - bits)) & 0x1f)
}

/**
 * The whole bytes in a text without padding; `undefined` for a character that is not of the alphabet. `exact` is false
 * when the encoder would not have written these last characters.
 */
export function decodeBase32(text: string): { readonly bytes: Uint8Array; readonly exact: boolean } | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * BITS_PER_CHAR) / 8))
  let at = 0
  let bits = 0
  let waiting = 0
  for (const char of text) {
    const value = ALPHABET.indexOf(char)
    if (value === -1) return undefined
    waiting = (waiting << BITS_PER_CHAR) | value
    bits += BITS_PER_CHAR
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = waiting >> bits
    waiting &= (1 << bits) - 1
  }
  return { bytes, exact: bits < BITS_PER_CHAR && waiting === 0 }
}
