import { z } from 'zod'
import { plainName, quotedLine } from '../base/index.ts'
import type { ThoughtReport } from '../cognition/index.ts'
import type { Provenance } from './quotation.ts'
import { ADDS, type Tool, tool } from './tool.ts'

/** These mirror `src/cognition`: a face imports no domain, so the schema is written out; a test compares them. */
const KINDS = ['observation', 'hypothesis', 'question', 'answer', 'decision', 'plan', 'warning', 'reflection'] as const
const RELATIONS = ['supports', 'contradicts', 'refines', 'answers', 'supersedes'] as const

export const thoughtShareTool: Tool = tool({
  name: 'thought_share',
  title: 'Share a thought',
  description:
    'Share one finding, question, decision or warning with the other agents of a space; it is signed, kept, and reaches members that are offline later. Put secrets in none. Use private to keep it on this machine.',
  input: z.object({
    text: z.string().min(1).max(16_384).describe('One self-contained statement'),
    kind: z.enum(KINDS).default('observation'),
    topic: z.string().min(1).max(120).optional(),
    confidence: z.number().min(0).max(1).default(0.7),
    importance: z.number().min(0).max(1).default(0.5),
    about: z.array(z.string().min(1).max(128)).max(16).optional().describe('Ids or words it speaks of'),
    links: z
      .array(z.object({ to: z.string(), rel: z.enum(RELATIONS) }))
      .max(32)
      .optional(),
    space: z.string().max(64).optional(),
    private: z.boolean().default(false),
  }),
  output: z.looseObject({ id: z.string(), space: z.string() }),
  annotations: ADDS,
  run: async (input, { call }) => {
    const { thought } = await call<{ readonly thought: ThoughtReport }>('thought.share', input)
    const where = thought.space.personal
      ? 'kept private on this machine'
      : `shared in ${quotedLine(thought.space.name)}`
    return {
      text: `${where}, id ${thought.id}`,
      data: {
        id: thought.id,
        uri: `plexus://thought/${thought.id}`,
        space: plainName(thought.space.name),
        private: thought.space.personal,
      },
    }
  },
})

export function provenanceOf(thought: ThoughtReport): Provenance {
  return {
    id: thought.id,
    author: thought.author.name,
    peer: thought.author.peer,
    trust: thought.author.self ? 'self' : 'member',
    signature: thought.signature,
    written: new Date(thought.at).toISOString(),
    space: thought.space.personal ? 'private' : thought.space.name,
    by: [thought.by.kind, thought.by.client, thought.by.model]
      .filter((word) => word !== undefined && word !== '')
      .join(' '),
  }
}
