import { plainName } from '../base/index.ts'
import type { CitationReport, PaperReport, SignatureState } from '../research/index.ts'
import { plainData, type Quoter } from './quotation.ts'

/** What one peer says of a paper. */
interface Words {
  readonly author: PaperReport['provenance'][string]['author']
  readonly signature: SignatureState
  /** When it last said something of it. */
  at: number
  readonly sources: Set<string>
  readonly facts: Record<string, unknown>
}

/** Everything known here of a paper. What is shown as one record may come from many: each stands in the quotation of its author. */
export function wholePaper(
  paper: PaperReport,
  quoter: Quoter,
): { readonly data: Readonly<Record<string, unknown>>; readonly quotation: string } {
  const { id } = paper
  const words = wordsOf(paper)
  const quotations = words.map(({ author, signature, at, sources, facts }) =>
    quoter.quote(
      {
        id,
        author: author.name,
        peer: author.peer,
        trust: author.self ? 'self' : 'member',
        signature,
        written: new Date(at).toISOString(),
        space: paper.spaces[0]?.name ?? '',
        by: [...sources].join(' '),
      },
      JSON.stringify(facts, null, 1),
    ),
  )
  const saidBy = words.map(({ author, signature, facts }) => ({
    author: plainName(author.name),
    peer: author.peer,
    signature,
    fields: Object.keys(facts),
  }))
  const facts = { ...paper.fields, cites: paper.cites.map(edge), citedBy: paper.citedBy.map(edge) }
  return {
    data: { ...(plainData(facts) as object), saidBy, kind: 'paper', id, uri: `plexus://paper/${id}` },
    quotation: quotations.join('\n'),
  }
}

function wordsOf(paper: PaperReport): readonly Words[] {
  const all = new Map<string, Words>()
  const of = (said: Omit<CitationReport, 'id' | 'title' | 'intent'>): Words => {
    const key = `${said.author.peer} ${said.signature}`
    const words = all.get(key) ?? { ...said, sources: new Set(), facts: {} }
    words.at = Math.max(words.at, said.at)
    all.set(key, words)
    return words
  }
  for (const [name, said] of Object.entries(paper.provenance)) {
    const { facts, sources } = of(said)
    facts[name] = paper.fields[name as keyof typeof paper.fields]
    sources.add(said.source)
  }
  for (const end of ['cites', 'citedBy'] as const) {
    for (const citation of paper[end]) {
      const { facts } = of(citation)
      const edges = (facts[end] ?? []) as object[]
      facts[end] = [...edges, edge(citation)]
    }
  }
  return [...all.values()]
}

function edge({ id, title, intent }: CitationReport): object {
  return { id, title, intent }
}
