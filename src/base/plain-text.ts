/**
 * Characters that show one thing to people and another to programs: controls, format characters (zero-width and
 * bidirectional marks, the tag block), line and paragraph separators, variation selectors, unpaired surrogates. Line feed
 * and tab stay.
 */
const DECEPTIVE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Variation_Selector}]/gu

/** Text of others without deceptive characters, cut at `maxChars`; a cut says how much is missing. */
export function plainText(text: string, maxChars: number): string {
  const clean = text.replace(DECEPTIVE, '')
  return clean.length <= maxChars ? clean : `${cut(clean, maxChars)}… (${clean.length - maxChars} characters left out)`
}

/** The same on one line, ended with an ellipsis where it was cut. */
export function plainLine(text: string, maxChars: number): string {
  const clean = text.replace(/\s+/gu, ' ').replace(DECEPTIVE, '').trim()
  return clean.length <= maxChars ? clean : `${cut(clean, maxChars - 1)}…`
}

/** What is shown of the name of a peer or a space. */
const NAME_SHOWN_CHARS = 64

/** The name of a peer or a space, fit for one line. */
export function plainName(name: string): string {
  return plainLine(name, NAME_SHOWN_CHARS)
}

/** A name, or a few words, of others among our own: one string, that cannot be taken for more than it is. */
export function quotedLine(text: string, maxChars: number = NAME_SHOWN_CHARS): string {
  return JSON.stringify(plainLine(text, maxChars))
}

/** Never through the middle of a character of two code units. */
function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/\p{Cs}$/u, '')
}
