import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { IdentityError } from './errors.ts'
import { SEED_BYTES } from './keys.ts'

export const RECOVERY_PHRASE_WORDS = 24

/** A seed of 32 bytes as the 24 words of BIP-39, the last of which holds a checksum of 8 bits. */
export function phraseOfSeed(seed: Uint8Array): string {
  return entropyToMnemonic(seed, wordlist)
}

/** Reads such words, in any case and with any blanks between them. Throws `ERR_RECOVERY_PHRASE`, and says nothing of what they were. */
export function seedOfPhrase(text: string): Uint8Array {
  const words = text.toLowerCase().trim().split(/\s+/)
  if (words.length !== RECOVERY_PHRASE_WORDS)
    throw refused(`it has ${words.length} words, not ${RECOVERY_PHRASE_WORDS}`)
  const wrong = words.findIndex((word) => !wordlist.includes(word))
  if (wrong >= 0) throw refused(`its word ${wrong + 1} is in no such phrase`)
  try {
    const seed = mnemonicToEntropy(words.join(' '), wordlist)
    if (seed.byteLength === SEED_BYTES) return seed
  } catch {
    // The library's one way to say that the checksum does not fit; its error might quote the words.
  }
  throw refused('its words do not belong together')
}

function refused(why: string): IdentityError {
  return new IdentityError('ERR_RECOVERY_PHRASE', `this is not the recovery phrase: ${why}`, {
    fix: 'Type the 24 words as they were written down, in their order.',
  })
}
