/** A library of papers in one file: import BibTeX, find, format a reference. Nobody else is asked. */
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'

const BIBTEX = `
@article{lamport1978, author = {Lamport, Leslie}, year = 1978, volume = 21, number = 7, pages = {558--565},
  title = {Time, Clocks, and the Ordering of Events in a Distributed System},
  journal = {Communications of the ACM}, doi = {10.1145/359545.359563}}
@article{broken, title = {A brace that nobody closes
@article{fischer1985, author = {Fischer, Michael J. and Lynch, Nancy A. and Paterson, Michael S.}, year = 1985,
  title = {Impossibility of Distributed Consensus with One Faulty Process}, journal = {Journal of the ACM},
  doi = {10.1145/3149.214121}, cites = {lamport1978}}
`

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
const path = join(folder.path, 'library.bib')
writeFileSync(path, BIBTEX)
await using node = await createNode({ folder: folder.path, name: 'ada', network: false })

// One bad entry never costs the file: it is reported with its line, and the others are read.
const { added, citations, rejected } = await node.call('research.import', { path })
console.log(`${added} papers, ${citations} citation`)
for (const { line, reason } of rejected) console.log(`rejected, line ${line}: ${reason}`)

const { results } = await node.call('research.find', { query: 'ordering author:lamport' })
for (const { id, title, citedBy } of results) {
  console.log(`${title} (cited by ${citedBy})`)
  const cited = await node.call('research.cite', { id, style: 'apa' })
  if ('reference' in cited) console.log(cited.reference.text)
}
