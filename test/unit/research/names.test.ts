import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseNames } from '../../../src/research/bibtex/names.ts'
import { NAMES_MAX } from '../../../src/research/paper-fields.ts'

/** given | particle | family | suffix, or =literal */
const short = (value: string): string[] =>
  parseNames(value).map((name) =>
    name.literal !== undefined
      ? `=${name.literal}`
      : [name.given, name['non-dropping-particle'], name.family, name.suffix].map((part) => part ?? '').join('|'),
  )

describe('parseNames', () => {
  // The table of "Tame the BeaST", section 11, and what real files hold.
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['AA BB', ['AA||BB|']],
    ['AA', ['||AA|']],
    ['AA bb CC', ['AA|bb|CC|']],
    ['AA bb CC dd EE', ['AA|bb CC dd|EE|']],
    ['AA 1B cc dd', ['AA 1B|cc|dd|']],
    ['AA {b}B cc dd', ['AA bB|cc|dd|']],
    ['bb CC, AA', ['AA|bb|CC|']],
    ['CC, AA', ['AA||CC|']],
    ['bb CC dd EE, AA', ['AA|bb CC dd|EE|']],
    ['bb CC, XX, AA', ['AA|bb|CC|XX']],
    ['CC dd, AA', ['AA||CC dd|']],
    ['jean de la fontaine', ['|jean de la|fontaine|']],
    ['Jean de la Fontaine and de la Fontaine, Jean', ['Jean|de la|Fontaine|', 'Jean|de la|Fontaine|']],
    [
      'Donald E. Knuth AND Leslie Lamport\n and Michel Goossens',
      ['Donald E.||Knuth|', 'Leslie||Lamport|', 'Michel||Goossens|'],
    ],
    ["{\\'E}mile Zola and {\\'e}tienne {\\'e}clair Brun", ['Émile||Zola|', '|étienne éclair|Brun|']],
    ['{van de Pol}, J and J {van de Pol}', ['J||van de Pol|', 'J||van de Pol|']],
    ['{Barnes and Noble} and {NASA, Ames} and A {and} B', ['=Barnes and Noble', '=NASA, Ames', 'A and||B|']],
    [
      'Guy L. Steele Jr. and King, Jr., Martin Luther and King, Martin Luther, Jr.',
      ['Guy L.||Steele|Jr.', 'Martin Luther||King|Jr.', 'Martin Luther||King|Jr.'],
    ],
    ['A. Author and others', ['A.||Author|', '=others']],
    ['Vázquez de Parga, and Aristotle', ['||Vázquez de Parga|', '||Aristotle|']],
    ['family=Harman, given=Gilbert, prefix=von, suffix=III', ['Gilbert|von|Harman|III']],
    ['Müller, J{\\"o}rg~K. and  and {}', ['Jörg K.||Müller|']],
    ["Sylvie Thi\\{'ebaux and Joachim Hertzberg", ["Sylvie||Thi{'ebaux|", 'Joachim||Hertzberg|']],
  ]
  for (const [value, names] of cases) it(value.replaceAll('\n', ' '), () => assert.deepEqual(short(value), names))

  it('ends a list beyond the limit with others', () => {
    const names = parseNames(Array.from({ length: NAMES_MAX + 5 }, (_, n) => `A. N${n}`).join(' and '))
    assert.equal(names.length, NAMES_MAX)
    assert.deepEqual(names.at(-1), { literal: 'others' })
  })
})
