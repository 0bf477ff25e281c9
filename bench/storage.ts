/** What a store of a million records does beside one of ten thousand: start, append, read. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Draft, LOG_CLASS } from '../src/records/index.ts'
import { type Benchmark, type Figure, median, rate } from './benchmark.ts'
import { type OpenJournal, openJournal, ROW_VIEW } from './records/open-journal.ts'
import { KIND, TEXT } from './records/sample.ts'
import { type BigStore, fillStore } from './storage/big-store.ts'

const DEFAULT_ROWS = 1_000_000
const SMALL_ROWS = 10_000
const DEFAULT_RUNS = 7
const SINGLES = 100
const GROUP = 1_000
const RANGES = 40
const RANGE = 200
const GETS = 2_000
const START_AIM_MS = 2_000
const SLOWER_AIM = 1.5

interface Round {
  readonly single: number
  readonly group: number
  readonly range: number
  readonly get: number
}

interface Start {
  readonly ms: number
  readonly rssBytes: number
}

interface Side extends OpenJournal {
  readonly store: BigStore
  readonly draft: Draft
  readonly rounds: Round[]
}

export const benchmark: Benchmark = {
  summary: 'A store of 1 KiB records in 100 logs, with a view of a row each, beside one of 10,000',
  async run(note, { rows = DEFAULT_ROWS, runs = DEFAULT_RUNS }) {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-storage-'))
    try {
      return await measure(folder, { note, rows, runs })
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

interface Plan {
  readonly note: (line: string) => void
  readonly rows: number
  readonly runs: number
}

async function measure(folder: string, { note, rows, runs }: Plan): Promise<readonly Figure[]> {
  const [smallPath, largePath] = [join(folder, 'small.db'), join(folder, 'large.db')]
  const smallStore = fillStore(smallPath, SMALL_ROWS, note)
  const largeStore = fillStore(largePath, rows, note)
  const bytes = statSync(largePath).size
  const [smallStart, largeStart] = [startOf(smallPath), startOf(largePath)]
  const small = await openSide(smallPath, smallStore)
  const large = await openSide(largePath, largeStore)
  for (let run = 0; run <= runs; run++) {
    // Side by side: machines with other work to do change from one second to the next. The first round warms up.
    for (const side of [small, large]) {
      const round = await roundOf(side)
      if (run > 0) side.rounds.push(round)
      note(
        `${side === small ? 'small' : 'large'} ${JSON.stringify(round, (_, value) => (typeof value === 'number' ? Math.round(value) : value))}`,
      )
    }
  }
  small.close()
  large.close()
  const compared = (name: string, unit: string, pick: (round: Round) => number): Figure => {
    const ratios = large.rounds.map((round, index) => pick(small.rounds[index] ?? round) / pick(round))
    const ratio = median(ratios)
    return {
      name: `${name}, per second`,
      value: median(large.rounds.map(pick)),
      unit,
      baseline: median(small.rounds.map(pick)),
      ratio: 1 / ratio,
      aim: `at least 1 / ${SLOWER_AIM}`,
      met: ratio <= SLOWER_AIM,
    }
  }
  return [
    {
      ...plain('start', largeStart.ms, 'ms'),
      baseline: smallStart.ms,
      ratio: largeStart.ms / smallStart.ms,
      aim: `${START_AIM_MS} ms`,
      met: largeStart.ms < START_AIM_MS,
    },
    compared('append one by one', 'records/s', ({ single }) => single),
    compared(`append ${GROUP} at once`, 'records/s', ({ group }) => group),
    compared(`read ranges of ${RANGE}`, 'records/s', ({ range }) => range),
    { ...compared('get by id', 'records/s', ({ get }) => get), aim: null, met: null },
    {
      ...plain('memory after the start', largeStart.rssBytes, 'bytes'),
      baseline: smallStart.rssBytes,
      ratio: largeStart.rssBytes / smallStart.rssBytes,
    },
    plain('file, per record', bytes / rows, 'bytes'),
  ]
}

/** In a process of its own. */
function startOf(path: string): Start {
  const script = join(import.meta.dirname, 'storage', 'start.ts')
  return JSON.parse(execFileSync(process.execPath, [script, path], { encoding: 'utf8' })) as Start
}

async function openSide(path: string, store: BigStore): Promise<Side> {
  const { journal, close } = openJournal(path, ROW_VIEW)
  const draft = { space: store.space, class: LOG_CLASS.durable, kind: KIND, body: { text: TEXT } }
  return { journal, close, store, draft, rounds: [] }
}

async function roundOf({ journal, store, draft }: Side): Promise<Round> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T
  const group = await rate(GROUP, async () => {
    await Promise.all(Array.from({ length: GROUP }, () => journal.append(draft)))
  })
  const single = await rate(SINGLES, async () => {
    for (let done = 0; done < SINGLES; done++) await journal.append(draft)
  })
  let read = 0
  const start = performance.now()
  for (let done = 0; done < RANGES; done++) {
    const { author, log, seq } = pick(store.logs)
    const from = 1 + Math.floor(Math.random() * Math.max(1, seq - RANGE))
    read += journal.frames(store.space, author, log, from, from + RANGE - 1).length
  }
  const range = (read * 1_000) / (performance.now() - start)
  const get = await rate(GETS, () => {
    for (let done = 0; done < GETS; done++) {
      if (journal.record(pick(store.ids)) === undefined) throw new Error('a record is missing')
    }
  })
  return { single, group, range, get }
}

function plain(name: string, value: number, unit: string): Figure {
  return { name, value, unit, baseline: null, ratio: null, aim: null, met: null }
}
