import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parsePaperQuery, QUERY_MAX_CHARS } from '../../../src/research/paper-query.ts'

describe('parsePaperQuery', () => {
  it('takes filters out and leaves the words', () => {
    assert.deepEqual(
      parsePaperQuery(
        'state machine Author:"Lamport, Leslie" year:1978..1984 TOPIC:Clocks keyword:"distributed systems" cites:10.1000/X "exact words" http://a.b note:it',
      ),
      {
        text: 'state machine "exact words" http://a.b note:it',
        authors: [{ family: 'lamport', given: 'leslie' }],
        years: [{ from: 1978, to: 1984 }],
        keywords: ['clocks', 'distributed systems'],
        cites: ['doi:10.1000/x'],
        id: undefined,
      },
    )
  })

  it('understands years, names and identifiers', () => {
    const years = (query: string): unknown => parsePaperQuery(query).years[0]
    assert.deepEqual(['year:2019', 'year:2019..', 'year:..2019'].map(years), [
      { from: 2019, to: 2019 },
      { from: 2019, to: 9_999 },
      { from: -9_999, to: 2019 },
    ])
    assert.deepEqual(parsePaperQuery('author:"Arnold van Gennep"').authors, [{ family: 'gennep', given: 'arnold' }])
    assert.deepEqual(parsePaperQuery('author:Møller').authors, [{ family: 'moller', given: '' }])
    assert.equal(parsePaperQuery(' https://doi.org/10.1145/359545.359563 ').id, 'doi:10.1145/359545.359563')
    assert.equal(parsePaperQuery('arXiv:1706.03762').id, 'arxiv:1706.03762')
  })

  it('refuses what makes no sense, and too much of anything', () => {
    for (const query of [
      'year:""',
      'year:..',
      'year:20x',
      'year:19..20..',
      'author:!',
      'cites:him',
      'x'.repeat(QUERY_MAX_CHARS + 1),
      'year:1999 '.repeat(17),
    ]) {
      assert.throws(() => parsePaperQuery(query), { code: 'ERR_PAPER_QUERY' }, query.slice(0, 30))
    }
  })
})
