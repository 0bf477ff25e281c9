import { z } from 'zod'
import {
  type Caller,
  type Clock,
  type Component,
  type ComponentStatus,
  Events,
  hlcToMs,
  isRecordId,
  type Logger,
  type Operation,
  operation,
  type PeerId,
  type RecordId,
} from '../base/index.ts'
import { type Journal, LOG_CLASS, type StoredRecord, type View } from '../records/index.ts'
import {
  defaultSpace,
  nameOfMember,
  nameOfSpace,
  type PeerName,
  type SpaceInfo,
  type SpaceName,
  type Spaces,
  spaceCalled,
} from '../space/index.ts'
import { fullText } from '../store/index.ts'
import {
  ABOUT_MAX,
  CognitionError,
  encodeThought,
  LABEL_MAX_CHARS,
  LINK_RELATIONS,
  LINKS_MAX,
  type LinkRelation,
  TEXT_MAX_CHARS,
  THOUGHT_KINDS,
  type Thought,
  type ThoughtKind,
  TOPIC_MAX_CHARS,
} from './thought.ts'
import { COGNITION_KIND, type PlacedThought, placedThought, thoughtView } from './thought-view.ts'
import { type RecalledThought, Thoughts } from './thoughts.ts'

export interface CognitionComponents {
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly log: Logger
}

export interface CognitionEvents {
  /** A thought of another peer became recallable here. */
  'thought:received': ThoughtReport
}

/** A thought as people and agents are shown it. The text is a quotation of its author, never an instruction. */
export interface ThoughtReport {
  readonly id: RecordId
  readonly kind: string
  readonly text: string
  readonly confidence: number
  readonly importance: number
  readonly topic: string | undefined
  readonly about: readonly string[]
  readonly links: readonly { readonly rel: string; readonly to: string }[]
  readonly author: PeerName
  readonly by: { readonly kind: string; readonly client: string; readonly model: string | undefined }
  readonly space: SpaceName
  /** Milliseconds since 1970, by the author's clock. */
  readonly at: number
  readonly expires: number | undefined
  /** `valid`: the author's own signature over this very record was checked. `invalid` cannot be shown as the author's word. */
  readonly signature: 'valid' | 'invalid'
  readonly score: number | undefined
  readonly contradictedBy: readonly string[]
  readonly supersedes: readonly string[]
}

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

export interface RecallAnswer {
  readonly thoughts: readonly ThoughtReport[]
  /** Pass it back for the next page; absent when this is the last. */
  readonly cursor: string | undefined
}

const share = z.number().min(0).max(1)

const SHARE_INPUT = z.object({
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

const RECALL_INPUT = z.object({
  query: z.string().max(1_000).default('').describe('Words to look for; without any, the newest thoughts'),
  limit: z.int().min(1).max(1_000).default(10),
  cursor: z.string().max(16).optional(),
  kind: z.enum(THOUGHT_KINDS).optional(),
  topic: z.string().max(TOPIC_MAX_CHARS).optional(),
  author: z.string().max(64).optional().describe('Name or peer id of the author'),
  space: z.string().max(64).optional(),
  since: z.number().min(0).optional().describe('Milliseconds since 1970'),
})

/** The domain of thoughts: shares them as signed records, recalls them from the folded view. */
export class Cognition implements Component {
  readonly name = 'cognition'
  readonly events: Events<CognitionEvents>
  readonly views: readonly View[]
  readonly operations: readonly Operation[]
  readonly #components: CognitionComponents
  readonly #thoughts: Thoughts
  #subscription: Disposable | undefined
  #since: number

  constructor(components: CognitionComponents) {
    const { journal, clock, log } = components
    const index = fullText(journal.database, { name: 'fts_thought', fields: { text: 1, topic: 2 } })
    this.#components = components
    this.#thoughts = new Thoughts({ database: journal.database, index, clock })
    this.#since = clock.now()
    this.events = new Events(log)
    this.views = [thoughtView(index)]
    this.operations = this.#operations()
  }

  async start(): Promise<void> {
    const { journal, clock } = this.#components
    if (this.#subscription !== undefined) return
    this.#since = clock.now()
    this.#subscription = journal.events.on('record:stored', ({ record, own }) => {
      if (!own && record.kind === COGNITION_KIND.thought) this.#announce(record)
    })
  }

  async stop(): Promise<void> {
    this.#subscription?.[Symbol.dispose]()
    this.#subscription = undefined
    this.#since = this.#components.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const state = this.#subscription === undefined ? 'stopped' : 'ok'
    return { state, since: this.#since, figures: { thoughts: this.#thoughts.count() } }
  }

  /** Shares a thought, or keeps it with `private`; resolves once it is on disk. */
  async share(input: ShareInput, caller: Caller): Promise<ThoughtReport> {
    const { journal, clock } = this.#components
    const parsed = SHARE_INPUT.parse(input)
    const space = this.#spaceFor(parsed.space, parsed.private)
    const { private: _private, space: _space, expiresInMs, topic, links, ...rest } = parsed
    const by = {
      kind: caller.kind,
      client: caller.client.slice(0, LABEL_MAX_CHARS),
      model: caller.model?.slice(0, LABEL_MAX_CHARS),
    }
    const thought: Thought = { ...rest, topic, links: links as Thought['links'], by }
    const record = await journal.append({
      space: space.id,
      class: expiresInMs === undefined ? LOG_CLASS.durable : LOG_CLASS.expiring,
      kind: COGNITION_KIND.thought,
      body: encodeThought(thought),
      ...(expiresInMs === undefined ? {} : { exp: Math.floor(clock.now()) + expiresInMs }),
    })
    return this.#report({
      ...thought,
      id: record.id,
      space: record.space,
      author: record.author,
      hlc: record.hlc,
      exp: record.exp,
    })
  }

  recall(input: RecallInput): RecallAnswer {
    const { query, limit, cursor, kind, topic, author, space, since } = RECALL_INPUT.parse(input)
    const offset = cursor === undefined ? 0 : offsetOf(cursor)
    const authors = author === undefined ? undefined : this.#peersCalled(author)
    if (authors?.length === 0) return { thoughts: [], cursor: undefined }
    const found = this.#thoughts.recall(
      query,
      {
        ...(kind === undefined ? {} : { kind }),
        ...(topic === undefined ? {} : { topic }),
        ...(authors === undefined ? {} : { authors }),
        ...(space === undefined ? {} : { space: this.#spaceFor(space, false).id }),
        ...(since === undefined ? {} : { since }),
      },
      limit,
      offset,
    )
    const more = found.length === limit ? String(offset + limit) : undefined
    return { thoughts: found.map((recalled) => this.#report(recalled.thought, recalled)), cursor: more }
  }

  show(id: string): ThoughtReport {
    const [only, another] = isRecordId(id) ? [id] : this.#thoughts.idsBeginning(id)
    const thought = only === undefined || another !== undefined ? undefined : this.#thoughts.get(only)
    if (thought !== undefined) return this.#report(thought)
    throw new CognitionError(
      'ERR_NOT_FOUND',
      another === undefined ? 'no thought has this id' : 'several thoughts begin with this id',
      {
        fix: 'Give the whole id, or at least its first 6 digits; recall finds it by words.',
      },
    )
  }

  #operations(): readonly Operation[] {
    return [
      operation({
        name: 'thought.share',
        summary: 'Share a thought with the members of a space',
        input: SHARE_INPUT,
        run: async (input, { caller }) => ({ thought: await this.share(input, caller) }),
      }),
      operation({
        name: 'thought.recall',
        summary: 'Recall thoughts, ours and those shared with us',
        input: RECALL_INPUT,
        run: async (input) => this.recall(input),
      }),
      operation({
        name: 'thought.show',
        summary: 'One thought with everything known of it',
        input: z.object({ id: z.string().min(6).max(64) }),
        run: async ({ id }) => ({ thought: this.show(id) }),
      }),
    ]
  }

  #announce(record: StoredRecord): void {
    const thought = placedThought(record)
    if (thought !== undefined) this.events.emit('thought:received', this.#report(thought))
  }

  /** The space to write to: private thoughts go where nobody else is a member. */
  #spaceFor(wanted: string | undefined, isPrivate: boolean): SpaceInfo {
    const all = this.#components.spaces.list()
    if (isPrivate) return defaultSpace(all.filter((space) => space.personal))
    return wanted === undefined ? defaultSpace(all) : spaceCalled(all, wanted)
  }

  #peersCalled(text: string): readonly PeerId[] {
    const members = this.#components.spaces.list().flatMap((space) => space.members)
    return [
      ...new Set(members.filter((member) => member.name === text || member.peer === text).map((member) => member.peer)),
    ]
  }

  #report(thought: PlacedThought, recalled?: RecalledThought): ThoughtReport {
    const { journal, spaces } = this.#components
    return {
      id: thought.id,
      kind: thought.kind,
      text: thought.text,
      confidence: thought.confidence,
      importance: thought.importance,
      topic: thought.topic,
      about: thought.about,
      links: thought.links,
      author: nameOfMember(spaces, thought.space, thought.author),
      by: thought.by,
      space: nameOfSpace(spaces, thought.space),
      at: hlcToMs(thought.hlc),
      expires: thought.exp === 0 ? undefined : thought.exp,
      // Asking for the frame checks a signature that was covered only by its run so far.
      signature: journal.frame(thought.id) === undefined ? 'invalid' : 'valid',
      score: recalled?.score,
      contradictedBy: recalled?.contradictedBy ?? [],
      supersedes: recalled?.supersedes ?? [],
    }
  }
}

function offsetOf(cursor: string): number {
  const offset = Number(cursor)
  if (Number.isInteger(offset) && offset >= 0 && offset <= 10_000) return offset
  throw new CognitionError('ERR_CURSOR', `not a cursor of this list: ${JSON.stringify(cursor)}`, {
    fix: 'Pass the cursor of the last answer, or none.',
  })
}

export function cognition(): (components: CognitionComponents) => Cognition {
  return (components) => new Cognition(components)
}
