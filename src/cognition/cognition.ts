import {
  type Caller,
  type Clock,
  type Component,
  type ComponentStatus,
  Events,
  isRecordId,
  type Logger,
  type Operation,
  type PeerId,
  type RecordId,
} from '../base/index.ts'
import { type Journal, LOG_CLASS, type StoredRecord, type View } from '../records/index.ts'
import { chosenSpace, defaultSpace, type SpaceInfo, type Spaces } from '../space/index.ts'
import { fullText, type Searcher } from '../store/index.ts'
import { CognitionError } from './errors.ts'
import { RECALL_INPUT, type RecallInput, SHARE_INPUT, type ShareInput } from './inputs.ts'
import { cognitionOperations } from './operations.ts'
import { reportOf, type ThoughtReport } from './reports.ts'
import { encodeThought, LABEL_MAX_CHARS, type Thought } from './thought.ts'
import {
  COGNITION_KIND,
  type PlacedThought,
  placedThought,
  placeOf,
  THOUGHT_INDEX,
  thoughtView,
} from './thought-view.ts'
import { type RecalledThought, Thoughts } from './thoughts.ts'

export interface CognitionComponents {
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly log: Logger
  /** Runs searches. Default: they run where they are asked for. */
  readonly searcher?: Searcher | undefined
}

export interface CognitionEvents {
  /** A thought of another peer became recallable here. */
  'thought:received': ThoughtReport
}

export interface RecallAnswer {
  readonly thoughts: readonly ThoughtReport[]
  /** Pass it back for the next page; absent when this is the last. */
  readonly cursor: string | undefined
}

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
    const { journal, clock, log, searcher } = components
    const index = fullText(journal.database, { name: THOUGHT_INDEX, fields: { text: 1, topic: 2 }, searcher })
    this.#components = components
    this.#thoughts = new Thoughts({ database: journal.database, index, clock })
    this.#since = clock.now()
    this.events = new Events(log)
    this.views = [thoughtView(index)]
    this.operations = cognitionOperations(this)
  }

  async start(): Promise<void> {
    const { journal, clock } = this.#components
    if (this.#subscription !== undefined) return
    this.#since = clock.now()
    const subscriptions = new DisposableStack()
    this.#subscription = subscriptions
    subscriptions.use(
      journal.events.on('record:stored', ({ record, own }) => {
        if (!own && record.kind === COGNITION_KIND.thought) this.#announce(record)
      }),
    )
    // Its key came later than the thought.
    subscriptions.use(
      journal.events.on('record:read', ({ record }) => {
        if (record.kind === COGNITION_KIND.thought) this.#announce(record)
      }),
    )
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
    const { space, private: isPrivate, expiresInMs, topic, links, ...said } = SHARE_INPUT.parse(input)
    const thought: Thought = {
      ...said,
      topic,
      links: links.map(({ rel, to }) => ({ rel, to: to as RecordId })), // the schema has checked them
      by: {
        kind: caller.kind,
        client: caller.client.slice(0, LABEL_MAX_CHARS),
        model: caller.model?.slice(0, LABEL_MAX_CHARS),
      },
    }
    const record = await journal.append({
      space: this.#spaceFor(space, isPrivate).id,
      class: expiresInMs === undefined ? LOG_CLASS.durable : LOG_CLASS.expiring,
      kind: COGNITION_KIND.thought,
      body: encodeThought(thought),
      exp: expiresInMs === undefined ? undefined : Math.floor(clock.now()) + expiresInMs,
    })
    return this.#report({ ...thought, ...placeOf(record) })
  }

  async recall(input: RecallInput, signal?: AbortSignal): Promise<RecallAnswer> {
    const { query, limit, cursor, kind, topic, author, space, since } = RECALL_INPUT.parse(input)
    const offset = cursor === undefined ? 0 : offsetOf(cursor)
    const authors = author === undefined ? undefined : this.#peersCalled(author)
    if (authors?.length === 0) return { thoughts: [], cursor: undefined }
    const wanted = space === undefined ? undefined : this.#spaceFor(space, false).id
    const filter = { kind, topic, authors, space: wanted, since }
    const found = await this.#thoughts.recall(query, filter, { limit, offset, signal })
    const more = found.length === limit ? String(offset + limit) : undefined
    return { thoughts: found.map((recalled) => this.#report(recalled.thought, recalled)), cursor: more }
  }

  show(id: string): ThoughtReport {
    const [only, another] = isRecordId(id) ? [id] : this.#thoughts.idsBeginning(id)
    const thought = only === undefined || another !== undefined ? undefined : this.#thoughts.get(only)
    if (thought !== undefined) return this.#report(thought)
    const message = another === undefined ? 'no thought has this id' : 'several thoughts begin with this id'
    throw new CognitionError('ERR_NOT_FOUND', message, {
      fix: 'Give the whole id, or at least its first 6 digits; recall finds it by words.',
    })
  }

  #announce(record: StoredRecord): void {
    const thought = placedThought(record)
    if (thought !== undefined) this.events.emit('thought:received', this.#report(thought))
  }

  /** The space to write to: private thoughts go where nobody else is a member. */
  #spaceFor(wanted: string | undefined, isPrivate: boolean): SpaceInfo {
    const all = this.#components.spaces.list()
    return isPrivate ? defaultSpace(all.filter((space) => space.personal)) : chosenSpace(all, wanted)
  }

  #peersCalled(text: string): readonly PeerId[] {
    const members = this.#components.spaces.list().flatMap((space) => space.members)
    const meant = members.filter(({ name, peer }) => name === text || peer === text)
    return [...new Set(meant.map(({ peer }) => peer))]
  }

  #report(thought: PlacedThought, recalled?: RecalledThought): ThoughtReport {
    return reportOf(thought, recalled, this.#components)
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
