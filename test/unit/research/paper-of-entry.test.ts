import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Inheritance, type PaperFields, paperOfEntry, readBibtex } from '../../../src/research/index.ts'

function papersOf(text: string): PaperFields[] {
  const inheritance = new Inheritance()
  const ready = readBibtex(text).flatMap((item) => (item.kind === 'entry' ? inheritance.add(item.entry) : []))
  return [...ready, ...inheritance.release()].map(paperOfEntry)
}

const paperOf = (text: string): PaperFields => papersOf(text)[0] ?? {}

describe('paperOfEntry', () => {
  it('puts an article into CSL-JSON terms', () => {
    const text = String.raw`@article{lamport, author = {Leslie Lamport}, title = {Time, Clocks, and the Ordering of Events},
      journal = {Commun. {ACM}}, year = 1978, month = jul, volume = 21, number = 7, pages = {558--565},
      doi = {https://doi.org/10.1145/359545.359563}, keywords = {clocks; causality, clocks}, abstract = {The concept \dots}}`
    assert.deepEqual(paperOf(text), {
      type: 'article-journal',
      author: [{ family: 'Lamport', given: 'Leslie' }],
      issued: { 'date-parts': [[1978, 7]] },
      keyword: ['clocks', 'causality'],
      title: 'Time, Clocks, and the Ordering of Events',
      'container-title': 'Commun. ACM',
      volume: '21',
      issue: '7',
      page: '558-565',
      abstract: 'The concept …',
      DOI: '10.1145/359545.359563',
    })
  })

  it('finds an arXiv id wherever it stands, and makes nothing else of it', () => {
    for (const field of [
      'eprint = {1706.03762v5}, archiveprefix = {arXiv}',
      'eprint = {arXiv:1706.03762v5}',
      'url = {https://arxiv.org/abs/1706.03762v5}',
      'journal = {arXiv preprint {arXiv}:1706.03762v5}',
      'doi = {10.48550/arXiv.1706.03762v5}',
      'journal = {CoRR}, volume = {abs/1706.03762v5}',
      'howpublished = {arXiv:1706.03762v5 [cs.CL]}',
    ]) {
      const paper = paperOf(`@misc{a, title = {t}, ${field}}`)
      assert.deepEqual(
        [paper.type, paper.arXiv, paper.version, paper.DOI],
        ['article', '1706.03762', '5', undefined],
        field,
      )
    }
    assert.equal(paperOf('@misc{a, title = {t}, eprint = {1706.03762}, eprinttype = {jstor}}').arXiv, undefined)
    assert.equal(paperOf('@misc{a, title = {t}, note = {Preprint, arXiv:1706.03762}}').arXiv, '1706.03762')
    assert.equal(paperOf('@misc{a, title = {t}, note = {Extends arXiv:1706.03762}}').arXiv, undefined)
  })

  it('keeps identifiers only when they are right', () => {
    const paper = paperOf(
      '@book{a, title={t}, doi={none}, isbn={0-19-852663-6 (hbk), 978-0-19-852663-1}, issn={0097-8493}, url={ftp://x}, pmid={PMID 5}}',
    )
    assert.deepEqual(
      [paper.DOI, paper.ISBN, paper.ISSN, paper.URL, paper.PMID],
      [undefined, '9780198526636', '0097-8493', undefined, undefined],
    )
    assert.equal(paperOf('@misc{a, title={t}, url={http://dx.doi.org/10.1000/X}}').DOI, '10.1000/x')
    assert.equal(paperOf('@misc{a, title={t}, howpublished={\\url{https://a.b/~c}}}').URL, 'https://a.b/~c')
  })

  it('reads dates', () => {
    const cases: readonly (readonly [string, unknown])[] = [
      ['date = {2019-05-01}', [[2019, 5, 1]]],
      ['date = {1984/1986}', [[1984], [1986]]],
      ['date = {2019-05~/..}', [[2019, 5]]],
      ['date = {-0044-03-15}', [[-44, 3, 15]]],
      ['date = {May 2019}', [[2019, 5]]],
      ['year = {(1999)}', [[1999]]],
      ['year = 1995, month = "12~" # aug', [[1995, 8, 12]]],
      ['year = 1995, month = {August 12}', [[1995, 8, 12]]],
      ['year = 1995, month = {03}, day = {2nd}', [[1995, 3, 2]]],
      ['year = 1995, month = {June 5-10}', [[1995, 6]]],
      ['year = 1995, month = {Spring}', [[1995]]],
      ['year = {in press}', undefined],
      ['year = {12345}', undefined],
    ]
    for (const [fields, parts] of cases) {
      assert.deepEqual(paperOf(`@misc{a, title={t}, ${fields}}`).issued?.['date-parts'], parts, fields)
    }
  })

  it('cuts what is beyond a limit with an ellipsis', () => {
    const paper = paperOf(`@misc{a, title={${'x'.repeat(3_000)}}, author={${'y'.repeat(500)}}}`)
    assert.equal(paper.title?.length, 2_000)
    assert.equal(paper.title?.at(-1), '…')
    assert.equal(paper.author?.[0]?.family?.length, 200)
  })

  it('is not led astray by the names of Object.prototype', () => {
    assert.deepEqual(paperOf('@constructor{a, title={t}, type={constructor}, valueOf={x}}'), {
      type: 'document',
      title: 't',
      genre: 'constructor',
    })
  })

  it('joins titles and subtitles, and knows where a work appeared', () => {
    const paper = paperOf(
      '@inproceedings{a, title={T}, subtitle={S}, booktitle={B}, booksubtitle={C}, series={LNCS}, organization={O}}',
    )
    assert.deepEqual(
      [paper.title, paper['container-title'], paper['collection-title'], paper.publisher],
      ['T: S', 'B: C', 'LNCS', 'O'],
    )
    assert.equal(paperOf('@book{a, title={Why?}, subtitle={S}, booktitle={Why?}}').title, 'Why? S')
    assert.deepEqual(paperOf('@thesis{a, title={T}, type={mathesis}, institution={MIT}}').genre, "Master's thesis")
  })
})

describe('Inheritance', () => {
  it('inherits from a parent further down, with its title as the book title', () => {
    const [parent, child] = papersOf(
      '@inproceedings{c, title={C}, pages={1--2}, crossref={P}}\n@proceedings{p, title={Proc}, year=1999, doi={10.1000/p}, pages={1--900}}',
    )
    assert.deepEqual(
      [parent?.title, child?.title, child?.['container-title'], child?.page, child?.DOI],
      ['Proc', 'C', 'Proc', '1-2', undefined],
    )
    assert.deepEqual(child?.issued, { 'date-parts': [[1999]] })
  })

  it('does not drown in a web of references', () => {
    const names = Array.from({ length: 200 }, (_, n) => `x${n}`)
    const web = names.map((name) => `@xdata{${name}, xdata = {${names.join()}}, f${name} = {1}}`).join('\n')
    assert.equal(papersOf(`${web}\n@misc{a, title={A}, xdata={x1}}`).length, 201)
  })

  it('inherits through xdata, from parents of parents, and survives circles and absent parents', () => {
    const text = `@xdata{x, publisher={X}, xdata={x}} @book{a, title={A}, xdata={x, none}}
      @mvbook{m, title={M}, location={L}, crossref={m}} @book{v, title={V}, crossref={m}} @inbook{i, title={I}, crossref={v}}
      @misc{lost, title={Lost}, crossref={nowhere}}`
    const papers = new Map(papersOf(text).map((paper) => [paper.title, paper]))
    assert.equal(papers.get('A')?.publisher, 'X')
    assert.deepEqual([papers.get('I')?.['container-title'], papers.get('I')?.['publisher-place']], ['V', 'L'])
    assert.equal(papers.get('V')?.['container-title'], 'M')
    assert.ok(papers.has('Lost'))
  })
})
