import { type Random, randomInt, seededRandom } from '../../src/base/index.ts'

/** Distinct words; how often each is used follows Zipf's law with exponent 1, as in natural texts. */
const VOCABULARY_WORDS = 200_000
/** About 1 KiB. */
const WORDS_PER_TEXT = 140
const SYLLABLES =
  'ba ce di fo gu la me ni po ru sa te vi wo xu ya ze an er in or th st tion ing ment al ic able ous ive ness'.split(
    ' ',
  )

/** Texts and questions that are the same for the same seed. */
export class Corpus {
  readonly #random: Random
  readonly #words: readonly string[]

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    const words = new Set<string>()
    const syllables = seededRandom(1)
    while (words.size < VOCABULARY_WORDS) {
      const length = 2 + Math.min(3, Math.floor(words.size / 500))
      words.add(Array.from({ length }, () => SYLLABLES[randomInt(syllables, SYLLABLES.length)]).join(''))
    }
    this.#words = [...words]
  }

  text(): string {
    return Array.from({ length: WORDS_PER_TEXT }, () => this.#word(this.#zipf())).join(' ')
  }

  /** So many words whose ranks in frequency are in a range, 0 being the commonest. */
  words(count: number, from: number, to: number): string {
    return Array.from({ length: count }, () => this.#word(from + randomInt(this.#random, to - from))).join(' ')
  }

  /** A word with one wrong letter in the middle. */
  typo(from: number, to: number): string {
    const word = this.words(1, from, to)
    const middle = word.length >> 1
    return `${word.slice(0, middle)}q${word.slice(middle + 1)}`
  }

  /** The first letters of a word. */
  part(letters: number, from: number, to: number): string {
    return this.words(1, from, to).slice(0, letters)
  }

  #zipf(): number {
    return Math.floor(VOCABULARY_WORDS ** (randomInt(this.#random, 2 ** 30) / 2 ** 30)) - 1
  }

  #word(rank: number): string {
    return this.#words[rank] ?? ''
  }
}
