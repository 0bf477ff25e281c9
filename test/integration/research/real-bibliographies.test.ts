import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import {
  type BibtexEntry,
  BibtexReader,
  Inheritance,
  type PaperFields,
  paperOfEntry,
  readBibtex,
  writeBibtex,
} from '../../../src/research/index.ts'
import { readFields } from '../../../src/research/paper-fields.ts'
import { context, reader, running } from '../../unit/research/fixture.ts'

/** Public bibliographies that lie beside the project, if anywhere: they are not ours to ship. */
const FOLDER = new URL('../../../../shared/data/bib/', import.meta.url)
/** How many entries each file holds; one of them is damaged. */
const ENTRIES = { cdl: 6_315, 'biblatex-examples': 92, 'jabref-authors': 212, 'bbt-873': 988 }

const missing = Object.keys(ENTRIES).filter((name) => !existsSync(new URL(`${name}.bib.gz`, FOLDER)))
const skip = missing.length > 0 && `SKIPPED: no real bibliographies in ${FOLDER.pathname} (${missing.join(', ')})`
if (skip) console.warn(skip)

const textOf = (name: string): string => gunzipSync(readFileSync(new URL(`${name}.bib.gz`, FOLDER))).toString('utf8')

function entriesOf(text: string, chunk: number): BibtexEntry[] {
  const bibtex = new BibtexReader()
  const inheritance = new Inheritance()
  const entries: BibtexEntry[] = []
  for (let at = 0; at < text.length + chunk; at += chunk) {
    const items = at < text.length ? bibtex.push(text.slice(at, at + chunk)) : bibtex.end()
    for (const item of items) {
      assert.equal(item.kind, 'entry', JSON.stringify(item))
      if (item.kind === 'entry') entries.push(...inheritance.add(item.entry))
    }
  }
  return [...entries, ...inheritance.release()]
}

describe('real bibliographies', { skip }, () => {
  for (const [name, count] of Object.entries(ENTRIES)) {
    it(`${name}: all ${count} entries, in pieces and written again unchanged`, () => {
      const papers = entriesOf(textOf(name), 4_096).map(paperOfEntry)
      assert.equal(papers.length, count)
      for (const paper of papers) assert.deepEqual(written(paper), readFields(paper))
    })
  }

  it('leaves no LaTeX in the titles and names of the clean file', () => {
    // Three titles hold braces that their authors escaped.
    const strange = entriesOf(textOf('cdl'), 65_536)
      .map(paperOfEntry)
      .filter(({ title = '', author = [] }) => {
        const names = author.flatMap((name) => Object.values(name)).join(' ')
        return /[\\$]/.test(title) || /[\\{}$]/.test(names) || /[{}]/.test(title.replace('{beta}', ''))
      })
    assert.deepEqual(strange, [])
  })

  it('imports the largest, and again without writing anything', async (t) => {
    const peer = await reader(1)
    t.after(() => peer[Symbol.dispose]())
    await peer.spaces.create({ name: 'home', personal: true })
    const text = textOf('cdl')
    const first = await running(peer, peer.research.import({ text }, context()))
    assert.deepEqual([first.read, first.added + first.merged, first.rejected.length], [ENTRIES.cdl, ENTRIES.cdl, 0])
    const { records } = peer.journal.figures()
    const second = await running(peer, peer.research.import({ text }, context()))
    assert.deepEqual([second.added, second.merged], [0, ENTRIES.cdl])
    assert.equal(peer.journal.figures().records, records)
  })
})

function written(paper: PaperFields): unknown {
  const [item] = readBibtex(writeBibtex(paper))
  const back = item?.kind === 'entry' ? readFields(paperOfEntry(item.entry)) : item
  return isDeepStrictEqual(back, paper) ? readFields(paper) : back
}
