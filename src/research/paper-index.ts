import type { Database, FullText, FullTextFactory, TextAnswer, TextSearchOptions } from '../store/index.ts'
import { familyOf, type PaperFields } from './paper-fields.ts'

const WEIGHTS = { title: 3, people: 2, topics: 2, venue: 1, abstract: 1 }
/** Enough of a space's id to name its tables by. */
const NAME_DIGITS = 32

/**
 * Full-text search over papers, one index per space: document counts travel to other peers, and those of one space
 * must say nothing about another.
 */
export class PaperIndex {
  readonly #database: Database
  readonly #factory: FullTextFactory
  readonly #indexes = new Map<string, FullText>()

  constructor(database: Database, factory: FullTextFactory) {
    this.#database = database
    this.#factory = factory
  }

  put(space: string, paper: string, fields: PaperFields): void {
    this.#of(space).put(paper, documentOf(fields))
  }

  remove(space: string, paper: string): void {
    this.#of(space).remove(paper)
  }

  search(space: string, query: string, options: TextSearchOptions): Promise<TextAnswer> {
    return this.#of(space).search(query, options)
  }

  /** The tables' names begin like the view's, so that they go when the view is rebuilt. */
  #of(space: string): FullText {
    const known = this.#indexes.get(space)
    if (known !== undefined) return known
    const name = `view_research_text_${space.slice(0, NAME_DIGITS)}`
    const index = this.#factory(this.#database, { name, fields: WEIGHTS })
    this.#indexes.set(space, index)
    return index
  }
}

function documentOf(fields: PaperFields): Record<keyof typeof WEIGHTS, string> {
  const people = [...(fields.author ?? []), ...(fields.editor ?? [])]
  return {
    title: fields.title ?? '',
    people: people.map((name) => `${name.given ?? ''} ${familyOf(name)}`).join('\n'),
    topics: (fields.keyword ?? []).join('\n'),
    venue: [fields['container-title'], fields['event-title'], fields.publisher]
      .filter((text) => text !== undefined)
      .join('\n'),
    abstract: fields.abstract ?? '',
  }
}
