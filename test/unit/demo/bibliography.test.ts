import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

type Entry = { readonly key: string; readonly fields: ReadonlyMap<string, string> }

const text = readFileSync(new URL('../../../demo/bibliography.bib', import.meta.url), 'utf8')

// The file holds one field a line and closes an entry with a lone brace; this reads that layout, not BibTeX.
const entries: Entry[] = [...text.matchAll(/^@\w+\{(\S+),\n((?: {2}.*\n)+)\}$/gm)].map((match) => ({
  key: match[1] ?? '',
  fields: new Map([...(match[2] ?? '').matchAll(/^ {2}(\w+) = \{(.*)\},$/gm)].map((f) => [f[1] ?? '', f[2] ?? ''])),
}))
const byKey: ReadonlyMap<string, Entry> = new Map(entries.map((entry) => [entry.key, entry]))

function field(entry: Entry, name: string): string {
  return entry.fields.get(name) ?? ''
}

function list(entry: Entry, name: string): string[] {
  const value = field(entry, name)
  return value === '' ? [] : value.split(', ')
}

test('every entry and every field line is of the expected layout', () => {
  assert.equal(entries.length, [...text.matchAll(/^@/gm)].length)
  assert.equal(
    entries.reduce((sum, entry) => sum + entry.fields.size, 0),
    [...text.matchAll(/^ {2}\S/gm)].length,
    'a line was skipped or a field is given twice',
  )
  assert.ok(entries.length >= 64 && entries.length <= 80, `${entries.length} entries`)
})

test('keys, DOIs and arXiv ids are unique', () => {
  assert.equal(byKey.size, entries.length)
  for (const name of ['doi', 'eprint']) {
    const ids = entries.map((entry) => field(entry, name).toLowerCase()).filter((id) => id !== '')
    assert.equal(new Set(ids).size, ids.length, name)
  }
})

test('every entry has its facts and one identifier', () => {
  for (const entry of entries) {
    for (const name of ['author', 'title', 'year', 'keywords']) assert.notEqual(field(entry, name), '', entry.key)
    assert.match(field(entry, 'year'), /^(19|20)\d\d$/, entry.key)
    assert.ok(entry.key.includes(field(entry, 'year')), entry.key)
    const [doi, eprint] = [field(entry, 'doi'), field(entry, 'eprint')]
    assert.notEqual(doi === '', eprint === '', `${entry.key} has either a DOI or an arXiv id`)
    if (doi !== '') assert.match(doi, /^10\.\d{4,5}\/[^\s{}]+$/, entry.key)
    if (eprint !== '') assert.match(eprint, /^\d{4}\.\d{4,5}$/, entry.key)
    assert.equal(field(entry, 'archiveprefix'), eprint === '' ? '' : 'arXiv', entry.key)
    const keywords = list(entry, 'keywords').length
    assert.ok(keywords >= 2 && keywords <= 4, `${entry.key} has ${keywords} keywords`)
  }
})

test('the text is ASCII with balanced braces', () => {
  assert.match(text, /^[\n\x20-\x7e]*$/)
  for (const entry of entries)
    for (const value of entry.fields.values()) {
      assert.equal(value.split('{').length, value.split('}').length, `${entry.key}: ${value}`)
    }
})

test('citations name other entries, once each, and never a later paper', () => {
  let pairs = 0
  for (const entry of entries) {
    const cites = list(entry, 'cites')
    assert.equal(new Set(cites).size, cites.length, entry.key)
    for (const key of cites) {
      const cited = byKey.get(key)
      assert.ok(cited, `${entry.key} cites ${key}, which is not in the file`)
      assert.notEqual(key, entry.key)
      assert.ok(Number(field(cited, 'year')) <= Number(field(entry, 'year')), `${entry.key} cites the later ${key}`)
    }
    pairs += cites.length
  }
  assert.ok(pairs >= 80, `${pairs} citations`)
})
