/** Drawn two cells wide by terminals: East Asian wide and full width, and pictures. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
/** Drawn over the character before it. */
const COMBINING = /\p{M}/u

/** How many cells of a terminal a text without control characters takes, as near as that can be known. */
export function cellsOf(text: string): number {
  let cells = 0
  for (const char of text) cells += widthOf(char)
  return cells
}

function widthOf(char: string): number {
  if (char < '\u0300') return 1
  if (COMBINING.test(char)) return 0
  return WIDE.test(char) ? 2 : 1
}

/** A text in exactly `width` cells: cut with an ellipsis, or filled with spaces. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cellsOf(text) <= width ? text : shorten(text, width)
  const space = ' '.repeat(Math.max(0, width - cellsOf(cut)))
  return align === 'left' ? cut + space : space + cut
}

/** At most `width` cells, an ellipsis at the end of what was cut. */
export function shorten(text: string, width: number): string {
  if (cellsOf(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let cells = 0
  for (const char of text) {
    cells += widthOf(char)
    if (cells > width - 1) break
    kept += char
  }
  return `${kept}…`
}
