import { z } from 'zod'
import type { InputSchema } from '../base/index.ts'
import { ASK_DEADLINE_MS } from './asking.ts'
import { CITATION_STYLES, type CitationStyle } from './format-citation.ts'
import { PAPER_ID_MAX_CHARS } from './paper-id.ts'
import { QUERY_MAX_CHARS } from './paper-query.ts'
import { INTENTS, type Intent } from './record-bodies.ts'

/** Text of a bibliography that is handed over as a whole; larger ones are read from a file. */
export const IMPORT_TEXT_MAX_CHARS: number = 32 * 1_048_576
export const RESULTS_MAX = 100
const DEADLINE_MAX_MS = 60_000

/** Takes exactly one of `path` and `text`. */
export interface ImportInput {
  readonly path?: string | undefined
  readonly text?: string | undefined
  /** Name or id; default: the newest shared space. */
  readonly space?: string | undefined
}

/** One paper: by BibTeX, by its fields, or by a DOI and a title. */
export interface AddInput {
  readonly bibtex?: string | undefined
  /** CSL-JSON fields. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly title?: string | undefined
  /** `Leslie Lamport` or `Lamport, Leslie`. */
  readonly authors?: readonly string[] | undefined
  readonly year?: number | undefined
  readonly venue?: string | undefined
  readonly doi?: string | undefined
  readonly arxiv?: string | undefined
  readonly url?: string | undefined
  readonly abstract?: string | undefined
  readonly keywords?: readonly string[] | undefined
  readonly space?: string | undefined
}

interface Search {
  /** 1 to RESULTS_MAX; default 10. */
  readonly limit?: number | undefined
  /** Default ASK_DEADLINE_MS. */
  readonly deadlineMs?: number | undefined
  /** Name or id of the only space to search. */
  readonly space?: string | undefined
}

export interface FindInput extends Search {
  /** Without any words the newest papers. */
  readonly query?: string | undefined
  /** Default `local`. */
  readonly from?: 'local' | 'all' | undefined
  readonly cursor?: string | undefined
}

export interface AskInput extends Search {
  readonly question?: string | undefined
  /** The same as `question`. */
  readonly query?: string | undefined
}

export interface ShowInput {
  readonly id: string
  readonly space?: string | undefined
}

/** Either `id` and perhaps `style`, or `citing`, `cited` and perhaps `intent`. */
export interface CiteInput {
  readonly id?: string | undefined
  readonly style?: CitationStyle | undefined
  readonly citing?: string | undefined
  readonly cited?: string | undefined
  /** Default `cites`. */
  readonly intent?: Intent | undefined
  readonly space?: string | undefined
}

const space = z.string().max(64).optional().describe('Name or id of the space; default: the newest shared one')
const searched = z.string().max(64).optional().describe('Name or id of the only space to search; default: all')
const paperId = z.string().min(1).max(PAPER_ID_MAX_CHARS).describe('Id of a paper, a DOI, or an arXiv id')
const limit = z.int().min(1).max(RESULTS_MAX).default(10)
const deadlineMs = z
  .int()
  .min(50)
  .max(DEADLINE_MAX_MS)
  .default(ASK_DEADLINE_MS)
  .describe('How long to wait for other peers')
const QUERY_HELP =
  'Words; author:lamport, author:"Lamport, Leslie", year:2019.., topic:consensus, cites:<id>; or a DOI or arXiv id'
const query = z.string().max(QUERY_MAX_CHARS).describe(QUERY_HELP)
const words = (maxChars: number): z.ZodOptional<z.ZodString> => z.string().trim().min(1).max(maxChars).optional()

export const IMPORT_INPUT: InputSchema<ImportInput> = z
  .object({
    path: z.string().min(1).max(4_096).optional().describe('A BibTeX or BibLaTeX file'),
    text: z.string().max(IMPORT_TEXT_MAX_CHARS).optional().describe('BibTeX text instead of a file'),
    space,
  })
  .refine((input) => (input.path === undefined) !== (input.text === undefined), 'give either a path or a text')

export const ADD_INPUT: InputSchema<AddInput> = z
  .object({
    bibtex: words(1_048_576).describe('One BibTeX entry'),
    fields: z.record(z.string(), z.unknown()).optional().describe('CSL-JSON fields, for what the others do not name'),
    title: words(2_000),
    authors: z
      .array(z.string().min(1).max(200))
      .max(1_000)
      .optional()
      .describe('"Leslie Lamport" or "Lamport, Leslie"'),
    year: z.int().min(-9_999).max(9_999).optional(),
    venue: words(1_000).describe('Journal, proceedings or book'),
    doi: words(300),
    arxiv: words(100),
    url: words(2_000),
    abstract: words(20_000),
    keywords: z.array(z.string().trim().min(1).max(200)).max(100).optional(),
    space,
  })
  .describe('One paper: by BibTeX, by its fields, or by a DOI and a title')

export const FIND_INPUT: InputSchema<FindInput, 'query' | 'limit' | 'from' | 'deadlineMs'> = z.object({
  query: query.default('').describe(`${QUERY_HELP}; without any, the newest papers`),
  limit,
  from: z.enum(['local', 'all']).default('local').describe('Only this peer, or all members of our spaces'),
  deadlineMs,
  cursor: z.string().max(16).optional(),
  space: searched,
})

export const SHOW_INPUT: InputSchema<ShowInput> = z.object({ id: paperId, space: searched })

export const CITE_INPUT: InputSchema<CiteInput, 'intent'> = z
  .object({
    id: paperId.optional(),
    style: z.enum(CITATION_STYLES).optional(),
    citing: paperId.optional(),
    cited: paperId.optional(),
    intent: z.enum(INTENTS).default('cites'),
    space,
  })
  .refine(
    (input) =>
      input.id === undefined
        ? input.citing !== undefined && input.cited !== undefined && input.style === undefined
        : input.citing === undefined && input.cited === undefined,
    'give an id and a style to have a reference written, or citing and cited to record a citation',
  )

export const ASK_INPUT: InputSchema<AskInput, 'limit' | 'deadlineMs'> = z
  .object({
    question: query.optional(),
    query: query.optional().describe('The same as question'),
    limit,
    deadlineMs,
    space: searched,
  })
  .refine((input) => (input.question ?? input.query ?? '').trim() !== '', 'ask for something')
