import { plainName, quotedLine } from '../base/index.ts'
import type { AskCoverage, FoundPaper } from '../research/index.ts'
import { type Provenance, plainText } from './quotation.ts'

/** Authors of a paper in structured content; the quotation names all. */
const AUTHORS_SHOWN_MAX = 20

export function provenanceOfPaper(paper: FoundPaper): Provenance {
  return {
    id: paper.id,
    author: paper.author.name,
    also: paper.alsoBy.map(({ name }) => name),
    peer: paper.author.peer,
    trust: paper.author.self && paper.alsoBy.length === 0 ? 'self' : 'member',
    signature: paper.signature,
    written: new Date(paper.at).toISOString(),
    space: paper.space.name,
    by: paper.source,
  }
}

/** The bibliographic facts of a paper in a few lines; with `abstract` when asked for. */
export function paperText(paper: FoundPaper, withAbstract: boolean): string {
  const ids = [
    paper.doi === undefined ? undefined : `doi ${paper.doi}`,
    paper.arxiv === undefined ? undefined : `arXiv ${paper.arxiv}`,
  ].filter((id) => id !== undefined)
  const lines = [
    paper.title,
    paper.authors.join(', '),
    [paper.venue, paper.year, ...ids].filter((part) => part !== undefined).join(', '),
    ...(withAbstract && paper.abstract !== undefined ? [paper.abstract] : []),
  ]
  return lines.filter((line) => line !== '').join('\n')
}

/** The same facts for programs. */
export function paperData(paper: FoundPaper): Readonly<Record<string, unknown>> {
  return {
    id: paper.id,
    title: plainText(paper.title, 500),
    authors: paper.authors.slice(0, AUTHORS_SHOWN_MAX).map((name) => plainText(name, 200)),
    year: paper.year,
    doi: paper.doi,
    author: plainName(paper.author.name),
    peer: paper.author.peer,
    signature: paper.signature,
  }
}

export function coverageText({ asked, answered, silent }: AskCoverage): string {
  const missing = silent.map((peer) => `${quotedLine(peer.name)} (${quotedLine(peer.reason, 200)})`).join(', ')
  return `${answered} of ${asked} peers answered${missing === '' ? '' : `; no answer from ${missing}`}.`
}
