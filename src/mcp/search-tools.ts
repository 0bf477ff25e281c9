import { z } from 'zod'
import { codeOf, plainName } from '../base/index.ts'
import type { RecallAnswer, ThoughtReport } from '../cognition/index.ts'
import type { FindReport, FoundPaper, PaperReport } from '../research/index.ts'
import { McpError } from './errors.ts'
import { paperData, paperText, provenanceOfPaper } from './paper-text.ts'
import { plainText, Quoter } from './quotation.ts'
import { provenanceOf } from './thought-tools.ts'
import { READS_PEERS, type Tool, type ToolContext, tool } from './tool.ts'
import { wholePaper } from './whole-paper.ts'

const KINDS = ['thought', 'paper'] as const
const FETCH_MAX = 20
/** A thought quoted in a list of results; `fetch` gives the whole. */
const EXCERPT_MAX_CHARS = 600

interface Result {
  readonly data: Readonly<Record<string, unknown>>
  readonly quotation: string
}

export const searchTool: Tool = tool({
  name: 'search',
  title: 'Search',
  description:
    'Search what this peer holds: thoughts (ours and those shared with us) and papers. Without a query, the newest thoughts. Use fetch for the whole of a result, research_ask for the libraries of others.',
  input: z.object({
    query: z.string().max(1_000).default(''),
    kinds: z.array(z.enum(KINDS)).min(1).default(['thought', 'paper']),
    topic: z.string().max(120).optional(),
    author: z.string().max(64).optional().describe('Name or peer id; thoughts only'),
    limit: z.int().min(1).max(50).default(10).describe('Per kind'),
    cursor: z.string().max(40).optional(),
  }),
  output: z.looseObject({ results: z.array(z.looseObject({ kind: z.string(), id: z.string() })) }),
  annotations: READS_PEERS,
  run: async (input, context) => {
    const quoter = new Quoter(context.random)
    const [thoughtCursor, paperCursor] = cursorsOf(input.cursor)
    const wants = (kind: (typeof KINDS)[number], cursor: string | undefined): boolean =>
      input.kinds.includes(kind) && cursor !== '-'
    const thoughts = wants('thought', thoughtCursor) ? await recall(input, thoughtCursor, context, quoter) : NOTHING
    const papers =
      wants('paper', paperCursor) && input.author === undefined
        ? await find(input, paperCursor, context, quoter)
        : NOTHING
    const results = [...thoughts.results, ...papers.results]
    const more = thoughts.cursor !== undefined || papers.cursor !== undefined
    const cursor = more ? `${thoughts.cursor ?? '-'}.${papers.cursor ?? '-'}` : undefined
    const text =
      results.length === 0
        ? 'Nothing found. Try fewer or other words, or research_ask to ask the other members.'
        : [
            quoter.preamble,
            ...results.map((result) => result.quotation),
            ...(more ? ['There is more: pass the cursor.'] : []),
          ].join('\n\n')
    return {
      text,
      data: { results: results.map((result) => result.data), ...(cursor === undefined ? {} : { cursor }) },
    }
  },
})

interface Page {
  readonly results: readonly Result[]
  readonly cursor: string | undefined
}

const NOTHING: Page = { results: [], cursor: undefined }

interface Wanted {
  readonly query: string
  readonly topic?: string | undefined
  readonly author?: string | undefined
  readonly limit: number
}

async function recall(input: Wanted, cursor: string | undefined, { call }: ToolContext, quoter: Quoter): Promise<Page> {
  const { query, topic, author, limit } = input
  const answer = await call<RecallAnswer>('thought.recall', { query, topic, author, limit, cursor })
  return {
    results: answer.thoughts.map((thought) => thoughtResult(thought, quoter, EXCERPT_MAX_CHARS)),
    cursor: answer.cursor,
  }
}

async function find(input: Wanted, cursor: string | undefined, { call }: ToolContext, quoter: Quoter): Promise<Page> {
  // Without any words the newest thoughts are what is asked for; papers come when they are named.
  const query = [input.query, input.topic === undefined ? '' : `topic:${JSON.stringify(input.topic)}`].join(' ').trim()
  if (query === '') return NOTHING
  const answer = await call<FindReport>('research.find', { query, limit: input.limit, cursor })
  return { results: answer.results.map((paper) => paperResult(paper, quoter)), cursor: answer.cursor }
}

function thoughtResult(thought: ThoughtReport, quoter: Quoter, maxChars: number): Result {
  const provenance = provenanceOf(thought)
  const { contradictedBy, supersedes } = thought
  return {
    data: {
      kind: 'thought',
      id: thought.id,
      uri: `plexus://thought/${thought.id}`,
      thoughtKind: thought.kind,
      text: plainText(thought.text, maxChars),
      topic: thought.topic === undefined ? undefined : plainText(thought.topic, 120),
      author: plainName(thought.author.name),
      peer: thought.author.peer,
      trust: provenance.trust,
      signature: thought.signature,
      written: provenance.written,
      confidence: thought.confidence,
      ...(contradictedBy.length === 0 ? {} : { contradictedBy }),
      ...(supersedes.length === 0 ? {} : { supersedes }),
    },
    quotation: [
      quoter.quote(provenance, plainText(thought.text, maxChars)),
      ...(contradictedBy.length === 0 ? [] : [`Contradicted by: ${contradictedBy.join(', ')}`]),
    ].join('\n'),
  }
}

function paperResult(paper: FoundPaper, quoter: Quoter): Result {
  return {
    data: {
      ...paperData(paper),
      kind: 'paper',
      uri: `plexus://paper/${paper.id}`,
      citedBy: paper.citedBy,
    },
    quotation: quoter.quote(provenanceOfPaper(paper), paperText(paper, false)),
  }
}

export const fetchTool: Tool = tool({
  name: 'fetch',
  title: 'Fetch items',
  description:
    'The whole of up to 20 items by id or plexus:// uri: a thought with its links, a paper with its citations and who says what.',
  input: z.object({ ids: z.array(z.string().min(1).max(300)).min(1).max(FETCH_MAX) }),
  output: z.looseObject({ items: z.array(z.looseObject({ id: z.string() })), missing: z.array(z.string()) }),
  annotations: READS_PEERS,
  run: async ({ ids }, context) => {
    const quoter = new Quoter(context.random)
    const items: Result[] = []
    const missing: string[] = []
    for (const id of ids) {
      const item = await fetchOne(id, context, quoter)
      if (item === undefined) missing.push(id)
      else items.push(item)
    }
    if (items.length === 0) {
      throw new McpError('ERR_NOT_FOUND', `none of these ids is known here: ${missing.join(', ')}`, {
        fix: 'Find items by words with search.',
      })
    }
    const notFound = missing.length === 0 ? [] : [`Not known here: ${missing.join(', ')}`]
    return {
      text: [quoter.preamble, ...items.map((item) => item.quotation), ...notFound].join('\n\n'),
      data: { items: items.map((item) => item.data), missing },
    }
  },
})

const URI = /^plexus:\/\/(thought|paper)\/(.+)$/
const THOUGHT_ID = /^[0-9a-f]{6,64}$/

async function fetchOne(reference: string, context: ToolContext, quoter: Quoter): Promise<Result | undefined> {
  const [, kind, uriId] = URI.exec(reference) ?? []
  const id = uriId ?? reference
  try {
    if (kind === 'thought' || (kind === undefined && THOUGHT_ID.test(id))) {
      const { thought } = await context.call<{ readonly thought: ThoughtReport }>('thought.show', { id })
      const { data, quotation } = thoughtResult(thought, quoter, Number.POSITIVE_INFINITY)
      return {
        data: { ...data, links: thought.links, about: thought.about.map((item) => plainText(item, 130)) },
        quotation,
      }
    }
    const { paper } = await context.call<{ readonly paper: PaperReport }>('research.show', { id })
    return wholePaper(paper, quoter)
  } catch (error) {
    if (isUnknown(error)) return undefined
    throw error
  }
}

function isUnknown(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ERR_NOT_FOUND' || code === 'ERR_PAPER_UNKNOWN'
}

function cursorsOf(cursor: string | undefined): readonly [string | undefined, string | undefined] {
  if (cursor === undefined) return [undefined, undefined]
  const [thoughts, papers, ...rest] = cursor.split('.')
  if (thoughts !== undefined && papers !== undefined && rest.length === 0) return [thoughts, papers]
  throw new McpError('ERR_CURSOR', 'not a cursor of search', {
    fix: 'Pass the cursor of the last answer unchanged, or none.',
  })
}
