import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, test } from 'node:test'
import { tokenize } from '../../../scripts/source-tokens.ts'
import { code, pageText, ROOT, rows, sections } from './markdown.ts'

const PAGE = 'docs/errors.md'
const UNION = /^(\w*ErrorCode|JoinRefusal\w*)$/
const CODE = /^ERR_[A-Z0-9_]+$/

interface Found {
  readonly module: string
  readonly code: string
  readonly file: string
}

/** Codes that a caller can meet: members of a code union, and those given to a bare `PlexusError`. */
const declared: Found[] = []
/** Every code written anywhere in a module. */
const written = new Set<string>()

for (const path of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.ts')) continue
  const module = path.split(sep)[0] ?? ''
  const file = `src/${path.split(sep).join('/')}`
  const tokens = tokenize(readFileSync(join(ROOT, file), 'utf8'))
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'string' && CODE.test(token.text)) written.add(`${module} ${token.text}`)
    const next = (ahead: number): string => tokens[at + ahead]?.text ?? ''
    if (token.text === 'new' && next(1) === 'PlexusError' && CODE.test(next(3))) {
      declared.push({ module, code: next(3), file })
    }
    if (token.text !== 'type' || !UNION.test(next(1)) || next(2) !== '=') continue
    for (let ahead = next(3) === '|' ? 4 : 3; ; ahead += 2) {
      if (CODE.test(next(ahead))) declared.push({ module, code: next(ahead), file })
      if (next(ahead + 1) !== '|') break
    }
  }
}

const documented = sections(pageText(PAGE), 2).flatMap(({ title, body }) =>
  rows(body).map(([first, meaning = '', fix = '']) => ({ module: title, code: code(first)[0] ?? '', meaning, fix })),
)

describe('docs/errors.md', () => {
  test('the scan finds the codes of the sources', () => {
    assert.ok(declared.length > 50, `only ${declared.length} codes: has the way of declaring them changed?`)
    for (const known of ['base ERR_TIMEOUT', 'space ERR_INVITE_USED', 'cli ERR_USAGE']) {
      assert.ok(
        declared.some(({ module, code }) => `${module} ${code}` === known),
        `${known} was not found`,
      )
    }
  })

  test('explains every code', () => {
    const explained = new Set(documented.map(({ module, code }) => `${module} ${code}`))
    const missing = declared.filter(({ module, code }) => !explained.has(`${module} ${code}`))
    const sentences = missing.map(
      ({ module, code, file }) => `${code} of ${file}: add a row to ${PAGE}, section "## ${module}"`,
    )
    assert.deepEqual([...new Set(sentences)], [])
  })

  test('explains only codes that exist, once per module', () => {
    const seen = new Set<string>()
    const faults = documented.flatMap(({ module, code }) => {
      const key = `${module} ${code}`
      if (seen.has(key)) return [`${code}: ${PAGE}, section "## ${module}" has it twice`]
      seen.add(key)
      return written.has(key) ? [] : [`${code || 'a row without a code'}: not in src/${module}; remove it from ${PAGE}`]
    })
    assert.deepEqual(faults, [])
  })

  test('says for each what it means and what to do', () => {
    const thin = documented.filter(({ meaning, fix }) => meaning.length < 10 || fix.length < 5)
    assert.deepEqual(
      thin.map(({ module, code }) => `${code}: ${PAGE}, section "## ${module}" needs a meaning and a fix`),
      [],
    )
  })
})
