/**
 * The Porter stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980) with the two later changes
 * of its author (`bli`, `logi`): the same stems as the `porter` tokenizer of SQLite's FTS5.
 */
type Rule = readonly [suffix: string, replacement: string]

const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['logi', 'log'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
]

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
]

const STEP_4: readonly Rule[] = [
  ['al', ''],
  ['ance', ''],
  ['ence', ''],
  ['er', ''],
  ['ic', ''],
  ['able', ''],
  ['ible', ''],
  ['ant', ''],
  ['ement', ''],
  ['ment', ''],
  ['ent', ''],
  ['ion', ''],
  ['ou', ''],
  ['ism', ''],
  ['ate', ''],
  ['iti', ''],
  ['ous', ''],
  ['ive', ''],
  ['ize', ''],
]

const ENGLISH = /^[a-z0-9]{3,64}$/

/** The stem of one lower-case word of 3 to 64 ASCII letters and digits; anything else stays as it is. */
export function stem(word: string): string {
  if (!ENGLISH.test(word)) return word
  let stemmed = step1c(step1b(step1a(word)))
  stemmed = replaceLongest(stemmed, STEP_2, 0)
  stemmed = replaceLongest(stemmed, STEP_3, 0)
  stemmed = replaceLongest(stemmed, STEP_4, 1)
  return step5(stemmed)
}

/** Plurals. */
function step1a(word: string): string {
  if (endsIn(word, 'sses') || endsIn(word, 'ies')) return word.slice(0, -2)
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word
}

/** Past tense and gerund. */
function step1b(word: string): string {
  if (endsIn(word, 'eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word
  const length = endsIn(word, 'ed') ? 2 : endsIn(word, 'ing') ? 3 : 0
  const rest = word.slice(0, word.length - length)
  if (length === 0 || !hasVowel(rest)) return word
  if (rest.endsWith('at') || rest.endsWith('bl') || rest.endsWith('iz')) return `${rest}e`
  if (endsInDoubleConsonant(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1)
  return measure(rest) === 1 && endsInShortSyllable(rest) ? `${rest}e` : rest
}

function step1c(word: string): string {
  return word.endsWith('y') && hasVowel(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word
}

function step5(word: string): string {
  let stemmed = word
  if (word.endsWith('e')) {
    const rest = word.slice(0, -1)
    const syllables = measure(rest)
    if (syllables > 1 || (syllables === 1 && !endsInShortSyllable(rest))) stemmed = rest
  }
  return stemmed.endsWith('ll') && measure(stemmed.slice(0, -1)) > 1 ? stemmed.slice(0, -1) : stemmed
}

/** The longest suffix that fits decides, even when the measure of what stands before it is too small to replace it. */
function replaceLongest(word: string, rules: readonly Rule[], above: number): string {
  let longest: Rule | undefined
  for (const rule of rules) {
    if (endsIn(word, rule[0]) && rule[0].length > (longest?.[0].length ?? 0)) longest = rule
  }
  if (longest === undefined) return word
  const [suffix, replacement] = longest
  const rest = word.slice(0, -suffix.length)
  if (suffix === 'ion' && !/[st]$/.test(rest)) return word
  return measure(rest) > above ? rest + replacement : word
}

/** A word is never its own suffix. */
function endsIn(word: string, suffix: string): boolean {
  return word.length > suffix.length && word.endsWith(suffix)
}

/** Whether the character is a vowel: a, e, i, o, u, and y after a consonant. */
function isVowel(word: string, at: number): boolean {
  switch (word[at]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return true
    case 'y':
      return at > 0 && !isVowel(word, at - 1)
    default:
      return false
  }
}

/** Porter's m: how often a vowel is followed by a consonant. */
function measure(word: string): number {
  let count = 0
  let afterVowel = false
  for (let at = 0; at < word.length; at++) {
    const vowel = isVowel(word, at)
    if (afterVowel && !vowel) count++
    afterVowel = vowel
  }
  return count
}

function hasVowel(word: string): boolean {
  for (let at = 0; at < word.length; at++) if (isVowel(word, at)) return true
  return false
}

/** Counts `yy`, as SQLite does; the paper would call the second one a vowel. */
function endsInDoubleConsonant(word: string): boolean {
  return /([^aeiou])\1$/.test(word)
}

/** Porter's *o: consonant, vowel, consonant, where the last is not w, x or y. */
function endsInShortSyllable(word: string): boolean {
  const last = word.length - 1
  return (
    last >= 2 && !isVowel(word, last) && isVowel(word, last - 1) && !isVowel(word, last - 2) && !/[wxy]$/.test(word)
  )
}
