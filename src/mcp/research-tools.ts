import { z } from 'zod'
import { plainLine, plainName, quotedLine } from '../base/index.ts'
import type { AddReport, AskReport } from '../research/index.ts'
import { coverageText, paperData, paperText, provenanceOfPaper } from './paper-text.ts'
import { Quoter } from './quotation.ts'
import { ADDS, READS_PEERS, type Tool, tool } from './tool.ts'

export const researchAddTool: Tool = tool({
  name: 'research_add',
  title: 'Add a paper',
  description:
    'Add one paper to the shared library, by BibTeX or by fields (a DOI and a title are enough). A paper that is known already is not doubled.',
  input: z.object({
    bibtex: z.string().max(100_000).optional().describe('One BibTeX entry, instead of the fields'),
    title: z.string().min(1).max(2_000).optional(),
    authors: z.array(z.string().min(1).max(200)).max(1_000).optional(),
    year: z.int().min(-9_999).max(9_999).optional(),
    venue: z.string().min(1).max(1_000).optional(),
    doi: z.string().min(1).max(300).optional(),
    arxiv: z.string().min(1).max(100).optional(),
    url: z.string().min(1).max(2_000).optional(),
    abstract: z.string().min(1).max(20_000).optional(),
    keywords: z.array(z.string().min(1).max(200)).max(100).optional(),
    space: z.string().max(64).optional(),
  }),
  output: z.looseObject({ id: z.string(), added: z.boolean() }),
  annotations: { ...ADDS, idempotentHint: true },
  run: async (input, { call }) => {
    const { paper, added } = await call<AddReport>('research.add', input)
    const { id } = paper
    const uri = `plexus://paper/${id}`
    // The title of one that was known may be the word of somebody else: that is quoted, by fetch.
    if (!added) return { text: `known already: ${id}`, data: { id, uri, added } }
    const title = plainLine(paper.fields.title ?? '', 300)
    return { text: `added: ${quotedLine(title, 300)} (${id})`, data: { id, uri, title, added } }
  },
})

export const researchAskTool: Tool = tool({
  name: 'research_ask',
  title: 'Ask all libraries',
  description:
    'Ask the libraries of all members of our spaces for papers, ranked over all of them; says which members did not answer. Words, author:lamport, year:2019.., topic:consensus, cites:ID.',
  input: z.object({
    question: z.string().min(1).max(1_000),
    limit: z.int().min(1).max(50).default(10),
    deadline_ms: z.int().min(50).max(60_000).default(2_000),
    detail: z.enum(['concise', 'detailed']).default('concise'),
  }),
  output: z.looseObject({
    answers: z.array(z.looseObject({ id: z.string() })),
    coverage: z.looseObject({ asked: z.int(), answered: z.int() }),
  }),
  annotations: READS_PEERS,
  run: async ({ question, limit, deadline_ms: deadlineMs, detail }, { call, random }) => {
    const { answers, coverage } = await call<AskReport>('research.ask', { question, limit, deadlineMs })
    const quoter = new Quoter(random)
    const quoted = answers.map((paper) =>
      quoter.quote(provenanceOfPaper(paper), paperText(paper, detail === 'detailed')),
    )
    const text = [
      coverageText(coverage),
      ...(quoted.length === 0 ? ['No paper found.'] : [quoter.preamble, ...quoted]),
    ].join('\n\n')
    return {
      text,
      data: {
        answers: answers.map((paper) => ({
          ...paperData(paper),
          score: paper.score,
          heldBy: paper.heldBy.map((peer) => plainName(peer.name)),
        })),
        coverage: {
          ...coverage,
          silent: coverage.silent.map(({ peer, name, reason }) => ({
            peer,
            name: plainName(name),
            reason: plainLine(reason, 200),
          })),
        },
      },
    }
  },
})
