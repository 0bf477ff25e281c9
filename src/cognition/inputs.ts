import { z } from 'zod'
import { type InputSchema, isRecordId } from '../base/index.ts'
import {
  ABOUT_MAX,
  LABEL_MAX_CHARS,
  LINK_RELATIONS,
  LINKS_MAX,
  type LinkRelation,
  TEXT_MAX_CHARS,
  THOUGHT_KINDS,
  type ThoughtKind,
  TOPIC_MAX_CHARS,
} from './thought.ts'

/** What `share` takes; the defaults stand in the schema below. */
export interface ShareInput {
  readonly text: string
  readonly kind?: ThoughtKind | undefined
  /** How sure the author is, 0 to 1. */
  readonly confidence?: number | undefined
  /** How much it matters to others, 0 to 1. */
  readonly importance?: number | undefined
  readonly topic?: string | undefined
  readonly about?: string[] | undefined
  readonly links?: { to: string; rel: LinkRelation }[] | undefined
  /** Name or id of the space; default: the newest shared one. */
  readonly space?: string | undefined
  /** Keeps it on this peer. */
  readonly private?: boolean | undefined
  readonly expiresInMs?: number | undefined
}

export interface RecallInput {
  /** Words to look for; without any, the newest thoughts. */
  readonly query?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly kind?: ThoughtKind | undefined
  readonly topic?: string | undefined
  /** Name or peer id. */
  readonly author?: string | undefined
  readonly space?: string | undefined
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
}

export interface ShowInput {
  /** The id of a thought, or at least its first 6 digits. */
  readonly id: string
}

const share = z.number().min(0).max(1)

export const SHARE_INPUT: InputSchema<
  ShareInput,
  'kind' | 'confidence' | 'importance' | 'about' | 'links' | 'private'
> = z.object({
  text: z.string().trim().min(1).max(TEXT_MAX_CHARS).describe('The thought, in one or a few sentences'),
  kind: z.enum(THOUGHT_KINDS).default('observation'),
  confidence: share.default(0.7).describe('How sure the author is, 0 to 1'),
  importance: share.default(0.5).describe('How much it matters to others, 0 to 1'),
  topic: z.string().trim().min(1).max(TOPIC_MAX_CHARS).optional(),
  about: z
    .array(
      z
        .string()
        .min(1)
        .max(LABEL_MAX_CHARS * 2),
    )
    .max(ABOUT_MAX)
    .default([]),
  links: z
    .array(
      z.object({
        to: z.string().refine(isRecordId, 'the whole id of a thought: 64 hexadecimal digits'),
        rel: z.enum(LINK_RELATIONS),
      }),
    )
    .max(LINKS_MAX)
    .default([]),
  space: z.string().max(64).optional().describe('Name or id of the space; default: the newest shared one'),
  private: z.boolean().default(false).describe('Keep it on this peer'),
  expiresInMs: z.int().min(1_000).optional(),
})

export const RECALL_INPUT: InputSchema<RecallInput, 'query' | 'limit'> = z.object({
  query: z.string().max(1_000).default('').describe('Words to look for; without any, the newest thoughts'),
  limit: z.int().min(1).max(1_000).default(10),
  cursor: z.string().max(16).optional(),
  kind: z.enum(THOUGHT_KINDS).optional(),
  topic: z.string().max(TOPIC_MAX_CHARS).optional(),
  author: z.string().max(64).optional().describe('Name or peer id of the author'),
  space: z.string().max(64).optional(),
  since: z.number().min(0).optional().describe('Milliseconds since 1970'),
})

export const SHOW_INPUT: InputSchema<ShowInput> = z.object({ id: z.string().min(6).max(64) })
