import { styleText } from 'node:util'
import { plainLine } from '../base/index.ts'

/** Printing for people. Colour never carries meaning alone; `styleText` obeys NO_COLOR, FORCE_COLOR and non-terminals. */
export type Style = Parameters<typeof styleText>[0]

export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Rows as aligned columns, the header dimmed. Cells must not hold line breaks: see `oneLine`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [styled('dim', line(header)), ...rows.map(line)].join('\n')
}

/** Text of others, fit for one line of a terminal. */
export function oneLine(text: string, maxChars = 100): string {
  return plainLine(text, maxChars)
}

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  const minutes = seconds / 60
  if (minutes < 120) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} d`
}

/** `1 record`, `2 records`. */
export function counted(n: number, one: string, many: string = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

/** How long ago, for a wall-clock time in milliseconds. */
export function age(at: number, now: number = Date.now()): string {
  return `${duration(Math.max(0, now - at))} ago`
}

const WAITING: ReadonlySet<string> = new Set([
  'connecting',
  'starting',
  'degraded',
  'offline',
  'suspected',
  'reachable',
])

/** The state words of `status` and `peers`, coloured for whom it helps. */
export function stateWord(state: string): string {
  const good = state === 'ok' || state === 'ready'
  return styled(good ? 'green' : WAITING.has(state) ? 'yellow' : 'red', state)
}

/** A line on stderr that overwrites itself on a terminal, and appears rarely elsewhere. */
export function progressLine(): { show(text: string): void; end(): void } {
  const isTerminal = process.stderr.isTTY === true
  let last = 0
  return {
    show: (text) => {
      const now = performance.now()
      if (isTerminal) process.stderr.write(`\r\x1b[K${text}`)
      else if (now - last > 2_000) process.stderr.write(`${text}\n`)
      if (now - last > 2_000) last = now
    },
    end: () => {
      if (isTerminal) process.stderr.write('\r\x1b[K')
    },
  }
}
