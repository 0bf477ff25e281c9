import { type Caller, type CborValue, encodeCbor, isMap } from '../base/index.ts'
import type { BodyMap } from '../records/index.ts'
import { FIELD_NAMES, type PaperFields, readFields } from './paper-fields.ts'
import { isPaperId } from './paper-id.ts'

/** Kinds of research's records. Those from `topic` on are numbered for what is to come; nothing writes or reads them yet. */
export const RESEARCH_KIND = {
  /** What somebody says about a paper. */
  paper: 128,
  citation: 129,
  topic: 130,
  collaborator: 131,
  note: 132,
  review: 133,
  readingStatus: 134,
  sameAs: 135,
} as const

/** How a statement came about; a later one in this list outranks an earlier one. */
export const SOURCES = ['agent', 'import', 'human'] as const
export type Source = (typeof SOURCES)[number]

/** What the citing paper wants with the cited one; after CiTO, the Citation Typing Ontology. `cites` says only that it does. */
export const INTENTS = ['cites', 'supports', 'disputes', 'uses', 'background'] as const
export type Intent = (typeof INTENTS)[number]

/** Citations in one record. */
export const CITATIONS_MAX = 500
/** The most CBOR of one body: the limit of records less their salt and some room. */
const BODY_BUDGET_BYTES = 65_000
/** Text that fits however it is encoded: three bytes are the most for one UTF-16 unit. */
const SURELY_FITS_CHARS = 20_000
const CLIENT_MAX_CHARS = 64

export interface Statement {
  readonly paper: string
  readonly source: Source
  readonly fields: PaperFields
  /** The program through which it was said, e.g. `cli`, and the model, if one spoke. */
  readonly client: string
  readonly model: string | undefined
}

export interface CitationList {
  readonly citing: string
  readonly cites: readonly { readonly cited: string; readonly intent: Intent }[]
}

export function sourceOf(caller: Caller): Source {
  return caller.kind === 'person' ? 'human' : 'agent'
}

/**
 * The bodies that state `fields`: one as a rule, one per field when they are too long together. `undefined` when a
 * single field fits in no record.
 */
export function statementBodies(
  paper: string,
  source: Source,
  fields: PaperFields,
  caller: Caller,
): readonly BodyMap[] | undefined {
  const whole = statementBody(paper, source, fields, caller)
  if (fits(whole)) return [whole]
  const single = FIELD_NAMES.filter((name) => fields[name] !== undefined).map((name) =>
    statementBody(paper, source, { [name]: fields[name] }, caller),
  )
  return single.every(fits) ? single : undefined
}

function statementBody(paper: string, source: Source, fields: PaperFields, caller: Caller): BodyMap {
  return { paper, source, fields: fields as unknown as CborValue, ...speaker(caller) }
}

/** The body of the citations of one paper, at most CITATIONS_MAX of them. */
export function citationBody(list: CitationList, caller: Caller): BodyMap {
  return { citing: list.citing, cites: list.cites.map(({ cited, intent }) => [cited, intent]), ...speaker(caller) }
}

/** What a record of kind 128 says; `undefined` if it is none. Fields that are not right are left out. Never throws. */
export function readStatement(body: BodyMap | undefined): Statement | undefined {
  if (body === undefined || !isPaperId(body.paper)) return undefined
  const source = SOURCES.find((known) => known === body.source)
  if (source === undefined) return undefined
  return { paper: body.paper, source, fields: readFields(body.fields), ...readSpeaker(body) }
}

/** What a record of kind 129 says; `undefined` if it is none. Citations that are not right are left out. Never throws. */
export function readCitations(body: BodyMap | undefined): CitationList | undefined {
  if (body === undefined || !isPaperId(body.citing) || !Array.isArray(body.cites)) return undefined
  const cites = body.cites.slice(0, CITATIONS_MAX).flatMap((cite: unknown) => {
    if (!Array.isArray(cite) || !isPaperId(cite[0]) || cite[0] === body.citing) return []
    const intent = INTENTS.find((known) => known === cite[1])
    return intent === undefined ? [] : [{ cited: cite[0], intent }]
  })
  return { citing: body.citing, cites }
}

function speaker(caller: Caller): BodyMap {
  const client = caller.client.slice(0, CLIENT_MAX_CHARS)
  return caller.model === undefined ? { client } : { client, model: caller.model.slice(0, CLIENT_MAX_CHARS) }
}

function readSpeaker(body: BodyMap): { readonly client: string; readonly model: string | undefined } {
  const text = (value: CborValue | undefined): string | undefined =>
    typeof value === 'string' && value.length <= CLIENT_MAX_CHARS ? value : undefined
  return { client: text(body.client) ?? '', model: text(body.model) }
}

function fits(body: BodyMap): boolean {
  if (isMap(body.fields) && JSON.stringify(body.fields).length <= SURELY_FITS_CHARS) return true
  return encodeCbor(body).byteLength <= BODY_BUDGET_BYTES
}
