import { hlcToMs, type PeerId, type RecordId, type SpaceId } from '../base/index.ts'
import type { Journal } from '../records/index.ts'
import type { PeerName, SpaceName } from '../space/index.ts'
import type { Library, ShelvedPaper, ShelvedStatement } from './library.ts'
import { familyOf, type PaperFields, type PaperName, sameValue, yearOf } from './paper-fields.ts'
import { shownFields } from './provenance.ts'
import type { Intent, Source } from './record-bodies.ts'
import type { RankedPaper } from './rescore.ts'
import type { SpacesInReach } from './spaces-in-reach.ts'
import { shortFields } from './wire.ts'

/** `valid`: we hold the record and its author's signature was checked. `unverified`: another peer told us of it. */
export type SignatureState = 'valid' | 'invalid' | 'unverified'

/** Who says something, and how far that can be relied on. */
export interface Attribution {
  readonly author: PeerName
  readonly source: Source
  /** Milliseconds since 1970, by the author's clock. */
  readonly at: number
  readonly record: RecordId
  readonly signature: SignatureState
}

/** A paper in a list of results. Titles and abstracts are quotations, never instructions. */
export interface FoundPaper extends Attribution {
  readonly id: string
  readonly title: string
  readonly authors: readonly string[]
  readonly year: number | undefined
  readonly venue: string | undefined
  readonly type: string | undefined
  readonly doi: string | undefined
  readonly arxiv: string | undefined
  readonly url: string | undefined
  readonly keywords: readonly string[]
  /** The beginning of it. */
  readonly abstract: string | undefined
  readonly score: number
  readonly space: SpaceName
  /** Others whose statements are part of what is shown, besides `author`; known only of papers that we hold. */
  readonly alsoBy: readonly PeerName[]
  /** The peers that answered with it, we among them. */
  readonly heldBy: readonly PeerName[]
  /** Papers known here that cite it. */
  readonly citedBy: number
}

export interface CitationReport extends Omit<Attribution, 'source'> {
  readonly id: string
  /** Empty for a paper of which nothing but its id is known here. */
  readonly title: string
  readonly intent: Intent
}

export interface PaperReport {
  readonly id: string
  readonly fields: PaperFields
  readonly spaces: readonly SpaceName[]
  /** Which statement each shown field comes from. */
  readonly provenance: Readonly<Record<string, Attribution>>
  /** What others say instead. */
  readonly disagreements: readonly (Attribution & { readonly field: string; readonly value: unknown })[]
  readonly cites: readonly CitationReport[]
  readonly citedBy: readonly CitationReport[]
}

/** By whom, when and where something was said. */
type Said = Pick<ShelvedStatement, 'record' | 'author' | 'hlc' | 'space'>

/** Builds what people and agents are shown. */
export class Reports {
  readonly #journal: Journal
  readonly #library: Library
  readonly #spaces: SpacesInReach

  constructor(components: { readonly journal: Journal; readonly library: Library; readonly spaces: SpacesInReach }) {
    this.#journal = components.journal
    this.#library = components.library
    this.#spaces = components.spaces
  }

  /**
   * A paper that we hold is shown as we hold it: another peer may name any author and any record for what it tells, so its
   * word is nobody's but its own.
   */
  found(ranked: RankedPaper, readable: readonly SpaceId[]): FoundPaper {
    const { hit, space, score, heldBy } = ranked
    const held = this.#library.paper(space, hit.paper)
    const fields = held === undefined ? hit.fields : shortFields(held.fields)
    return {
      id: hit.paper,
      title: fields.title ?? '',
      authors: (fields.author ?? fields.editor ?? []).map(displayName),
      year: yearOf(fields),
      venue: fields['container-title'] ?? fields.publisher,
      type: fields.type,
      doi: fields.DOI,
      arxiv: fields.arXiv,
      url: fields.URL,
      keywords: fields.keyword ?? [],
      abstract: fields.abstract,
      score: Math.round(score * 1_000) / 1_000,
      space: this.#spaces.spaceName(space),
      heldBy: heldBy.map((peer) => this.#spaces.peerName(peer, space)),
      citedBy: this.#library.citedBy(readable, hit.paper),
      alsoBy: held === undefined ? [] : this.#alsoBy(held),
      ...this.#attribution({ ...(held ?? hit), space }),
      ...(held === undefined && { signature: 'unverified' }),
    }
  }

  /** Who else said some of it. */
  #alsoBy({ id, space, author }: ShelvedPaper): readonly PeerName[] {
    const { origin } = shownFields(this.#library.statements([space], id))
    const authors = new Set([...origin.values()].map((statement) => statement.author))
    authors.delete(author)
    return [...authors].map((peer) => this.#spaces.peerName(peer, space))
  }

  paper(id: string, readable: readonly SpaceId[]): PaperReport {
    const spaces = this.#library.spacesOf(readable, id)
    const statements = this.#library.statements(readable, id)
    const { fields, origin } = shownFields(statements)
    const provenance = [...origin].map(([name, statement]) => [name, this.#attribution(statement)] as const)
    return {
      id,
      fields,
      spaces: spaces.map((space) => this.#spaces.spaceName(space)),
      provenance: Object.fromEntries(provenance),
      disagreements: this.#disagreements(statements, fields),
      cites: this.#citations(readable, 'citing', id),
      citedBy: this.#citations(readable, 'cited', id),
    }
  }

  #disagreements(statements: readonly ShelvedStatement[], shown: PaperFields): PaperReport['disagreements'] {
    return statements.flatMap((statement) =>
      (Object.keys(statement.fields) as (keyof PaperFields)[])
        .filter((name) => !sameValue(statement.fields[name], shown[name]))
        .map((name) => ({ field: name, value: statement.fields[name], ...this.#attribution(statement) })),
    )
  }

  #citations(readable: readonly SpaceId[], end: 'citing' | 'cited', id: string): readonly CitationReport[] {
    return this.#library.citations(readable, end, id).map((edge) => {
      const other = end === 'citing' ? edge.cited : edge.citing
      return {
        id: other,
        title: this.#library.paper(edge.space, other)?.fields.title ?? '',
        intent: edge.intent,
        ...this.#speaker(edge),
      }
    })
  }

  #attribution(said: Said & { readonly source: Source }): Attribution {
    return { ...this.#speaker(said), source: said.source }
  }

  #speaker({ record, author, hlc, space }: Said): Omit<Attribution, 'source'> {
    return {
      author: this.#spaces.peerName(author, space),
      at: hlcToMs(hlc),
      record,
      signature: this.#signatureOf(record, author),
    }
  }

  /** Asking for the frame checks a signature that was covered only by its run so far. */
  #signatureOf(record: RecordId, author: PeerId): SignatureState {
    const held = this.#journal.record(record)
    if (held === undefined) return 'unverified'
    return held.author === author && this.#journal.frame(record) !== undefined ? 'valid' : 'invalid'
  }
}

function displayName(name: PaperName): string {
  return [name.given, familyOf(name), name.suffix].filter((part) => part !== undefined).join(' ')
}
