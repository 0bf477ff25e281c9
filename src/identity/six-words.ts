import { wordlist } from '@scure/bip39/wordlists/english.js'

/** What two people read to each other: 6 words of 11 bits each. */
export const SIX_WORDS = 6
const BITS_PER_WORD = 11

/**
 * The first 66 bits of a hash as six words of the English list of BIP-39, in which no two words begin with the same four letters:
 * a short authentication string. Whoever stands in the middle has one guess in 2^66, as long as neither side can choose what is
 * hashed after it knows the rest (docs/specs/link.md).
 */
export function sixWords(hash: Uint8Array): readonly string[] {
  let bits = 0n
  for (const byte of hash.subarray(0, Math.ceil((SIX_WORDS * BITS_PER_WORD) / 8))) bits = (bits << 8n) | BigInt(byte)
  const spare = BigInt(Math.ceil((SIX_WORDS * BITS_PER_WORD) / 8) * 8 - SIX_WORDS * BITS_PER_WORD)
  bits >>= spare
  return Array.from({ length: SIX_WORDS }, (_, at) => {
    const shift = BigInt((SIX_WORDS - 1 - at) * BITS_PER_WORD)
    return wordlist[Number((bits >> shift) & 0x7ffn)] ?? ''
  })
}

/** Whether somebody means these words: case, blanks and line breaks between them make no difference. */
export function areWords(words: readonly string[], text: string): boolean {
  return (
    text
      .toLowerCase()
      .trim()
      .split(/[\s,]+/)
      .join(' ') === words.join(' ')
  )
}
