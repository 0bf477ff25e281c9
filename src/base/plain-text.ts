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

/** Never through the middle of a character of two code units. */
function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/\p{Cs}$/u, '')
}
