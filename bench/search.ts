/** How long a search takes while records come in, beside plain FTS5 with bm25() on the same texts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/index.ts'
import {
  type Database,
  type FullText,
  fullText,
  openDatabase,
  startSearchThread,
  type TextSearchOptions,
  ThreadedSearcher,
} from '../src/store/index.ts'
import { type Benchmark, type Figure, percentile } from './benchmark.ts'
import { Corpus } from './search/corpus.ts'

const DEFAULT_ROWS = 100_000
const BATCH = 1_000
const DEFAULT_RUNS = 200
const WARM_UP = 20
const LIMIT = 20
/** Between two documents that are written while searches run, milliseconds. */
const WRITE_PAUSE_MS = 10
/** Plain bm25() at its slowest takes seconds at a million rows. */
const PLAIN_MAX_RUNS = 20

interface Question {
  readonly text: string
  readonly options?: Partial<TextSearchOptions>
}

type Asker = (corpus: Corpus) => Question

const CLASSES: Readonly<Record<string, Asker>> = {
  'the commonest word': (corpus) => ({ text: corpus.words(1, 0, 1) }),
  'a common word': (corpus) => ({ text: corpus.words(1, 0, 30) }),
  'two common words': (corpus) => ({ text: corpus.words(2, 0, 30) }),
  'five common words': (corpus) => ({ text: corpus.words(5, 0, 50) }),
  'a middling word': (corpus) => ({ text: corpus.words(1, 500, 2_000) }),
  'two middling words': (corpus) => ({ text: corpus.words(2, 500, 2_000) }),
  'a rare word': (corpus) => ({ text: corpus.words(1, 50_000, 200_000) }),
  'a rare and a common word': (corpus) => ({
    text: `${corpus.words(1, 50_000, 200_000)} ${corpus.words(1, 0, 30)}`,
  }),
  'a typo': (corpus) => ({ text: corpus.typo(100, 100_000) }),
  'a typo in a common word': (corpus) => ({ text: corpus.typo(0, 100) }),
  'part of a word': (corpus) => ({ text: corpus.part(4, 0, 5_000) }),
  'three endings': () => ({ text: 'tio ing men' }),
  'twenty words': (corpus) => ({ text: corpus.words(20, 0, 3_000) }),
  'sixty-four words': (corpus) => ({ text: corpus.words(64, 0, 3_000) }),
  'common words in one of ten spaces': (corpus) => ({
    text: corpus.words(2, 0, 30),
    options: { tags: [['space 3']] },
  }),
  'a common word by a rare author': (corpus) => ({
    text: corpus.words(1, 0, 30),
    options: { tags: [['space 3'], ['author rare']] },
  }),
  'no such word': () => ({ text: 'zzzzqqqqxxxx' }),
}

export const benchmark: Benchmark = {
  summary: 'Searches in a thread of their own while one document is written every 10 ms; texts of 1 KiB',
  async run(note, { rows = DEFAULT_ROWS, runs = DEFAULT_RUNS, only }) {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-search-'))
    try {
      return await measure(folder, { note, rows, runs, names: only ?? Object.keys(CLASSES) })
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

interface Plan {
  readonly note: (line: string) => void
  readonly rows: number
  readonly runs: number
  readonly names: readonly string[]
}

async function measure(folder: string, { note, rows, runs, names }: Plan): Promise<readonly Figure[]> {
  const path = join(folder, 'search.db')
  using database = openDatabase({ path })
  await using searcher = new ThreadedSearcher({ startThread: () => startSearchThread(path) }, { clock: systemClock() })
  const index = fullText(database, { name: 'fts_bench', fields: { text: 1 }, searcher })
  const ownPerSecond = fill(rows, (from, to) => putAll(database, index, from, to))
  note(`filled ${rows} documents, ${Math.round(ownPerSecond)} per second`)
  using plain = openPlain(join(folder, 'plain.db'))
  const plainPerSecond = fill(rows, (from, to) => plain.putAll(from, to))
  note(`filled plain FTS5, ${Math.round(plainPerSecond)} per second`)

  const writer = new Writer(database, index, rows)
  const figures: Figure[] = []
  const all: number[] = []
  const aimMs = rows <= 100_000 ? 15 : 50
  for (const name of names) {
    const ask = CLASSES[name]
    if (ask === undefined) continue
    const ms = await timeSearches(index, ask, runs)
    const plainMs = plain.time(ask, Math.min(runs, PLAIN_MAX_RUNS))
    all.push(...ms)
    note(
      `${name}: p50 ${percentile(ms, 0.5).toFixed(2)}, p99 ${percentile(ms, 0.99).toFixed(2)} ms; plain ${plainMs.toFixed(2)}`,
    )
    figures.push(figure(`${name}, p50`, percentile(ms, 0.5), plainMs, undefined))
    figures.push(figure(`${name}, p99`, percentile(ms, 0.99), null, aimMs))
  }
  figures.push(figure('all of them, p99', percentile(all, 0.99), null, aimMs))
  writer.stop()
  figures.push({
    ...rate('documents indexed in batches', ownPerSecond),
    baseline: plainPerSecond,
    ratio: ownPerSecond / plainPerSecond,
  })
  figures.push(figure('a document written meanwhile, p99', percentile(writer.ms, 0.99), null, undefined))
  return figures
}

/** Documents per second. */
function fill(rows: number, putAll: (from: number, to: number) => void): number {
  const start = performance.now()
  for (let from = 0; from < rows; from += BATCH) putAll(from, Math.min(rows, from + BATCH))
  return (rows / (performance.now() - start)) * 1_000
}

/** Every batch has its seed, so that both indexes hold the same texts. */
const corpora = new Map<string, Corpus>()
function corpusOf(name: string): Corpus {
  const corpus = corpora.get(name) ?? new Corpus(7)
  corpora.set(name, corpus)
  return corpus
}

function put(index: FullText, number: number, text: string): void {
  index.put(`id-${number}`, { text }, [`space ${number % 10}`, number % 1_003 === 0 ? 'author rare' : 'author usual'])
}

function putAll(database: Database, index: FullText, from: number, to: number): void {
  const corpus = corpusOf('own')
  database.transaction(() => {
    for (let number = from; number < to; number++) put(index, number, corpus.text())
  })
}

async function timeSearches(index: FullText, ask: Asker, runs: number): Promise<readonly number[]> {
  const corpus = corpusOf('questions')
  const ms: number[] = []
  for (let run = -WARM_UP; run < runs; run++) {
    const { text, options } = ask(corpus)
    const start = performance.now()
    await index.search(text, { limit: LIMIT, ...options })
    if (run >= 0) ms.push(performance.now() - start)
  }
  return ms
}

interface Plain extends Disposable {
  putAll(from: number, to: number): void
  /** Median, milliseconds. */
  time(ask: Asker, runs: number): number
}

/** FTS5 as it comes: its porter tokenizer, its content, its bm25(). It knows neither typos nor parts of words nor tags. */
function openPlain(path: string): Plain {
  const database = openDatabase({ path })
  database.exec(`CREATE VIRTUAL TABLE plain USING fts5(text, tokenize='porter unicode61')`)
  return {
    putAll: (from, to) => {
      const corpus = corpusOf('plain')
      database.transaction(() => {
        const insert = database.prepare('INSERT INTO plain (rowid, text) VALUES (?, ?)')
        for (let number = from; number < to; number++) insert.run(number + 1, corpus.text())
      })
    },
    time: (ask, runs) => {
      const corpus = corpusOf('plain questions')
      const select = database.prepare(
        `SELECT rowid, bm25(plain) AS score FROM plain WHERE plain MATCH ? ORDER BY score LIMIT ${LIMIT}`,
      )
      const ms = Array.from({ length: runs }, () => {
        const words = ask(corpus).text.split(' ')
        const start = performance.now()
        select.all(words.map((word) => `"${word}"`).join(' OR '))
        return performance.now() - start
      })
      return percentile(ms, 0.5)
    },
    [Symbol.dispose]: () => database.close(),
  }
}

/** Writes a document of its own every few milliseconds, each on disk before the next. */
class Writer {
  readonly ms: number[] = []
  readonly #timer: NodeJS.Timeout

  constructor(database: Database, index: FullText, from: number) {
    const corpus = corpusOf('writer')
    let number = from
    this.#timer = setInterval(() => {
      const start = performance.now()
      database.transaction(() => put(index, number++, corpus.text()))
      this.ms.push(performance.now() - start)
    }, WRITE_PAUSE_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

function figure(name: string, value: number, baseline: number | null, aimMs: number | undefined): Figure {
  return {
    name,
    value,
    unit: 'ms',
    baseline,
    ratio: baseline === null ? null : value / baseline,
    aim: aimMs === undefined ? null : `${aimMs} ms`,
    met: aimMs === undefined ? null : value <= aimMs,
  }
}

function rate(name: string, value: number): Figure {
  return { name, value, unit: '1/s', baseline: null, ratio: null, aim: null, met: null }
}
