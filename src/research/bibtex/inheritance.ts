import type { BibtexEntry } from './entry.ts'

/** Entries that others may inherit from, kept until the end of the file: at most this many, and this many characters. */
export const PARENTS_MAX = 50_000
export const PARENTS_MAX_CHARS: number = 32 * 1_048_576
/** Entries that wait for a parent further down the file. On overflow all go on with what is known. */
export const CHILDREN_MAX = 10_000
/** Parents of parents of parents. */
const CHAIN_MAX = 8
/** Containers that one entry may draw from. */
const XDATA_MAX = 16

const PARENT_TYPES = new Set(
  'book bookinbook collection conference inbook incollection inproceedings manual misc mvbook mvcollection mvproceedings mvreference online periodical proceedings reference xdata'.split(
    ' ',
  ),
)
/** What a child never takes from its parent (BibLaTeX manual, appendix B). */
const OWN = new Set(
  'author ids crossref xref xdata entryset entrysubtype execute label options presort related relatedoptions relatedstring relatedtype shorthand shorthandintro sortkey keywords cites doi url eprint title subtitle titleaddon shorttitle sorttitle indextitle indexsorttitle pages'.split(
    ' ',
  ),
)
const PARTS = new Set([
  'inbook',
  'incollection',
  'inproceedings',
  'inreference',
  'bookinbook',
  'suppbook',
  'suppcollection',
  'conference',
])
const BOOK_TITLES = [
  ['title', 'booktitle'],
  ['subtitle', 'booksubtitle'],
  ['titleaddon', 'booktitleaddon'],
] as const
const MAIN_TITLES = [
  ['title', 'maintitle'],
  ['subtitle', 'mainsubtitle'],
] as const
const JOURNAL_TITLES = [
  ['title', 'journaltitle'],
  ['subtitle', 'journalsubtitle'],
] as const

/**
 * Lets entries inherit through `crossref` and `xdata`. Since a parent usually stands below its children, these wait until
 * `release`, which the end of the file calls; the order of all other entries is kept.
 */
export class Inheritance {
  readonly #parents = new Map<string, BibtexEntry>()
  #parentChars = 0
  #waiting: BibtexEntry[] = []

  /** The entries that are ready, this one among them if it needs no parent. */
  add(entry: BibtexEntry): readonly BibtexEntry[] {
    this.#remember(entry)
    if (!entry.fields.has('crossref') && !entry.fields.has('xdata')) return [entry]
    this.#waiting.push(entry)
    return this.#waiting.length > CHILDREN_MAX ? this.release() : []
  }

  /** The waiting entries, with what they inherit. An absent parent leaves its child as it is. */
  release(): readonly BibtexEntry[] {
    const complete = new Map<BibtexEntry, BibtexEntry>()
    const released = this.#waiting.map((entry) => this.#complete(entry, CHAIN_MAX, complete))
    this.#waiting = []
    return released
  }

  #remember(entry: BibtexEntry): void {
    if (!PARENT_TYPES.has(entry.type) || entry.key === '') return
    let chars = 0
    for (const value of entry.fields.values()) chars += value.length
    const key = entry.key.toLowerCase()
    const isFull = this.#parents.size >= PARENTS_MAX || this.#parentChars + chars > PARENTS_MAX_CHARS
    if (isFull || this.#parents.has(key)) return
    this.#parents.set(key, entry)
    this.#parentChars += chars
  }

  /** Every entry is completed once, so that no web of references costs more than its links. */
  #complete(entry: BibtexEntry, chain: number, complete: Map<BibtexEntry, BibtexEntry>): BibtexEntry {
    const known = complete.get(entry)
    if (known !== undefined || chain === 0) return known ?? entry
    // Whoever comes back here on a circle finds the entry as it was written.
    complete.set(entry, entry)
    const fields = new Map(entry.fields)
    for (const key of (entry.fields.get('xdata') ?? '').split(',', XDATA_MAX)) {
      const container = this.#parents.get(key.trim().toLowerCase())
      if (container?.type === 'xdata') inherit(fields, this.#complete(container, chain - 1, complete).fields)
    }
    const parent = this.#parents.get((fields.get('crossref') ?? '').trim().toLowerCase())
    if (parent !== undefined)
      inheritFrom(parent.type, this.#complete(parent, chain - 1, complete).fields, entry.type, fields)
    const completed = { ...entry, fields }
    complete.set(entry, completed)
    return completed
  }
}

function inheritFrom(
  parent: string,
  from: ReadonlyMap<string, string>,
  child: string,
  fields: Map<string, string>,
): void {
  for (const [theirs, ours] of titlesOf(child, parent)) {
    const title = from.get(theirs)
    if (title !== undefined && !fields.has(ours)) fields.set(ours, title)
  }
  if (child === 'inbook') copy(fields, from, 'author')
  inherit(fields, new Map([...from].filter(([name]) => !OWN.has(name))))
}

/** Under which name a child takes over its parent's titles. */
function titlesOf(child: string, parent: string): readonly (readonly [string, string])[] {
  if (parent === 'periodical') return JOURNAL_TITLES
  if (parent.startsWith('mv')) return MAIN_TITLES
  return PARTS.has(child) ? BOOK_TITLES : []
}

function inherit(fields: Map<string, string>, from: ReadonlyMap<string, string>): void {
  for (const name of from.keys()) copy(fields, from, name)
}

function copy(fields: Map<string, string>, from: ReadonlyMap<string, string>, name: string): void {
  const value = from.get(name)
  if (value !== undefined && !fields.has(name)) fields.set(name, value)
}
