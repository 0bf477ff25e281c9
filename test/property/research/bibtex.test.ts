import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type BibtexItem,
  BibtexReader,
  decodeLatex,
  type PaperFields,
  paperOfEntry,
  readBibtex,
  writeBibtex,
} from '../../../src/research/index.ts'
import { readFields } from '../../../src/research/paper-fields.ts'

const plain = (items: readonly BibtexItem[]): unknown =>
  items.map((item) => (item.kind === 'entry' ? { ...item.entry, fields: [...item.entry.fields] } : item.problem))

/** Text made of what a bibliography is made of, in any order. */
const scraps = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '@article{k,',
        '@misc(k,',
        '@string{m = ',
        '@comment{',
        '@Comment x',
        '@preamble{',
        '\n',
        '\r\n',
        '\r',
        '{',
        '}',
        '(',
        ')',
        '"',
        ',',
        '=',
        '#',
        '@',
        '%',
        '\\',
        '\\{',
        ' title = ',
        ' year = 1999',
        'crossref = {k}',
        '$',
        "\\'e",
        '\ufeff',
        ' ',
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''))

const text = fc
  .string({ unit: fc.constantFrom(...'abcXYZ äßé–—“”’ 0199 -–\'`"{}\\$&%#_~^<>@=,.;:!?'), minLength: 1, maxLength: 40 })
  .map((value) => value.replace(/\s+/g, ' ').trim())
  .filter((value) => value !== '')
/** Without what ends a word for somebody who reads a list. */
const word = fc.string({ unit: fc.constantFrom(..."abcäéßøXYZÉ-.'{}\\$_"), minLength: 1, maxLength: 10 })
const capital = word.map((value) => `X${value}`)
const person = fc.oneof(
  fc.record(
    {
      family: fc.array(capital, { minLength: 1, maxLength: 3 }).map((words) => words.join(' ')),
      given: fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(' ')),
      'non-dropping-particle': fc.constantFrom('van', 'de la', 'von der'),
      suffix: fc.constantFrom('Jr.', 'III'),
    },
    { requiredKeys: ['family'] },
  ),
  fc.record({ literal: capital }),
)
const people = fc.array(person, { minLength: 1, maxLength: 4 })
const paper: fc.Arbitrary<PaperFields> = fc
  .record(
    {
      type: fc.constantFrom(
        'article-journal',
        'paper-conference',
        'book',
        'chapter',
        'thesis',
        'report',
        'patent',
        'webpage',
        'document',
      ),
      title: text,
      author: people,
      editor: people,
      issued: fc.oneof(
        fc
          .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
          .map((parts) => ({ 'date-parts': [parts] })),
        fc.integer({ min: -999, max: 2_100 }).map((year) => ({ 'date-parts': [[year]] })),
        fc.integer({ min: 1_000, max: 2_000 }).map((year) => ({ 'date-parts': [[year], [year + 2]] })),
      ),
      'container-title': text,
      'collection-title': text,
      publisher: text,
      volume: text,
      note: text,
      abstract: text,
      DOI: fc.constantFrom(
        '10.1145/359545.359563',
        '10.1002/(sici)1096-987x(199803)19:4<377::aid>3.0.co;2-p',
        '10.1000/a_b',
      ),
      URL: fc.constantFrom('https://a.b/~c?d=%20&e=f_g#h', 'http://x.y/--'),
    },
    { requiredKeys: ['type', 'title'] },
  )
  .map((fields) => readFields(fields))

describe('BibTeX, for any text', () => {
  it('reads the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(scraps, fc.array(fc.nat(40)), (whole, cuts) => {
        const reader = new BibtexReader()
        const items: BibtexItem[] = []
        let at = 0
        for (const length of cuts) {
          items.push(...reader.push(whole.slice(at, at + length)))
          at += length
        }
        items.push(...reader.push(whole.slice(at)), ...reader.end())
        assert.deepEqual(plain(items), plain(readBibtex(whole)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('never throws, and what it makes of entries are fields within their bounds', () => {
    fc.assert(
      fc.property(scraps, (whole) => {
        for (const item of readBibtex(whole)) {
          if (item.kind === 'rejected') continue
          const fields = paperOfEntry(item.entry)
          assert.deepEqual(readFields(fields), Object.fromEntries(Object.entries(fields)))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('decodes to text in NFC without stray spaces', () => {
    fc.assert(
      fc.property(scraps, (latex) => {
        const decoded = decodeLatex(latex)
        assert.equal(decoded, decoded.normalize('NFC').replace(/\s+/g, ' ').trim())
      }),
      { numRuns: 2_000 },
    )
  })

  it('loses nothing but the one bad entry', () => {
    const good = (key: string): string => `@misc{${key}, title = {Good ${key}}}`
    fc.assert(
      fc.property(scraps, (bad) => {
        const text = `${good('before')}\n@article{bad, title = {${bad}\n${good('after')}\n`
        const keys = readBibtex(text).flatMap((item) => (item.kind === 'entry' ? [item.entry.key] : []))
        assert.equal(keys[0], 'before')
        assert.equal(keys.at(-1), 'after')
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('writeBibtex', () => {
  it('reads back as what was written', () => {
    fc.assert(
      fc.property(paper, (fields) => {
        const items = readBibtex(writeBibtex(fields))
        assert.equal(items.length, 1)
        const [item] = items
        assert.deepEqual(item?.kind === 'entry' ? readFields(paperOfEntry(item.entry)) : item, fields)
      }),
      { numRuns: 2_000 },
    )
  })
})
