import { z } from 'zod'
import {
  bytesOfHex,
  type CborValue,
  decodeCanonicalCbor,
  encodeCbor,
  HASH_BYTES,
  hexOf,
  isPeerId,
  type PeerId,
  type RecordId,
  reasonOf,
  recordIdOf,
  type SpaceId,
  spaceIdOf,
} from '../base/index.ts'
import { ResearchError } from './errors.ts'
import { type PaperFields, readFields } from './paper-fields.ts'
import { isPaperId } from './paper-id.ts'
import { QUERY_MAX_CHARS } from './paper-query.ts'
import { SOURCES, type Source } from './record-bodies.ts'

/** The kind of the bus request (docs/specs/research.md). */
export const QUERY_KIND = 'research.query'
const VERSION = 1
export const QUERY_SPACES_MAX = 64
/** Papers that one space of one peer may answer with. */
export const QUERY_HITS_MAX = 200
const TERMS_MAX = 64
const TERM_MAX_CHARS = 128
const ANSWER_MAX_BYTES = 500_000
const QUERY_MAX_BYTES = 16_384
export const FINGERPRINT_BYTES = 16
/** A weight travels in thousandths; BM25 keeps it below k1 + 1. */
const WEIGHT_SCALE = 1_000
const WEIGHT_MAX = 2_200
const DOCUMENTS_MAX = 100_000_000
/** What a hit shows of long fields. */
const AUTHORS_SHOWN_MAX = 20
const KEYWORDS_SHOWN_MAX = 10
const ABSTRACT_SHOWN_CHARS = 500
const SHOWN = [
  'type',
  'title',
  'issued',
  'container-title',
  'publisher',
  'volume',
  'issue',
  'page',
  'DOI',
  'arXiv',
  'URL',
] as const

export interface WireQuery {
  readonly spaces: readonly SpaceId[]
  readonly text: string
  readonly limit: number
}

/** A paper in an answer: enough to show and to score it. */
export interface WireHit {
  readonly paper: string
  readonly record: RecordId
  readonly author: PeerId
  readonly hlc: number
  readonly source: Source
  readonly fields: PaperFields
  readonly weights: Readonly<Record<string, number>>
}

export interface WireAnswer {
  readonly space: SpaceId
  /** Stands for the exact set of records of the space; equal ones hold the same papers. */
  readonly fingerprint: string
  readonly documents: number
  readonly frequencies: Readonly<Record<string, number>>
  readonly hits: readonly WireHit[]
}

const bytes = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.byteLength === length)
const count = z.int().min(0).max(DOCUMENTS_MAX)

const QUERY = z.tuple([
  z.literal(VERSION),
  z.array(bytes(HASH_BYTES)).min(1).max(QUERY_SPACES_MAX),
  z.string().max(QUERY_MAX_CHARS),
  z.int().min(1).max(QUERY_HITS_MAX),
])
const HIT = z.tuple([
  z.string().refine(isPaperId),
  bytes(HASH_BYTES),
  z.string().max(64).refine(isPeerId),
  z.int().min(0),
  z
    .int()
    .min(0)
    .max(SOURCES.length - 1),
  z.record(z.string(), z.unknown()),
  z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(TERMS_MAX - 1),
        z.int().min(0).max(WEIGHT_MAX),
      ]),
    )
    .max(TERMS_MAX),
])
const ANSWER = z.tuple([
  z.literal(VERSION),
  z
    .array(
      z.tuple([
        bytes(HASH_BYTES),
        bytes(FINGERPRINT_BYTES),
        count,
        z.array(z.tuple([z.string().min(1).max(TERM_MAX_CHARS), count])).max(TERMS_MAX),
        z.array(HIT).max(QUERY_HITS_MAX),
      ]),
    )
    .max(QUERY_SPACES_MAX),
])

export function encodeQuery(query: WireQuery): Uint8Array {
  return encodeCbor([VERSION, query.spaces.map(bytesOfHex), query.text, query.limit])
}

/** Throws `ERR_RESEARCH_WIRE` for anything but the canonical bytes of a query within its bounds. */
export function decodeQuery(body: Uint8Array): WireQuery {
  const [, spaces, text, limit] = decodeAs(QUERY, body, QUERY_MAX_BYTES)
  return { spaces: spaces.map(spaceIdOf), text, limit }
}

/** Hits that do not fit are left out, the last of each space first. */
export function encodeAnswer(answers: readonly WireAnswer[]): Uint8Array {
  for (let most = QUERY_HITS_MAX; ; most = Math.floor(most / 2)) {
    const body = encodeCbor([VERSION, answers.map((answer) => spaceAnswer(answer, most))])
    if (body.byteLength <= ANSWER_MAX_BYTES || most === 0) return body
  }
}

/** Throws `ERR_RESEARCH_WIRE` for anything but the canonical bytes of an answer within its bounds. */
export function decodeAnswer(body: Uint8Array): readonly WireAnswer[] {
  const [, answers] = decodeAs(ANSWER, body, ANSWER_MAX_BYTES)
  return answers.map(([space, fingerprint, documents, frequencies, hits]) => ({
    space: spaceIdOf(space),
    fingerprint: hexOf(fingerprint),
    documents,
    frequencies: Object.fromEntries(frequencies),
    hits: hits.map(([paper, record, author, hlc, source, fields, weights]) => ({
      paper,
      record: recordIdOf(record),
      author: author as PeerId, // checked above
      hlc,
      source: SOURCES[source] ?? 'agent',
      fields: readFields(fields),
      weights: Object.fromEntries(
        weights.map(([term, weight]) => [frequencies[term]?.[0] ?? '', weight / WEIGHT_SCALE]),
      ),
    })),
  }))
}

/** What a hit shows of a paper: no long lists and texts. */
export function shortFields(fields: PaperFields): PaperFields {
  const short: Record<string, unknown> = {}
  for (const name of SHOWN) if (fields[name] !== undefined) short[name] = fields[name]
  const { author, keyword, abstract } = fields
  if (author !== undefined) {
    short.author =
      author.length <= AUTHORS_SHOWN_MAX ? author : [...author.slice(0, AUTHORS_SHOWN_MAX), { literal: 'others' }]
  }
  if (keyword !== undefined) short.keyword = keyword.slice(0, KEYWORDS_SHOWN_MAX)
  if (abstract !== undefined) short.abstract = abstract.slice(0, ABSTRACT_SHOWN_CHARS).toWellFormed()
  return short as PaperFields
}

function spaceAnswer(answer: WireAnswer, mostHits: number): CborValue {
  const frequencies = Object.entries(answer.frequencies)
    .filter(([term]) => term.length <= TERM_MAX_CHARS)
    .slice(0, TERMS_MAX)
  const terms = new Map(frequencies.map(([term], index) => [term, index]))
  const hits = answer.hits.slice(0, mostHits).map((hit) => [
    hit.paper,
    bytesOfHex(hit.record),
    hit.author,
    hit.hlc,
    SOURCES.indexOf(hit.source),
    shortFields(hit.fields) as CborValue,
    Object.entries(hit.weights).flatMap(([term, weight]) => {
      const index = terms.get(term)
      return index === undefined ? [] : [[index, Math.min(WEIGHT_MAX, Math.round(weight * WEIGHT_SCALE))]]
    }),
  ])
  return [bytesOfHex(answer.space), bytesOfHex(answer.fingerprint), answer.documents, frequencies, hits]
}

function decodeAs<T>(shape: z.ZodType<T>, body: Uint8Array, maxBytes: number): T {
  if (body.byteLength > maxBytes) throw new ResearchError('ERR_RESEARCH_WIRE', `a body of ${body.byteLength} bytes`)
  try {
    return shape.parse(decodeCanonicalCbor(body))
  } catch (cause) {
    throw new ResearchError('ERR_RESEARCH_WIRE', `not a message of ${QUERY_KIND}: ${reasonOf(cause).slice(0, 200)}`, {
      cause,
    })
  }
}
