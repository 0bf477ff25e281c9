import { bytesOfHex, type CborValue, hexOf, isList, isRecordId, type RecordId } from '../base/index.ts'
import type { BodyMap } from '../records/index.ts'

export const THOUGHT_KINDS = [
  'observation',
  'hypothesis',
  'question',
  'answer',
  'decision',
  'plan',
  'warning',
  'reflection',
] as const
export type ThoughtKind = (typeof THOUGHT_KINDS)[number]

export const LINK_RELATIONS = ['supports', 'contradicts', 'refines', 'answers', 'supersedes'] as const
export type LinkRelation = (typeof LINK_RELATIONS)[number]

export const TEXT_MAX_CHARS = 16_384
export const TOPIC_MAX_CHARS = 120
export const LABEL_MAX_CHARS = 64
export const ABOUT_MAX = 16
export const LINKS_MAX = 32

export interface ThoughtLink {
  readonly to: RecordId
  readonly rel: LinkRelation
}

/** Who held the pen: the program, and the model if it said so. Chosen by the author, so a claim and no proof. */
export interface ThoughtBy {
  readonly kind: 'person' | 'agent'
  readonly client: string
  readonly model: string | undefined
}

/** An immutable statement (docs/specs/cognition.md). Confidence and importance are between 0 and 1. */
export interface Thought {
  readonly kind: ThoughtKind
  readonly text: string
  readonly confidence: number
  readonly importance: number
  readonly topic: string | undefined
  /** What it is about: ids or words. */
  readonly about: readonly string[]
  readonly links: readonly ThoughtLink[]
  readonly by: ThoughtBy
}

/** On the wire and in the view, shares of one are whole thousandths: no two encodings of one value, no floats. */
export const THOUSANDTHS = 1_000

export function encodeThought(thought: Thought): BodyMap {
  return {
    k: THOUGHT_KINDS.indexOf(thought.kind),
    t: thought.text,
    c: Math.round(thought.confidence * THOUSANDTHS),
    i: Math.round(thought.importance * THOUSANDTHS),
    ...(thought.topic === undefined ? {} : { o: thought.topic }),
    ...(thought.about.length === 0 ? {} : { a: [...thought.about] }),
    ...(thought.links.length === 0
      ? {}
      : { l: thought.links.map((link) => [LINK_RELATIONS.indexOf(link.rel), bytesOfHex(link.to)]) }),
    b: [thought.by.kind === 'agent' ? 1 : 0, thought.by.client, thought.by.model ?? ''],
  }
}

/** The thought in a record body, or `undefined` when it is not one: whatever a peer signed, it breaks nothing here. */
export function decodeThought(body: BodyMap): Thought | undefined {
  const kind = indexed(THOUGHT_KINDS, body.k)
  const text = textOf(body.t, TEXT_MAX_CHARS)
  const confidence = shareOf(body.c)
  const importance = shareOf(body.i)
  const by = byOf(body.b)
  const about = listOf(body.a, ABOUT_MAX, (item) => textOf(item, LABEL_MAX_CHARS * 2))
  const links = listOf(body.l, LINKS_MAX, linkOf)
  const topic = body.o === undefined ? '' : textOf(body.o, TOPIC_MAX_CHARS)
  if (kind === undefined || text === undefined || confidence === undefined || importance === undefined) return undefined
  if (by === undefined || about === undefined || links === undefined || topic === undefined) return undefined
  return { kind, text, confidence, importance, topic: topic === '' ? undefined : topic, about, links, by }
}

function indexed<T>(list: readonly T[], value: CborValue | undefined): T | undefined {
  return typeof value === 'number' ? list[value] : undefined
}

function textOf(value: CborValue | undefined, maxChars: number): string | undefined {
  return typeof value === 'string' && value.length <= maxChars ? value : undefined
}

function shareOf(value: CborValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= THOUSANDTHS ? Math.round(value) / THOUSANDTHS : undefined
}

function listOf<T>(
  value: CborValue | undefined,
  most: number,
  each: (item: CborValue) => T | undefined,
): T[] | undefined {
  if (value === undefined) return []
  if (!isList(value) || value.length > most) return undefined
  const items = value.map(each)
  return items.every((item) => item !== undefined) ? items : undefined
}

function linkOf(item: CborValue): ThoughtLink | undefined {
  if (!isList(item)) return undefined
  const rel = indexed(LINK_RELATIONS, item[0])
  const to = item[1] instanceof Uint8Array ? hexOf(item[1]) : ''
  return rel !== undefined && isRecordId(to) ? { rel, to } : undefined
}

function byOf(value: CborValue | undefined): ThoughtBy | undefined {
  if (!isList(value)) return undefined
  const client = textOf(value[1], LABEL_MAX_CHARS)
  const model = textOf(value[2], LABEL_MAX_CHARS)
  if (client === undefined || model === undefined) return undefined
  return { kind: value[0] === 1 ? 'agent' : 'person', client, model: model === '' ? undefined : model }
}
