import type { PeerId, RecordId, SpaceId } from '../base/index.ts'
import { KIND_RANGES, type StoredRecord, type View } from '../records/index.ts'
import { type Database, type FullText, integer, type Row, text } from '../store/index.ts'
import {
  decodeThought,
  LINK_RELATIONS,
  type LinkRelation,
  THOUGHT_KINDS,
  THOUSANDTHS,
  type Thought,
} from './thought.ts'

/** Kinds of cognition's records; 65 to 67 (use counts, focus, forgetting) are kept for what is specified but not written yet. */
export const COGNITION_KIND: { readonly thought: number } = { thought: KIND_RANGES.cognition[0] }

/** A thought and where it stands. */
export interface PlacedThought extends Thought {
  readonly id: RecordId
  readonly space: SpaceId
  readonly author: PeerId
  readonly hlc: number
  /** Milliseconds since 1970; 0 for none. */
  readonly exp: number
}

/** The text index of the view; its tables begin like the view's and go with them when it is rebuilt. */
export const THOUGHT_INDEX: string = 'view_cognition_text'

/** The index of the first version had another name. */
const SCHEMA = `
DROP TABLE IF EXISTS fts_thought_vocabulary;
DROP TABLE IF EXISTS fts_thought_word;
DROP TABLE IF EXISTS fts_thought_trigram;
DROP TABLE IF EXISTS fts_thought_doc;
DROP TABLE IF EXISTS fts_thought_total;
CREATE TABLE IF NOT EXISTS view_cognition_thought (
  id TEXT PRIMARY KEY, space TEXT NOT NULL, author TEXT NOT NULL, hlc INTEGER NOT NULL, exp INTEGER NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL, confidence INTEGER NOT NULL, importance INTEGER NOT NULL, topic TEXT,
  by_kind TEXT NOT NULL, by_client TEXT NOT NULL, by_model TEXT, about TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS view_cognition_thought_hlc ON view_cognition_thought (hlc);
CREATE TABLE IF NOT EXISTS view_cognition_link (
  source TEXT NOT NULL, rel TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (source, rel, target)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS view_cognition_link_target ON view_cognition_link (target);`

/** Folds thoughts into rows and into the text index. A thought never changes, so each is an entity of one record. */
export function thoughtView(index: FullText): View<PlacedThought> {
  return {
    domain: 'cognition',
    version: 2,
    kinds: [COGNITION_KIND.thought],
    schema: SCHEMA,
    tables: ['view_cognition_thought', 'view_cognition_link'],
    entitiesOf: (record) => [record.id],
    fold: (_entity, records) => {
      const [record] = records
      return record === undefined ? undefined : placedThought(record)
    },
    write: (database, entity, thought) => {
      database.prepare('DELETE FROM view_cognition_thought WHERE id = ?').run(entity)
      database.prepare('DELETE FROM view_cognition_link WHERE source = ?').run(entity)
      if (thought === undefined) {
        index.remove(entity)
        return
      }
      insertThought(database, thought)
      const topic = [thought.topic ?? '', ...thought.about].join(' ')
      index.put(entity, { text: thought.text, topic }, tagsOf(thought))
    },
  }
}

function tagsOf({ kind, topic, author, space }: PlacedThought): readonly string[] {
  const tags = [tagOf('kind', kind), tagOf('author', author), tagOf('space', space)]
  return topic === undefined ? tags : [...tags, tagOf('topic', topic)]
}

/** By what a search can be narrowed down. */
export function tagOf(column: 'kind' | 'topic' | 'author' | 'space', value: string): string {
  return `${column} ${value}`
}

export function placedThought(record: StoredRecord): PlacedThought | undefined {
  const thought = record.body === undefined ? undefined : decodeThought(record.body)
  return thought === undefined ? undefined : { ...thought, ...placeOf(record) }
}

export function placeOf({ id, space, author, hlc, exp }: StoredRecord): Omit<PlacedThought, keyof Thought> {
  return { id, space, author, hlc, exp }
}

function insertThought(database: Database, thought: PlacedThought): void {
  database
    .prepare('INSERT INTO view_cognition_thought VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      thought.id,
      thought.space,
      thought.author,
      thought.hlc,
      thought.exp,
      thought.kind,
      thought.text,
      Math.round(thought.confidence * THOUSANDTHS),
      Math.round(thought.importance * THOUSANDTHS),
      thought.topic ?? null,
      thought.by.kind,
      thought.by.client,
      thought.by.model ?? null,
      JSON.stringify(thought.about),
    )
  const link = database.prepare('INSERT OR IGNORE INTO view_cognition_link VALUES (?, ?, ?)')
  for (const { rel, to } of thought.links) link.run(thought.id, rel, to)
}

/** The other direction of `insertThought`. */
export function thoughtOfRow(row: Row, links: PlacedThought['links']): PlacedThought {
  const kind = THOUGHT_KINDS.find((candidate) => candidate === row.kind) ?? 'observation'
  return {
    id: text<RecordId>(row.id),
    space: text<SpaceId>(row.space),
    author: text<PeerId>(row.author),
    hlc: integer(row.hlc),
    exp: integer(row.exp),
    kind,
    text: text(row.text),
    confidence: integer(row.confidence) / THOUSANDTHS,
    importance: integer(row.importance) / THOUSANDTHS,
    topic: row.topic === null ? undefined : text(row.topic),
    about: JSON.parse(text(row.about)) as readonly string[],
    links,
    by: {
      kind: row.by_kind === 'agent' ? 'agent' : 'person',
      client: text(row.by_client),
      model: row.by_model === null ? undefined : text(row.by_model),
    },
  }
}

export function relationOf(text: string): LinkRelation {
  return LINK_RELATIONS.find((relation) => relation === text) ?? 'refines'
}
