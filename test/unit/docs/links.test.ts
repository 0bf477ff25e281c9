import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, test } from 'node:test'
import { anchors, links, pages, pageText, ROOT } from './markdown.ts'

const all = pages()

/** What is wrong with a link, or nothing. */
function fault(page: string, target: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : posix.join(dirname(page), decodeURIComponent(path))
  if (file.startsWith('..')) return 'leads out of the repository'
  if (!existsSync(join(ROOT, file))) return `there is no ${file}`
  if (anchor === undefined || !file.endsWith('.md')) return undefined
  return anchors(pageText(file)).has(anchor) ? undefined : `${file} has no heading #${anchor}`
}

/** Files of a folder that its README.md does not link to. */
function notIndexed(folder: string): string[] {
  const index = `${folder}/README.md`
  const linked = new Set(links(pageText(index)).map(({ value }) => posix.join(folder, value.split('#')[0] ?? '')))
  return all
    .filter((page) => dirname(page) === folder && page !== index && !linked.has(page))
    .map((page) => `${page}: add it to ${index}`)
}

describe('the pages', () => {
  test('are found', () => {
    for (const page of ['README.md', 'docs/errors.md', 'docs/adr/README.md']) assert.ok(all.includes(page), page)
  })

  test('link to what exists', () => {
    const faults = all.flatMap((page) =>
      links(pageText(page)).flatMap(({ value, line }) => {
        const reason = fault(page, value)
        return reason === undefined ? [] : [`${page}:${line} ${value}: ${reason}`]
      }),
    )
    assert.deepEqual(faults, [])
  })

  test('are in their indexes', () => {
    assert.deepEqual(['docs', 'docs/specs', 'docs/adr'].flatMap(notIndexed), [])
  })

  test('name every direct dependency in a decision', () => {
    const decisions = all.filter((page) => /^docs\/adr\/\d{4}-/.test(page)).map(pageText)
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, object | undefined>
    const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
    const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}))
    assert.ok(names.length > 10)
    const unexplained = names.filter((name) => !decisions.some((text) => text.includes(`\`${name}\``)))
    assert.deepEqual(
      unexplained.map((name) => `${name}: name it, between backticks, in a page of docs/adr`),
      [],
    )
  })
})
