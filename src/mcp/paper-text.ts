import type { AskCoverage, FoundPaper } from '../research/index.ts'
import { type Provenance, told } from './quotation.ts'

export function provenanceOfPaper(paper: FoundPaper, self: string): Provenance {
  return {
    id: paper.id,
    author: paper.author.name,
    also: paper.alsoBy.map(({ name }) => name),
    peer: paper.author.peer,
    trust: paper.author.peer === self && paper.alsoBy.length === 0 ? 'self' : 'member',
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

export function coverageText({ asked, answered, silent }: AskCoverage): string {
  const missing = silent.map((peer) => `${told(peer.name, 64)} (${told(peer.reason, 200)})`).join(', ')
  return `${answered} of ${asked} peers answered${missing === '' ? '' : `; no answer from ${missing}`}.`
}
