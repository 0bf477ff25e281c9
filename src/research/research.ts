import type { Caller, Clock, Logger, Operation, OperationContext, SpaceId } from '../base/index.ts'
import type { Bus, Handlers } from '../bus/index.ts'
import type { Journal, View } from '../records/index.ts'
import type { SpaceName, Spaces } from '../space/index.ts'
import { fullText, type Searcher } from '../store/index.ts'
import { readTextFile } from './adapters/text-file.ts'
import { entryOfInput } from './adding.ts'
import { type AskCoverage, Asking } from './asking.ts'
import { ResearchError } from './errors.ts'
import { type CitationStyle, formatCitation } from './format-citation.ts'
import { type ImportReport, importBibtex } from './importing.ts'
import {
  ADD_INPUT,
  type AddInput,
  ASK_INPUT,
  type AskInput,
  CITE_INPUT,
  type CiteInput,
  FIND_INPUT,
  type FindInput,
  IMPORT_INPUT,
  type ImportInput,
} from './inputs.ts'
import { Library } from './library.ts'
import { researchOperations } from './operations.ts'
import { idOfReference } from './paper-id.ts'
import { PaperIndex } from './paper-index.ts'
import { paperView } from './paper-view.ts'
import { shownFields } from './provenance.ts'
import { type Intent, sourceOf } from './record-bodies.ts'
import { type FoundPaper, type PaperReport, Reports } from './reports.ts'
import { type RankedPaper, rescore } from './rescore.ts'
import { Shelf } from './shelving.ts'
import { SpacesInReach } from './spaces-in-reach.ts'
import type { TextSource } from './text-source.ts'
import { QUERY_HITS_MAX, QUERY_KIND } from './wire.ts'

/** Text is pushed through the reader in pieces of this size, so that a long one leaves room for other work. */
const TEXT_CHUNK_CHARS = 65_536
/** More than is shown is asked for: the last places of each peer's list are where the asker's own ranking differs. */
const OVERFETCH = 10

export interface ResearchInit {
  /** Where `research.import` reads a path from. Default: the file system. */
  readonly texts?: TextSource
}

export interface ResearchComponents {
  readonly journal: Journal
  readonly spaces: Spaces
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Logger
  /** Runs searches. Default: they run where they are asked for. */
  readonly searcher?: Searcher | undefined
}

export interface AddReport {
  readonly paper: PaperReport
  /** False when the paper was in the space before. */
  readonly added: boolean
}

export interface FindReport {
  readonly results: readonly FoundPaper[]
  /** Only when others were asked. */
  readonly coverage: AskCoverage | undefined
  /** Pass it back for the next page; absent when this is the last. */
  readonly cursor: string | undefined
}

export interface AskReport {
  readonly question: string
  readonly answers: readonly FoundPaper[]
  readonly coverage: AskCoverage
  readonly elapsedMs: number
}

export interface CiteReport {
  readonly citing: string
  readonly cited: string
  readonly intent: Intent
  readonly space: SpaceName
  /** False when this citation was recorded before. */
  readonly added: boolean
}

export interface ReferenceReport {
  readonly id: string
  readonly style: string
  readonly text: string
}

/** A shared library: papers with provenance, citations, and queries to everyone in our spaces. */
export class Research {
  readonly name = 'research'
  readonly views: readonly View[]
  readonly operations: readonly Operation[]
  readonly handlers: Handlers
  readonly #components: ResearchComponents
  readonly #texts: TextSource
  readonly #library: Library
  readonly #spaces: SpacesInReach
  readonly #asking: Asking
  readonly #reports: Reports

  constructor(init: ResearchInit, components: ResearchComponents) {
    const { journal, bus, clock, searcher } = components
    const index = new PaperIndex(journal.database, (database, init) => fullText(database, { ...init, searcher }))
    const library = new Library(journal.database, index)
    const spaces = new SpacesInReach(components.spaces, bus.self)
    this.#components = components
    this.#texts = init.texts ?? readTextFile
    this.#library = library
    this.#spaces = spaces
    this.#asking = new Asking({ journal, bus, clock, library, spaces })
    this.#reports = new Reports({ journal, library, spaces })
    this.views = [paperView(index)]
    this.operations = researchOperations(this)
    this.handlers = { requested: { [QUERY_KIND]: (body, context) => this.#asking.respond(body, context) } }
  }

  status(): { readonly figures: Readonly<Record<string, number>> } {
    return { figures: { ...this.#library.figures(), ...this.#asking.counts } }
  }

  /** Reads a BibTeX file or text into a space. Rejects: `ERR_FILE_UNREADABLE`, `ERR_SPACE_UNKNOWN`. */
  async import(input: ImportInput, context: OperationContext): Promise<ImportReport> {
    const { path, text, space } = IMPORT_INPUT.parse(input)
    const shelf = this.#shelf(space, context.caller)
    const chunks = path === undefined ? piecesOf(text ?? '') : this.#texts(path, context.signal)
    return importBibtex(chunks, { shelf, clock: this.#components.clock }, context)
  }

  /** Adds one paper, or adds to what is known of it. Rejects: `ERR_PAPER_INVALID`, `ERR_SPACE_UNKNOWN`. */
  async add(input: AddInput, caller: Caller): Promise<AddReport> {
    const shelf = this.#shelf(input.space, caller)
    const entry = entryOfInput(ADD_INPUT.parse(input))
    const { drafts, isNew } = shelf.prepare(entry, sourceOf(caller))
    if (drafts === undefined)
      throw new ResearchError('ERR_PAPER_INVALID', 'a field is too long for a record', { fix: 'Shorten it.' })
    await shelf.write(drafts)
    return { paper: this.#reports.paper(entry.id, [shelf.space]), added: isNew }
  }

  /** Rejects: `ERR_PAPER_QUERY`, `ERR_SPACE_UNKNOWN`. Peers that do not answer are named in the coverage, never thrown. */
  async find(input: FindInput, signal: AbortSignal, trace = ''): Promise<FindReport> {
    const { query, limit, cursor, ...rest } = FIND_INPUT.parse(input)
    const offset = offsetOf(cursor)
    const wanted = offset + limit
    const { ranked, coverage, readable } = await this.#search(
      { ...rest, text: query, wanted: wanted + 1 },
      signal,
      trace,
    )
    const page = ranked.slice(offset, wanted)
    return {
      results: page.map((paper) => this.#reports.found(paper, readable)),
      coverage,
      cursor: ranked.length > wanted && wanted < QUERY_HITS_MAX ? String(wanted) : undefined,
    }
  }

  /** Asks every member of our spaces at once. Rejects: `ERR_PAPER_QUERY`, `ERR_SPACE_UNKNOWN`. */
  async ask(input: AskInput, signal: AbortSignal, trace = ''): Promise<AskReport> {
    const { limit, deadlineMs, space, ...asked } = ASK_INPUT.parse(input)
    const question = asked.question ?? asked.query ?? ''
    const started = this.#components.clock.monotonic()
    const search = { from: 'all', text: question, wanted: limit, deadlineMs, space } as const
    const { ranked, coverage, readable } = await this.#search(search, signal, trace)
    return {
      question,
      answers: ranked.map((paper) => this.#reports.found(paper, readable)),
      coverage: coverage ?? { asked: 0, answered: 0, silent: [] },
      elapsedMs: Math.round(this.#components.clock.monotonic() - started),
    }
  }

  /** Everything known here about one paper. Throws `ERR_PAPER_UNKNOWN`. */
  show(reference: string, space?: string): PaperReport {
    const readable = this.#spaces.readable(space)
    return this.#reports.paper(this.#known(reference, readable), readable)
  }

  /** A reference to paste. Throws `ERR_PAPER_UNKNOWN`. */
  reference(reference: string, style: CitationStyle = 'bibtex', space?: string): ReferenceReport {
    const readable = this.#spaces.readable(space)
    const id = this.#known(reference, readable)
    const { fields } = shownFields(this.#library.statements(readable, id))
    return { id, style, text: formatCitation(fields, style) }
  }

  /** Records that one paper cites another; either may be known by its identifier alone. Rejects: `ERR_PAPER_UNKNOWN`. */
  async cite(input: CiteInput, caller: Caller): Promise<CiteReport> {
    const { intent, space, ...named } = CITE_INPUT.parse(input)
    const shelf = this.#shelf(space, caller)
    const citing = this.#named(named.citing ?? '', [shelf.space])
    const cited = this.#named(named.cited ?? '', [shelf.space])
    if (citing === cited)
      throw new ResearchError('ERR_PAPER_INVALID', 'a paper does not cite itself', { fix: 'Name two papers.' })
    const { drafts, added } = shelf.prepareCitations({ citing, cites: [{ cited, intent }] })
    await shelf.write(drafts)
    return { citing, cited, intent, space: this.#spaces.spaceName(shelf.space), added: added > 0 }
  }

  async #search(
    search: { from: 'local' | 'all'; text: string; wanted: number; deadlineMs: number; space?: string | undefined },
    signal: AbortSignal,
    trace: string,
  ): Promise<{ ranked: readonly RankedPaper[]; coverage: AskCoverage | undefined; readable: readonly SpaceId[] }> {
    const spaces = this.#spaces.readable(search.space)
    const limit = Math.min(QUERY_HITS_MAX, search.wanted + OVERFETCH)
    const question = { text: search.text, spaces, limit }
    const local = await this.#asking.local(question, signal)
    if (search.from === 'local') return { ranked: rescore(local, search.wanted), coverage: undefined, readable: spaces }
    const { sources, coverage } = await this.#asking.remote(question, { deadlineMs: search.deadlineMs, signal, trace })
    return { ranked: rescore([...local, ...sources], search.wanted), coverage, readable: spaces }
  }

  #shelf(space: string | undefined, caller: Caller): Shelf {
    const { journal } = this.#components
    return new Shelf({ journal, library: this.#library }, this.#spaces.target(space).id, caller)
  }

  /** The id of a paper that is in the library. */
  #known(reference: string, spaces: readonly SpaceId[]): string {
    const id = idOfReference(reference) ?? reference.trim()
    const [only] = this.#library.named(spaces, id)
    if (only !== undefined) return only
    throw new ResearchError('ERR_PAPER_UNKNOWN', `no paper here is known as ${JSON.stringify(reference)}`, {
      fix: 'Find papers by words with research.find, or ask the other peers with research.ask.',
    })
  }

  /** As `#known`; a DOI or an arXiv id needs no paper behind it. */
  #named(reference: string, spaces: readonly SpaceId[]): string {
    const id = idOfReference(reference)
    return id === undefined ? this.#known(reference, spaces) : (this.#library.named(spaces, id)[0] ?? id)
  }
}

/** The domain as `createNode` takes it. */
export function research(init: ResearchInit = {}): (components: ResearchComponents) => Research {
  return (components) => new Research(init, components)
}

function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += TEXT_CHUNK_CHARS) yield text.slice(at, at + TEXT_CHUNK_CHARS)
}

function offsetOf(cursor: string | undefined): number {
  const offset = Number(cursor ?? 0)
  if (Number.isInteger(offset) && offset >= 0 && offset < QUERY_HITS_MAX) return offset
  throw new ResearchError('ERR_PAPER_QUERY', `not a cursor of this list: ${JSON.stringify(cursor)}`, {
    fix: 'Pass the cursor of the last answer, or none.',
  })
}
