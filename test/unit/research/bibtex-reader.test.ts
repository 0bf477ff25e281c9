import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FIELDS_MAX, MACRO_MAX_CHARS, NESTING_MAX } from '../../../src/research/bibtex/entry.ts'
import { type BibtexItem, BibtexReader, ENTRY_MAX_CHARS, readBibtex } from '../../../src/research/index.ts'

const keysOf = (items: readonly BibtexItem[]): string[] =>
  items.flatMap((item) => (item.kind === 'entry' ? [item.entry.key] : []))
const problemsOf = (items: readonly BibtexItem[]): (readonly [number, string])[] =>
  items.flatMap((item) => (item.kind === 'rejected' ? [[item.problem.line, item.problem.reason] as const] : []))
const fieldsOf = (text: string): Record<string, string> => {
  const [item] = readBibtex(text)
  assert.equal(item?.kind, 'entry', JSON.stringify(item))
  return item.kind === 'entry' ? Object.fromEntries(item.entry.fields) : {}
}

describe('BibtexReader: what it reads', () => {
  it('reads braces, quotes, numbers, macros and joined parts', () => {
    const text =
      '@string{ieee = "IEEE "}\n@STRING(tc = ieee # {Trans. {C}omp.})\n@article{a, journal = tc, year = 1978, title = {A {B} "c"}, note = "x {"} y" # 1}'
    assert.deepEqual(fieldsOf(text), {
      journal: 'IEEE Trans. {C}omp.',
      year: '1978',
      title: 'A {B} "c"',
      note: 'x {"} y1',
    })
  })

  it('takes a name that is no macro for itself, so that months need no table', () => {
    assert.deepEqual(fieldsOf('@misc{a, month = jan # "~1", booktitle = AAAI-91}'), {
      month: 'jan~1',
      booktitle: 'AAAI-91',
    })
  })

  it('knows parentheses, upper case, trailing commas, and several entries on a line', () => {
    const items = readBibtex('@ARTICLE(a, TITLE = {t},)  @book{b, title={u}} @misc{c,}')
    assert.deepEqual(keysOf(items), ['a', 'b', 'c'])
    assert.deepEqual(problemsOf(items), [])
  })

  it('passes over preambles, comments and text between entries', () => {
    const text = [
      'Mail me at someone@example.org {not an entry}',
      '@preamble{ "\\newcommand{\\noop}[1]{}" # {x} }',
      '@comment{jabref-meta: {nested} @article{no, title={no}} }',
      '@Comment Len Schubert @article{neither, title = {x}}',
      '@article{yes, title = {t}}',
    ].join('\n')
    assert.deepEqual(keysOf(readBibtex(text)), ['yes'])
  })

  it('counts lines whatever their ends, and drops a byte order mark', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const items = readBibtex(`\ufeff${['', '@misc{a,', ' title={t}}', '', '@misc{b, title={u}}'].join(end)}`)
      assert.deepEqual(
        items.map((item) => (item.kind === 'entry' ? item.entry.line : 0)),
        [2, 5],
        JSON.stringify(end),
      )
    }
  })

  it('forgives a missing comma, a missing key, a switched-off field, and a field given twice', () => {
    assert.deepEqual(fieldsOf('@misc{k title = {t} year = 1999}'), { title: 't', year: '1999' })
    assert.deepEqual(fieldsOf('@misc{title = {t}, year = 1999}'), { title: 't', year: '1999' })
    assert.deepEqual(fieldsOf('@misc{k,\n% year = 1\n@comment note = {x}\n title = {t}, title = {u}}'), { title: 't' })
  })

  it('counts braces as BibTeX does, and lets escaped ones pass only when that makes the entry whole', () => {
    assert.deepEqual(fieldsOf('@misc{k, title = {a \\{ b \\} c}}'), { title: 'a \\{ b \\} c' })
    assert.deepEqual(fieldsOf("@misc{k, author = {Thi\\{'ebaux}, year = 1993}"), {
      author: "Thi\\{'ebaux",
      year: '1993',
    })
  })

  it('keeps names like those of Object.prototype apart', () => {
    assert.deepEqual(
      fieldsOf('@misc{__proto__, __proto__ = {a}, constructor = {b}}'),
      Object.fromEntries([
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]),
    )
  })
})

describe('BibtexReader: one bad entry costs nothing else', () => {
  const around = (bad: string): string => `@misc{before, title={a}}\n${bad}\n@misc{after, title={b}}\n`
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'an entry that is never closed',
      '@article{x, title = {no end}, year = 1',
      'not closed before the next entry on line 3',
    ],
    ['a brace too few', '@article{x, title = {a {b}, year = 1}', 'not closed before the next entry on line 3'],
    ['a quote too few', '@article{x, title = "a, year = 1}', 'a } without its { inside quotes'],
    ['no equals sign', '@article{x, title {a}}', 'no = after the field name "title"'],
    ['no value', '@article{x, title = , year = 1}', '"," where a value should begin'],
    ['no opening brace', '@article x, title = {a}}', '@article is not followed by { or ('],
    ['no type', '@{x, title = {a}}', 'no entry type follows the @'],
    ['a key with a brace', '@article{x{y}, title = {a}}', '"{" in the citation key'],
    [
      'nesting beyond the limit',
      `@article{x, title = {${'{'.repeat(NESTING_MAX + 1)}${'}'.repeat(NESTING_MAX + 1)}}}`,
      `braces nested deeper than ${NESTING_MAX}`,
    ],
    [
      'too many fields',
      `@article{x, ${Array.from({ length: FIELDS_MAX + 1 }, (_, n) => `f${n}={}`).join()}}`,
      `more than ${FIELDS_MAX} fields`,
    ],
    [
      'a macro that is too long',
      `@string{m = {${'x'.repeat(MACRO_MAX_CHARS + 1)}}}`,
      `the macro m is longer than ${MACRO_MAX_CHARS} characters`,
    ],
    ['bytes that were not UTF-8', '@article{x, title = {caf\ufffd}}', 'bytes that are not UTF-8'],
    ['half a surrogate pair', '@article{x, title = {\ud800}}', 'bytes that are not UTF-8'],
  ]
  for (const [name, bad, reason] of cases) {
    it(name, () => {
      const items = readBibtex(around(bad))
      assert.deepEqual(keysOf(items), ['before', 'after'])
      const [problem, ...others] = problemsOf(items)
      assert.deepEqual(others, [])
      assert.equal(problem?.[0], 2)
      assert.ok(problem?.[1].startsWith(reason), problem?.[1])
    })
  }

  it('says so when the file ends in the middle', () => {
    assert.deepEqual(problemsOf(readBibtex('@misc{a, title={x}}\n@misc{b, title={y')), [
      [2, 'not closed before the end of the file'],
    ])
  })

  it('does not lose entries between a brace too few and one too many', () => {
    const text =
      '@misc{a, title = {x, year = 1}\n@misc{b, title = {y}}\n@misc{c, title = {z}}, note = {n}}\n@misc{d, title = {w}}'
    assert.deepEqual(keysOf(readBibtex(text)), ['b', 'c', 'd'])
  })

  it('is not stopped by an @comment{ that never closes', () => {
    assert.deepEqual(keysOf(readBibtex('@comment{ open\n@misc{a, title={x}}\n@misc{b, title={y}}')), ['a', 'b'])
  })

  it('refuses an entry above the limit, even one blown up by macros, and goes on', () => {
    const long = 'x'.repeat(ENTRY_MAX_CHARS)
    assert.deepEqual(keysOf(readBibtex(`@misc{a, title = {${long}}}\n@misc{b, title={y}}`)), ['b'])
    const macros = `@string{m = {${'x'.repeat(16_000)}}}\n@misc{a, title = ${Array(100).fill('m').join('#')}}\n@misc{b, title={y}}`
    assert.deepEqual(problemsOf(readBibtex(macros)), [[2, `longer than ${ENTRY_MAX_CHARS} characters`]])
  })
})

describe('BibtexReader: cost', () => {
  // Each of these would take hours if anything were scanned again and again.
  const hostile: readonly (readonly [string, string])[] = [
    ['entries that never close', '@a{k,t={\n'.repeat(200_000)],
    ['openers that are no entries', '@a{\n'.repeat(500_000)],
    ['openers inside one value', `@a{k,t={${'\n@x{'.repeat(300_000)}`],
    ['comments that never close', '@comment{\n'.repeat(200_000)],
    ['names without an opening', '@foo bar\n'.repeat(300_000)],
    ['one endless line', 'x @ y '.repeat(400_000)],
  ]
  for (const [name, text] of hostile) {
    it(`${name}, whole and in small pieces`, () => {
      readBibtex(text)
      const reader = new BibtexReader()
      for (let at = 0; at < text.length; at += 1_000) reader.push(text.slice(at, at + 1_000))
      reader.end()
    })
  }

  it('hands entries on as soon as they are complete', () => {
    const reader = new BibtexReader()
    assert.deepEqual(keysOf(reader.push('@misc{a, title={x}}\n@misc{b, ti')), ['a'])
    assert.deepEqual(keysOf(reader.push('tle={y}}')), [])
    assert.deepEqual(keysOf(reader.end()), ['b'])
  })
})

describe('BibtexReader: the end of a chunk', () => {
  const inPieces = (...chunks: readonly string[]): BibtexItem[] => {
    const reader = new BibtexReader()
    return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()]
  }

  it('is not the end of a comment line', () => {
    assert.deepEqual(inPieces('\n@Comment x', '@article{k,\n'), [])
  })

  it('may be the middle of the header that ends what was never closed', () => {
    const whole = readBibtex('@preamble{@\n@article{k,')
    assert.deepEqual(inPieces('@preamble{@\n@', 'article{k,'), whole)
    assert.deepEqual(
      problemsOf(whole).map(([line]) => line),
      [1, 2],
    )
  })
})
