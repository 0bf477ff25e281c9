import { type Clock, HLC_STEPS_PER_MS, type PeerId, type RecordId, type SpaceId } from '../base/index.ts'
import { type Database, type FullText, type TextSearchOptions, text } from '../store/index.ts'
import type { LinkRelation, ThoughtKind } from './thought.ts'
import { type PlacedThought, relationOf, tagOf, thoughtOfRow } from './thought-view.ts'

/** Takes a JSON array, so that the statement stays the same for any number of names. */
const IS_ONE_OF_AUTHORS = 'author IN (SELECT value FROM json_each(?))'

export interface RecallFilter {
  readonly kind: ThoughtKind | undefined
  readonly topic: string | undefined
  readonly authors: readonly PeerId[] | undefined
  readonly space: SpaceId | undefined
  /** Milliseconds since 1970. */
  readonly since: number | undefined
}

export interface RecalledThought {
  readonly thought: PlacedThought
  readonly score: number
  /** Thoughts that contradict this one: a contradicted thought is never shown as if it stood unopposed. */
  readonly contradictedBy: readonly RecordId[]
  /** The older thoughts that this one takes the place of in this answer. */
  readonly supersedes: readonly RecordId[]
}

/** Superseding chains longer than this are cut: a hostile author may link in circles. */
const HEIR_MAX_STEPS = 16

/** Reads what the view has folded. */
export class Thoughts {
  readonly #database: Database
  readonly #index: FullText
  readonly #clock: Clock

  constructor(components: { readonly database: Database; readonly index: FullText; readonly clock: Clock }) {
    this.#database = components.database
    this.#index = components.index
    this.#clock = components.clock
  }

  get(id: string): PlacedThought | undefined {
    const row = this.#database.prepare('SELECT * FROM view_cognition_thought WHERE id = ?').get(id)
    if (row === undefined) return undefined
    const thought = thoughtOfRow(row, this.#linksOf(id))
    return thought.exp !== 0 && thought.exp <= this.#clock.now() ? undefined : thought
  }

  /** Ids that begin with `prefix`, two at most: enough to see whether it names one. */
  idsBeginning(prefix: string): readonly string[] {
    if (!/^[0-9a-f]{6,64}$/.test(prefix)) return []
    return this.#database
      .prepare('SELECT id FROM view_cognition_thought WHERE id >= ? AND id < ? LIMIT 2')
      .all(prefix, `${prefix}g`)
      .map((row) => text(row.id))
  }

  /** By relevance; without words, the newest first. Superseded thoughts give their place to their heirs. */
  async recall(
    query: string,
    filter: RecallFilter,
    {
      limit,
      offset,
      signal,
    }: { readonly limit: number; readonly offset: number; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly RecalledThought[]> {
    const wanted = limit + offset
    const hits =
      query.trim() === ''
        ? this.#newest(filter, wanted)
        : (await this.#index.search(query, { ...searchFilter(filter), limit: wanted * 2, signal })).hits
    const found = new Map<string, RecalledThought>()
    for (const { id, score } of hits) {
      const original = this.get(id)
      if (original === undefined) continue
      const heir = this.#heirOf(original)
      const known = found.get(heir.id)
      const supersedes = heir.id === original.id ? [] : [original.id]
      if (known === undefined) {
        found.set(heir.id, { thought: heir, score, contradictedBy: this.#sources(heir.id, 'contradicts'), supersedes })
      } else if (supersedes.length > 0) {
        found.set(heir.id, { ...known, supersedes: [...known.supersedes, ...supersedes] })
      }
    }
    return [...found.values()].slice(offset, wanted)
  }

  count(): number {
    return this.#index.size()
  }

  #newest(filter: RecallFilter, wanted: number): readonly { id: string; score: number }[] {
    const { where, params } = conditions(filter)
    return this.#database
      .prepare(`SELECT id FROM view_cognition_thought ${where} ORDER BY hlc DESC, id LIMIT ?`)
      .all(...params, wanted * 2)
      .map((row) => ({ id: text(row.id), score: 0 }))
  }

  #linksOf(id: string): PlacedThought['links'] {
    return this.#database
      .prepare('SELECT rel, target FROM view_cognition_link WHERE source = ? ORDER BY rel, target')
      .all(id)
      .map((row) => ({ rel: relationOf(text(row.rel)), to: text<RecordId>(row.target) }))
  }

  #sources(target: string, rel: LinkRelation): readonly RecordId[] {
    return this.#database
      .prepare('SELECT source FROM view_cognition_link WHERE target = ? AND rel = ? ORDER BY source LIMIT 32')
      .all(target, rel)
      .map((row) => text<RecordId>(row.source))
  }

  /** Only its own author may supersede a thought: others can contradict it. */
  #heirOf(thought: PlacedThought): PlacedThought {
    let heir = thought
    for (let step = 0; step < HEIR_MAX_STEPS; step++) {
      const next = this.#sources(heir.id, 'supersedes')
        .map((id) => this.get(id))
        .filter((candidate) => candidate !== undefined)
        .filter((candidate) => candidate.author === thought.author && candidate.hlc > heir.hlc)
        .sort((a, b) => b.hlc - a.hlc)[0]
      if (next === undefined) break
      heir = next
    }
    return heir
  }
}

function conditions(filter: RecallFilter): { readonly where: string; readonly params: readonly (string | number)[] } {
  const parts: [string, string | number][] = []
  if (filter.kind !== undefined) parts.push(['kind = ?', filter.kind])
  if (filter.topic !== undefined) parts.push(['topic = ?', filter.topic])
  if (filter.authors !== undefined) parts.push([IS_ONE_OF_AUTHORS, JSON.stringify(filter.authors)])
  if (filter.space !== undefined) parts.push(['space = ?', filter.space])
  if (filter.since !== undefined) parts.push(['hlc >= ?', filter.since * HLC_STEPS_PER_MS])
  const where = parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`
  return { where, params: parts.map(([, value]) => value) }
}

/** What is told apart by equality is a tag of each thought; the time is looked up. */
function searchFilter({
  kind,
  topic,
  authors,
  space,
  since,
}: RecallFilter): Omit<TextSearchOptions, 'limit' | 'signal'> {
  const tags: (readonly string[])[] = []
  if (kind !== undefined) tags.push([tagOf('kind', kind)])
  if (topic !== undefined) tags.push([tagOf('topic', topic)])
  if (authors !== undefined) tags.push(authors.map((author) => tagOf('author', author)))
  if (space !== undefined) tags.push([tagOf('space', space)])
  const within =
    since === undefined
      ? undefined
      : { sql: 'SELECT id FROM view_cognition_thought WHERE hlc >= ?', params: [since * HLC_STEPS_PER_MS] }
  return { tags, within }
}
