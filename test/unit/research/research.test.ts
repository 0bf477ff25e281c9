import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { codeOf } from '../../../src/base/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import { type PaperReport, RESEARCH_KIND, ResearchError } from '../../../src/research/index.ts'
import { AGENT, context, PERSON, type Reader, reader, running } from './fixture.ts'

const { signal } = new AbortController()

const LIBRARY = `
@string{cacm = {Communications of the {ACM}}}
@article{lamport78, author = {Leslie Lamport}, title = {Time, Clocks, and the Ordering of Events in a Distributed System},
  journal = cacm, year = 1978, volume = 21, number = 7, pages = {558--565}, doi = {10.1145/359545.359563}, keywords = {clocks, causality}}
@inproceedings{mattern89, author = {Friedemann Mattern}, title = {Virtual Time and Global States of Distributed Systems},
  year = 1989, booktitle = {Parallel and Distributed Algorithms}, keywords = {clocks}, cites = {lamport78}}
@article{broken, title = {no end
@article{vaswani17, author = {Ashish Vaswani and others}, title = {Attention Is All You Need}, year = 2017, eprint = {1706.03762},
  cites = {lamport78, nobody, 10.1162/neco.1997.9.8.1735}}
@misc{lamport78, author = {Somebody}, title = {A key used twice}, year = 2000}
`

async function home(t: TestContext): Promise<Reader> {
  const peer = await reader(1)
  t.after(() => peer[Symbol.dispose]())
  await peer.spaces.create({ name: 'home', personal: true })
  await peer.spaces.create({ name: 'lab', personal: false })
  return peer
}

const load = (peer: Reader, text: string): Promise<Awaited<ReturnType<Reader['research']['import']>>> =>
  running(peer, peer.research.import({ text }, context()))
const titles = async (peer: Reader, query: string): Promise<string[]> =>
  (await peer.research.find({ query }, signal)).results.map((paper) => paper.title)
const code = (expected: string) => (error: unknown) => codeOf(error) === expected

describe('research.import', () => {
  it('reports what was read, added, merged and rejected', async (t) => {
    const peer = await home(t)
    assert.deepEqual(await load(peer, LIBRARY), {
      read: 4,
      added: 4,
      merged: 0,
      rejected: [{ line: 7, reason: 'not closed before the next entry on line 8' }],
      citations: 3,
      warnings: [
        { line: 8, reason: 'cites "nobody", which is no key of this file and no DOI or arXiv id' },
        { line: 10, reason: 'the key "lamport78" is also that of line 3' },
      ],
    })
    assert.deepEqual(peer.research.status().figures, {
      papers: 4,
      citations: 3,
      queriesAnswered: 0,
      queriesRefused: 0,
      answersRefused: 0,
    })
  })

  it('changes nothing the second time', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    const { records = 0 } = peer.journal.figures()
    assert.ok(records > 4)
    const again = await load(peer, LIBRARY)
    assert.deepEqual([again.added, again.merged, again.citations], [0, 4, 0])
    assert.equal(peer.journal.figures().records, records)
  })

  it('puts what cannot be filed among the rejected', async (t) => {
    const peer = await home(t)
    const report = await load(
      peer,
      '@misc{a, author={Nobody}}\n@set{s, entryset={a}}\n@misc{b, title={ok}}\n@misc{c, title={OK!}}',
    )
    assert.deepEqual(report.rejected, [
      { line: 1, reason: 'neither a title nor a DOI nor an arXiv id' },
      { line: 2, reason: '@set is not a paper' },
    ])
    assert.deepEqual([report.read, report.added, report.merged], [4, 1, 1])
  })

  it('spreads a paper that is too long for one record over several', async (t) => {
    const peer = await home(t)
    const authors = Array.from({ length: 900 }, (_, n) => `Firstname${n} Somefamilyname${n}`).join(' and ')
    await load(peer, `@misc{a, title={T}, author={${authors}}, abstract={${'ü '.repeat(9_000)}}}`)
    const { fields } = peer.research.show((await peer.research.find({}, signal)).results[0]?.id ?? '')
    assert.deepEqual([fields.author?.length, fields.title, fields.abstract?.length], [900, 'T', 17_999])
  })

  it('stops between batches when it is told to, and goes on from there the next time', async (t) => {
    const peer = await home(t)
    const text = Array.from({ length: 600 }, (_, n) => `@misc{k${n}, title={Paper number ${n}}}`).join('\n')
    const stopping = new AbortController()
    const steps: number[] = []
    const progress = ({ done }: { done: number }): void => {
      steps.push(done)
      stopping.abort(new Error('enough'))
    }
    await assert.rejects(
      running(peer, peer.research.import({ text }, { caller: PERSON, signal: stopping.signal, progress })),
      /enough/,
    )
    assert.deepEqual(steps, [256])
    assert.deepEqual((({ added, merged }) => ({ added, merged }))(await load(peer, text)), { added: 344, merged: 256 })
  })

  it('takes chunks from the port and passes its errors on', async (t) => {
    const unreadable = new ResearchError('ERR_FILE_UNREADABLE', 'gone')
    const texts = async function* (path: string): AsyncGenerator<string> {
      if (path === 'gone.bib') throw unreadable
      for (const char of LIBRARY) yield char
    }
    const peer = await reader(1, undefined, { texts })
    t.after(() => peer[Symbol.dispose]())
    await peer.spaces.create({ name: 'home', personal: true })
    assert.equal((await running(peer, peer.research.import({ path: 'a.bib' }, context()))).read, 4)
    await assert.rejects(running(peer, peer.research.import({ path: 'gone.bib' }, context())), unreadable)
    await assert.rejects(peer.research.import({}, context()), /either a path or a text/)
    await assert.rejects(peer.research.import({ text: '', space: 'nowhere' }, context()), code('ERR_SPACE_UNKNOWN'))
  })
})

describe('research.add and research.show', () => {
  it('adds by fields, by BibTeX, and by a DOI with a title', async (t) => {
    const { research } = await home(t)
    const byFields = await research.add(
      {
        title: 'Paxos Made Simple',
        authors: ['Leslie Lamport'],
        year: 2001,
        venue: 'SIGACT News',
        keywords: ['consensus'],
      },
      PERSON,
    )
    const byBibtex = await research.add({ bibtex: '@misc{x, title={Raft}, author={Ongaro, Diego}, year=2014}' }, AGENT)
    const byDoi = await research.add(
      { doi: 'https://doi.org/10.1145/279227.279229', title: 'The Part-Time Parliament' },
      PERSON,
    )
    assert.deepEqual([byFields.added, byBibtex.added, byDoi.added], [true, true, true])
    assert.equal(byDoi.paper.id, 'doi:10.1145/279227.279229')
    assert.deepEqual(byFields.paper.fields, {
      author: [{ family: 'Lamport', given: 'Leslie' }],
      issued: { 'date-parts': [[2001]] },
      keyword: ['consensus'],
      title: 'Paxos Made Simple',
      'container-title': 'SIGACT News',
    })
    assert.equal(byBibtex.paper.provenance.title?.source, 'agent')
  })

  it('shows the value of the highest source, then of the latest, and keeps the others', async (t) => {
    const peer = await home(t)
    const doi = '10.1000/x'
    await peer.research.add({ doi, title: 'By hand', year: 2001 }, PERSON)
    await load(peer, `@article{a, doi={${doi}}, title={From a file}, journal={J}, year=2002}`)
    await peer.research.add({ doi, title: 'By a model', venue: 'K', abstract: 'Only the model says this' }, AGENT)
    const paper = peer.research.show(doi)
    const { title, 'container-title': venue, abstract } = paper.fields
    assert.deepEqual(
      [title, venue, abstract, paper.fields.issued?.['date-parts']],
      ['By hand', 'J', 'Only the model says this', [[2001]]],
    )
    const others = paper.disagreements.map(({ field, value, source }) => [field, source, JSON.stringify(value)])
    assert.deepEqual(others.sort(), [
      ['container-title', 'agent', '"K"'],
      ['issued', 'import', '{"date-parts":[[2002]]}'],
      ['title', 'agent', '"By a model"'],
      ['title', 'import', '"From a file"'],
    ])
    assert.ok(Object.values(paper.provenance).every(({ signature, author }) => signature === 'valid' && author.self))
    // A person may always have the last word, even with something said before.
    await peer.research.add({ doi, title: 'By hand, corrected' }, PERSON)
    await peer.research.add({ doi, title: 'By hand' }, PERSON)
    assert.equal(peer.research.show(doi).fields.title, 'By hand')
  })

  it('knows a paper by any of its identifiers and by the beginning of its id', async (t) => {
    const peer = await home(t)
    const { paper } = await peer.research.add({ doi: '10.1000/x', arxiv: '1706.03762', title: 'T' }, PERSON)
    const { paper: other } = await peer.research.add({ title: 'Without an identifier' }, PERSON)
    for (const id of ['10.1000/X', 'https://doi.org/10.1000/x', 'arXiv:1706.03762v2', paper.id])
      assert.equal(peer.research.show(id).id, paper.id)
    assert.equal(peer.research.show(other.id.slice(0, 12)).id, other.id)
    for (const id of ['10.1000/y', 'title:', 'nonsense'])
      assert.throws(() => peer.research.show(id), code('ERR_PAPER_UNKNOWN'))
  })

  it('refuses what it would have to throw away', async (t) => {
    const { research } = await home(t)
    const wrong = [
      {},
      { doi: 'not a doi', title: 'T' },
      { arxiv: '12', title: 'T' },
      { bibtex: 'no entry' },
      { bibtex: '@misc{a, title={x}} @misc{b, title={y}}' },
      { bibtex: '@misc{a, title={x' },
      { fields: { title: 'T', colour: 'red' } },
      { fields: { title: 'T', issued: 1999 } },
    ]
    for (const input of wrong)
      await assert.rejects(research.add(input, PERSON), code('ERR_PAPER_INVALID'), JSON.stringify(input))
    const { paper } = await research.add({ fields: { id: 'x', title: 'T', keyword: 'a, b', type: 'book' } }, PERSON)
    assert.deepEqual(paper.fields, { type: 'book', keyword: ['a', 'b'], title: 'T' })
  })
})

describe('research.find', () => {
  it('filters and ranks', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    assert.deepEqual(await titles(peer, 'ordering of events'), [
      'Time, Clocks, and the Ordering of Events in a Distributed System',
    ])
    assert.deepEqual(await titles(peer, 'author:mattern'), ['Virtual Time and Global States of Distributed Systems'])
    assert.deepEqual((await titles(peer, 'distributed topic:clocks year:..1980')).length, 1)
    assert.deepEqual(await titles(peer, 'cites:10.1145/359545.359563'), [
      'Attention Is All You Need',
      'Virtual Time and Global States of Distributed Systems',
    ])
    assert.deepEqual(await titles(peer, 'https://arxiv.org/abs/1706.03762'), ['Attention Is All You Need'])
    assert.deepEqual(await titles(peer, 'author:"Lamport, L" author:mattern'), [])
    assert.equal((await titles(peer, '')).length, 4)
    assert.deepEqual(await titles(peer, 'author:nobody distributed'), [])
  })

  it('shows what a result rests on', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    const [paper] = (await peer.research.find({ query: 'doi:10.1145/359545.359563' }, signal)).results
    assert.equal(paper?.title, 'Time, Clocks, and the Ordering of Events in a Distributed System')
    assert.deepEqual(
      [
        paper.authors,
        paper.year,
        paper.venue,
        paper.doi,
        paper.source,
        paper.signature,
        paper.citedBy,
        paper.space.name,
      ],
      [['Leslie Lamport'], 1978, 'Communications of the ACM', '10.1145/359545.359563', 'import', 'valid', 2, 'lab'],
    )
    assert.deepEqual(
      paper.heldBy.map((holder) => holder.self),
      [true],
    )
  })

  it('pages, and refuses cursors and filters that mean nothing', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await peer.research.find({ limit: 3, ...(cursor !== undefined && { cursor }) }, signal)
      seen.push(...page.results.map((paper) => paper.id))
      cursor = page.cursor
    } while (cursor !== undefined)
    assert.deepEqual([seen.length, new Set(seen).size], [4, 4])
    await assert.rejects(peer.research.find({ cursor: 'x' }, signal), code('ERR_PAPER_QUERY'))
    for (const query of ['year:soon', 'author:""', 'cites:that'])
      await assert.rejects(peer.research.find({ query }, signal), code('ERR_PAPER_QUERY'))
  })

  it('keeps spaces apart', async (t) => {
    const peer = await home(t)
    await peer.research.add({ title: 'Private matter', space: 'home' }, PERSON)
    await peer.research.add({ title: 'Shared matter' }, PERSON)
    const inLab = await peer.research.find({ query: 'matter', space: 'lab' }, signal)
    assert.deepEqual(
      inLab.results.map((paper) => paper.title),
      ['Shared matter'],
    )
    assert.equal((await titles(peer, 'matter')).length, 2)
  })
})

describe('research.cite', () => {
  it('records a citation once per intent, even of a paper known by its DOI alone', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    const cite = (intent: 'supports' | 'disputes'): Promise<{ added: boolean }> =>
      peer.research.cite({ citing: '1706.03762', cited: '10.1000/unseen', intent }, AGENT)
    assert.deepEqual(
      [(await cite('supports')).added, (await cite('supports')).added, (await cite('disputes')).added],
      [true, false, true],
    )
    const { cites } = peer.research.show('1706.03762')
    const unseen = cites.filter((cited) => cited.id === 'doi:10.1000/unseen')
    assert.deepEqual(
      unseen.map(({ intent, title, signature }) => [intent, title, signature]),
      [
        ['disputes', '', 'valid'],
        ['supports', '', 'valid'],
      ],
    )
    await assert.rejects(
      peer.research.cite({ citing: '1706.03762', cited: '1706.03762v2' }, AGENT),
      code('ERR_PAPER_INVALID'),
    )
    await assert.rejects(
      peer.research.cite({ citing: 'unheard of', cited: '1706.03762' }, AGENT),
      code('ERR_PAPER_UNKNOWN'),
    )
  })

  it('writes references', async (t) => {
    const peer = await home(t)
    await load(peer, LIBRARY)
    const { text } = peer.research.reference('10.1145/359545.359563', 'apa')
    assert.equal(
      text,
      'Lamport, L. (1978). Time, Clocks, and the Ordering of Events in a Distributed System. Communications of the ACM, 21(7), 558–565. https://doi.org/10.1145/359545.359563',
    )
  })
})

describe('operations', () => {
  it('are six, with input schemas that check', async (t) => {
    const { research } = await home(t)
    assert.deepEqual(
      research.operations.map(({ name }) => name),
      ['research.import', 'research.add', 'research.find', 'research.show', 'research.cite', 'research.ask'],
    )
    const run = async (name: string, input: unknown): Promise<unknown> => {
      const operation = research.operations.find((candidate) => candidate.name === name)
      const parsed = operation?.input.safeParse(input)
      return parsed?.success ? operation?.run(parsed.data, context()) : parsed?.error?.issues[0]?.message
    }
    assert.equal(((await run('research.add', { title: 'One', year: 1999 })) as { added: boolean }).added, true)
    const shown = (await run('research.show', { id: (await research.find({}, signal)).results[0]?.id })) as {
      paper: PaperReport
    }
    assert.equal(shown.paper.fields.title, 'One')
    const reference = (await run('research.cite', { id: shown.paper.id })) as { reference: { text: string } }
    assert.match(reference.reference.text, /@misc\{1999one,\n {2}title = \{One\},\n {2}year = \{1999\},\n\}/)
    for (const input of [
      {},
      { id: 'x', citing: 'y', cited: 'z' },
      { citing: 'y' },
      { citing: 'x', cited: 'y', style: 'apa' },
    ]) {
      assert.match(String(await run('research.cite', input)), /give an id and a style/, JSON.stringify(input))
    }
    assert.equal(await run('research.ask', { question: '  ' }), 'ask for something')
  })
})

describe('records of others', () => {
  it('hurt nothing when they are not right', async (t) => {
    const peer = await home(t)
    const space = peer.spaces.list().at(-1)?.id as never
    const wrong = [
      {},
      { paper: 5 },
      { paper: 'doi:10.1000/X', source: 'human', fields: {} },
      { paper: 'doi:10.1000/x', source: 'god', fields: {} },
      { paper: 'doi:10.1000/x', source: 'human', fields: [1] },
      {
        paper: 'doi:10.1000/x',
        source: 'human',
        fields: { title: 5, author: [{}], issued: { 'date-parts': [[1, 99]] }, DOI: 'x', extra: 1, keyword: [] },
      },
    ]
    for (const body of wrong)
      await peer.journal.append({ space, class: LOG_CLASS.durable, kind: RESEARCH_KIND.paper, body })
    for (const body of [
      {},
      { citing: 'doi:10.1000/x', cites: 7 },
      { citing: 'doi:10.1000/x', cites: [['doi:10.1000/x', 'cites'], ['x', 'cites'], ['doi:10.1000/y', 'hates'], 1] },
    ]) {
      await peer.journal.append({ space, class: LOG_CLASS.durable, kind: RESEARCH_KIND.citation, body })
    }
    const paper = peer.research.show('10.1000/x')
    assert.deepEqual([paper.fields, paper.cites, peer.research.status().figures?.citations], [{}, [], 0])
  })
})
