import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  normaliseArxiv,
  normaliseDoi,
  normaliseIsbn,
  normaliseOrcid,
  type PaperFields,
  paperIdOf,
} from '../../../src/research/index.ts'
import { idOfReference, isPaperId, strongIdsOf } from '../../../src/research/paper-id.ts'

describe('identifiers', () => {
  it('DOI: one form for all spellings', () => {
    for (const text of [
      '10.1145/359545.359563',
      'doi:10.1145/359545.359563',
      'DOI: 10.1145/359545.359563.',
      'https://doi.org/10.1145/359545.359563',
      'http://dx.doi.org/10.1145/359545.359563',
      ' https://www.doi.org/10.1145%2F359545.359563, ',
      'urn:doi:10.1145/359545.359563)',
    ])
      assert.equal(normaliseDoi(text), '10.1145/359545.359563', text)
    assert.equal(
      normaliseDoi('10.1002/(SICI)1096-987X(199803)19:4<377::AID-JCC1>3.0.CO;2-P'),
      '10.1002/(sici)1096-987x(199803)19:4<377::aid-jcc1>3.0.co;2-p',
    )
    assert.equal(normaliseDoi('10.1016/S0022-0000(05)80063-7'), '10.1016/s0022-0000(05)80063-7')
    for (const text of ['', '10.1/x', '11.1145/x', '10.1145/', 'x'.repeat(10_000), '10.1145/a b'])
      assert.equal(normaliseDoi(text), undefined, text.slice(0, 20))
  })

  it('arXiv: new and old form, with and without version, DOI and link', () => {
    const cases: readonly (readonly [string, string, number | undefined])[] = [
      ['1706.03762', '1706.03762', undefined],
      ['arXiv:1706.03762v7', '1706.03762', 7],
      ['https://arxiv.org/pdf/1706.03762v7.pdf', '1706.03762', 7],
      ['10.48550/arXiv.1706.03762', '1706.03762', undefined],
      ['https://doi.org/10.48550/arXiv.1706.03762', '1706.03762', undefined],
      ['arXiv:1706.03762 [cs.CL]', '1706.03762', undefined],
      ['hep-th/9901001v2', 'hep-th/9901001', 2],
      ['math.GT/0309136', 'math/0309136', undefined],
    ]
    for (const [text, id, version] of cases) assert.deepEqual(normaliseArxiv(text), { id, version }, text)
    for (const text of ['', '1706', '10.1145/1706.03762', 'hep-th', '170.03762'])
      assert.equal(normaliseArxiv(text), undefined, text)
  })

  it('ISBN: thirteen digits, checked', () => {
    assert.equal(normaliseIsbn('0-19-852663-6'), '9780198526636')
    assert.equal(normaliseIsbn('ISBN-13: 978-0-262-03384-8'), '9780262033848')
    assert.equal(normaliseIsbn('080442957X'), '9780804429573')
    for (const text of ['0-19-852663-7', '978-0-262-03384-7', '9770262033848', '12345'])
      assert.equal(normaliseIsbn(text), undefined, text)
  })

  it('ORCID: ISO 7064, checked', () => {
    assert.equal(normaliseOrcid('https://orcid.org/0000-0002-1825-0097'), '0000-0002-1825-0097')
    assert.equal(normaliseOrcid('000000021694233x'), '0000-0002-1694-233X')
    for (const text of ['0000-0002-1825-0098', '0000-0002-1825', 'x'])
      assert.equal(normaliseOrcid(text), undefined, text)
  })
})

describe('paperIdOf', () => {
  const time: PaperFields = {
    title: 'Time, Clocks, and the Ordering of Events',
    author: [{ family: 'Lamport', given: 'Leslie' }],
    issued: { 'date-parts': [[1978]] },
  }

  it('takes the strongest identifier', () => {
    assert.equal(paperIdOf({ ...time, DOI: '10.1145/359545.359563', arXiv: '1706.03762' }), 'doi:10.1145/359545.359563')
    assert.equal(paperIdOf({ ...time, arXiv: '1706.03762' }), 'arxiv:1706.03762')
    assert.deepEqual(strongIdsOf({ DOI: '10.48550/arxiv.1706.03762', arXiv: '1706.03762' }), ['arxiv:1706.03762'])
  })

  it('is the same for one work however it is spelt, and fixed for all time', () => {
    const other: PaperFields = {
      title: '{Time} clocks and the  ordering of EVENTS.',
      author: [{ family: 'LAMPORT', given: 'L.' }, { family: 'Other' }],
      issued: { 'date-parts': [[1978, 7]] },
    }
    assert.equal(paperIdOf(time), 'title:01aa3024a7a4407fd1d3cb1d05e55276')
    assert.equal(paperIdOf(other), paperIdOf(time))
    assert.equal(
      paperIdOf({ title: 'Über Größe', author: [{ family: 'Møller' }] }),
      paperIdOf({ title: 'UBER GROSSE', author: [{ family: 'Moller' }] }),
    )
  })

  it('differs with the year and the first author', () => {
    const ids = [
      time,
      { ...time, issued: { 'date-parts': [[1979]] } },
      { ...time, author: [{ family: 'Mattern' }] },
    ].map(paperIdOf)
    assert.equal(new Set(ids).size, 3)
    assert.equal(paperIdOf({}), undefined)
    assert.equal(paperIdOf({ title: '!?' }), undefined)
  })

  it('has one way to be written', () => {
    for (const id of ['doi:10.1145/359545.359563', 'arxiv:hep-th/9901001', `title:${'0f'.repeat(16)}`]) {
      assert.equal(idOfReference(id), id)
      assert.ok(isPaperId(id))
    }
    for (const text of [
      'doi:10.1145/X',
      'arxiv:1706.03762v1',
      '10.1145/x',
      'title:xyz',
      `doi:10.1145/${'x'.repeat(300)}`,
      5,
      null,
    ])
      assert.equal(isPaperId(text), false)
  })
})
