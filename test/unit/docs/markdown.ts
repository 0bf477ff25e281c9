/** Reads the few parts of Markdown that the checks of this folder look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage'])

export interface Located<T> {
  readonly value: T
  /** Counted from 1. */
  readonly line: number
}

export interface Section {
  readonly title: string
  /** The lines below the heading, down to the next heading of the same or a higher level. */
  readonly body: string
}

export function pageText(path: string): string {
  const file = join(ROOT, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/** Every Markdown file of the checkout, as a path with slashes from its root. */
export function pages(folder: string = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || NOT_OURS.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pages(path)
    return entry.name.endsWith('.md') ? [relative(ROOT, path).split(sep).join('/')] : []
  })
}

/** The text with fenced blocks emptied, so that line numbers stay. */
function outsideFences(text: string): string[] {
  let fence = ''
  return text.split('\n').map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1] ?? ''
    if (fence === '' && mark !== '') fence = mark
    else if (fence !== '' && mark.startsWith(fence)) fence = ''
    else if (fence === '') return line
    return ''
  })
}

export interface Fence {
  readonly language: string
  readonly lines: readonly Located<string>[]
}

export function fences(text: string): Fence[] {
  const found: Fence[] = []
  let open: { language: string; lines: Located<string>[] } | undefined
  for (const [index, value] of text.split('\n').entries()) {
    const mark = /^\s*```+\s*(\S*)/.exec(value)
    if (mark === null) open?.lines.push({ value, line: index + 1 })
    else if (open === undefined) open = { language: mark[1] ?? '', lines: [] }
    else {
      found.push(open)
      open = undefined
    }
  }
  return found
}

/** Targets of links and images, as written. */
export function links(text: string): Located<string>[] {
  return outsideFences(text).flatMap((line, index) => {
    const plain = line.replaceAll(/`[^`]*`/g, (code) => ' '.repeat(code.length))
    const inline = [...plain.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)]
    const named = [...plain.matchAll(/^\s*\[[^\]]+\]:\s*<?(\S+?)>?\s*$/g)]
    return [...inline, ...named].map((match) => ({ value: match[1] ?? '', line: index + 1 }))
  })
}

/** The anchors that headings get on GitHub. */
export function anchors(text: string): Set<string> {
  const seen = new Map<string, number>()
  const found = new Set<string>()
  for (const line of outsideFences(text)) {
    const title = /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1]
    if (title === undefined) continue
    const plain = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    found.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return found
}

export function sections(text: string, level: number): Section[] {
  const found: { title: string; body: string }[] = []
  let open = false
  for (const line of outsideFences(text)) {
    const heading = /^(#{1,6})\s+(.+)$/.exec(line)
    const depth = heading?.[1]?.length ?? 7
    if (depth === level) found.push({ title: (heading?.[2] ?? '').trim(), body: '' })
    if (depth <= level) open = depth === level
    const last = found.at(-1)
    if (open && last !== undefined && depth > level) last.body += `${line}\n`
  }
  return found
}

/** The cells of all table rows but headers and rules. */
export function rows(text: string): string[][] {
  const lines = outsideFences(text).filter((line) => /^\s*\|.*\|\s*$/.test(line))
  const isRule = (line: string | undefined): boolean => line !== undefined && /^[\s|:-]+$/.test(line)
  return lines
    .filter((line, index) => !isRule(line) && !isRule(lines[index + 1]))
    .map((line) =>
      line
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
}

/** What stands between backticks in a cell. */
export function code(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}
