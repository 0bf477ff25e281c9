import { type Clock, delay, type OperationContext } from '../base/index.ts'
import type { Draft } from '../records/index.ts'
import type { BibtexEntry } from './bibtex/entry.ts'
import { Inheritance } from './bibtex/inheritance.ts'
import { decodeVerbatim } from './bibtex/latex.ts'
import { paperOfEntry } from './bibtex/paper-of-entry.ts'
import { type BibtexItem, type BibtexProblem, BibtexReader } from './bibtex/reader.ts'
import { readFields, sameValue } from './paper-fields.ts'
import { idOfReference, paperIdOf } from './paper-id.ts'
import type { Entry, Shelf } from './shelving.ts'

/** Papers per batch: one commit, and one turn of the event loop for everybody else. */
const BATCH_SIZE = 256
/** Citations looked at in one turn of the event loop. */
const CITES_PER_TURN = 2_000
/** Problems that are reported one by one; the last one then counts the rest. */
export const PROBLEMS_MAX = 1_000
/** Citation keys that are remembered for `cites` and for telling of duplicates. */
const KEYS_MAX = 1_000_000
/** Citations between entries of one file. */
const CITES_MAX = 2_000_000
/** Entries that hold something for others to use and are no papers. */
const NO_PAPERS = new Set(['xdata', 'set'])

export interface ImportReport {
  /** Entries that could be read. */
  readonly read: number
  /** Papers that were not in the space before. */
  readonly added: number
  /** Entries of papers that were. */
  readonly merged: number
  /** What is not in the library now, and why. */
  readonly rejected: readonly BibtexProblem[]
  /** Citations that were not in the space before. */
  readonly citations: number
  /** What is in the library and still worth a look. */
  readonly warnings: readonly BibtexProblem[]
}

interface PendingCites {
  readonly line: number
  readonly citing: string
  readonly keys: readonly string[]
}

/**
 * Reads a bibliography piece by piece into a shelf. Chunks may be of any size. What was written when `signal` aborts stays;
 * importing the same file again goes on from there and adds nothing twice.
 */
export async function importBibtex(
  chunks: AsyncIterable<string> | Iterable<string>,
  components: { readonly shelf: Shelf; readonly clock: Clock },
  context: Pick<OperationContext, 'signal' | 'progress'>,
): Promise<ImportReport> {
  const run = new ImportRun(components.shelf, components.clock, context)
  const reader = new BibtexReader()
  for await (const chunk of chunks) await run.take(reader.push(chunk))
  await run.take(reader.end())
  return run.finish()
}

class ImportRun {
  readonly #shelf: Shelf
  readonly #clock: Clock
  readonly #context: Pick<OperationContext, 'signal' | 'progress'>
  readonly #inheritance = new Inheritance()
  readonly #rejected = new Problems()
  readonly #warnings = new Problems()
  /** Citation keys of the file, in lower case as BibTeX compares them. */
  readonly #keys = new Map<string, { readonly line: number; readonly id: string | undefined }>()
  readonly #cites: PendingCites[] = []
  readonly #counts = { read: 0, added: 0, merged: 0, citations: 0, cites: 0 }
  #batch = new Map<string, Entry & { readonly line: number }>()

  constructor(shelf: Shelf, clock: Clock, context: Pick<OperationContext, 'signal' | 'progress'>) {
    this.#shelf = shelf
    this.#clock = clock
    this.#context = context
  }

  async take(items: readonly BibtexItem[]): Promise<void> {
    for (const item of items) {
      if (item.kind === 'rejected') this.#rejected.add(item.problem)
      else for (const entry of this.#inheritance.add(item.entry)) await this.#takeEntry(entry)
    }
  }

  async finish(): Promise<ImportReport> {
    for (const entry of this.#inheritance.release()) await this.#takeEntry(entry)
    await this.#flush()
    await this.#writeCitations()
    const { read, added, merged, citations } = this.#counts
    return { read, added, merged, rejected: this.#rejected.list(), citations, warnings: this.#warnings.list() }
  }

  async #takeEntry(entry: BibtexEntry): Promise<void> {
    this.#counts.read++
    const { line } = entry
    const fields = readFields(paperOfEntry(entry))
    const id = NO_PAPERS.has(entry.type) ? undefined : paperIdOf(fields)
    this.#remember(entry, id)
    if (id === undefined) {
      const isPaper = !NO_PAPERS.has(entry.type)
      this.#rejected.add({
        line,
        reason: isPaper ? 'neither a title nor a DOI nor an arXiv id' : `@${entry.type} is not a paper`,
      })
      return
    }
    this.#noteCites(entry, id)
    const twin = this.#batch.get(id)
    if (twin !== undefined && sameValue(twin.fields, fields)) {
      this.#counts.merged++
      return
    }
    // A second entry of a paper must see what the first has written.
    if (twin !== undefined) await this.#flush()
    this.#batch.set(id, { id, fields, line })
    if (this.#batch.size >= BATCH_SIZE) await this.#flush()
  }

  #remember({ key, line }: BibtexEntry, id: string | undefined): void {
    if (key === '' || this.#keys.size >= KEYS_MAX) return
    const lower = key.toLowerCase()
    const known = this.#keys.get(lower)
    if (known === undefined) this.#keys.set(lower, { line, id })
    else this.#warnings.add({ line, reason: `the key ${quoted(key)} is also that of line ${known.line}` })
  }

  #noteCites({ fields, line }: BibtexEntry, citing: string): void {
    const keys = (fields.get('cites') ?? '').split(/[\s,{}]+/).filter((key) => key !== '')
    if (keys.length === 0) return
    if (this.#counts.cites + keys.length > CITES_MAX) {
      this.#warnings.add({ line, reason: `more than ${CITES_MAX} citations in one file` })
      return
    }
    this.#counts.cites += keys.length
    this.#cites.push({ line, citing, keys })
  }

  async #flush(): Promise<void> {
    const drafts: Draft[] = []
    for (const entry of this.#batch.values()) {
      const shelving = this.#shelf.prepare(entry, 'import')
      if (shelving.drafts === undefined) {
        this.#rejected.add({ line: entry.line, reason: 'a field is too long for a record' })
        continue
      }
      drafts.push(...shelving.drafts)
      if (shelving.isNew) this.#counts.added++
      else this.#counts.merged++
    }
    this.#batch = new Map()
    await this.#write(drafts)
  }

  async #writeCitations(): Promise<void> {
    let drafts: Draft[] = []
    let looked = 0
    for (const { line, citing, keys } of this.#cites) {
      const cites = keys.flatMap((key) => {
        const cited = this.#keys.get(key.toLowerCase())?.id ?? idOfReference(decodeVerbatim(key))
        if (cited !== undefined) return [{ cited, intent: 'cites' as const }]
        this.#warnings.add({
          line,
          reason: `cites ${quoted(key)}, which is no key of this file and no DOI or arXiv id`,
        })
        return []
      })
      const prepared = this.#shelf.prepareCitations({ citing, cites })
      this.#counts.citations += prepared.added
      drafts.push(...prepared.drafts)
      looked += keys.length
      if (looked < CITES_PER_TURN) continue
      await this.#write(drafts)
      drafts = []
      looked = 0
    }
    await this.#write(drafts)
  }

  async #write(drafts: readonly Draft[]): Promise<void> {
    const { signal, progress } = this.#context
    signal.throwIfAborted()
    await this.#shelf.write(drafts)
    const { read, added, merged } = this.#counts
    progress({ done: read, message: `${read} entries read, ${added} papers added, ${merged} known before` })
    await delay(this.#clock, 0, signal)
  }
}

function quoted(key: string): string {
  return JSON.stringify(key.slice(0, 80))
}

class Problems {
  readonly #problems: BibtexProblem[] = []
  #more = 0

  add(problem: BibtexProblem): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem)
    else this.#more++
  }

  /** In the order of the file. */
  list(): readonly BibtexProblem[] {
    const sorted = this.#problems.toSorted((a, b) => a.line - b.line)
    const last = sorted.at(-1)
    return this.#more === 0 || last === undefined
      ? sorted
      : [...sorted, { line: last.line, reason: `and ${this.#more} more` }]
  }
}
