/** How fast records come to rest on disk, beside what SQLite and node:crypto do alone with the same bytes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpaceId } from '../src/base/index.ts'
import { type BodyCipher, type Draft, decodeFrames, type Journal, LOG_CLASS, type View } from '../src/records/index.ts'
import { type Benchmark, type Figure, median, rate } from './benchmark.ts'
import { BareLoops } from './records/bare-loops.ts'
import { oneKey } from './records/one-key.ts'
import { openJournal, ROW_VIEW } from './records/open-journal.ts'
import { BATCH, KIND, makeSample, RECORDS, type Sample, TEXT } from './records/sample.ts'

const ROUNDS = 5
/** Records written one after the other, each with a flush of the disk. */
const SINGLES = 400
const CONCURRENT = 1_000
const LIVE_AIM = 0.8
const CATCH_UP_AIM = 0.7
const CATCH_UP_AIM_PER_S = 25_000

/** All rates of one round, records per second. */
interface Round {
  readonly verify: number
  readonly sign: number
  readonly decodeAndHash: number
  readonly insert: number
  readonly insertSingly: number
  readonly live: number
  readonly catchUp: number
  readonly catchUpWithView: number
  readonly catchUpEncrypted: number
  readonly append: number
  readonly appendEncrypted: number
  readonly seal: number
  readonly unseal: number
  readonly appendSingly: number
}

export const benchmark: Benchmark = {
  summary: `${RECORDS} records with bodies of 1 KiB, batches of ${BATCH}; medians of ${ROUNDS} rounds, ratios of the same round`,
  async run(note) {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-bench-'))
    try {
      const sample = makeSample()
      const sealed = makeSample(oneKey())
      const rounds: Round[] = []
      for (let n = 0; n < ROUNDS; n++) {
        const round = await measure({ sample, sealed }, join(folder, `${n}`))
        rounds.push(round)
        note(`round ${n + 1} of ${ROUNDS}: ${rounded(round)}`)
      }
      return figuresOf(rounds)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

/** What was measured together is compared together: machines with other work to do change from one second to the next. */
async function measure(
  { sample, sealed }: { readonly sample: Sample; readonly sealed: Sample },
  path: string,
): Promise<Round> {
  const bare = new BareLoops(path, sample.records)
  const insert = await bare.insert(RECORDS, BATCH)
  const catchUp = await ingest(`${path}-run.db`, sample, 'run')
  const verify = await bare.verify()
  const live = await ingest(`${path}-live.db`, sample, 'single')
  const sign = await bare.sign()
  const append = await appendConcurrently(`${path}-append.db`)
  const insertSingly = await bare.insert(SINGLES, 1)
  const appendSingly = await appendOneByOne(`${path}-singly.db`)
  const decodeAndHash = await bare.decodeAndHash(sample.runs)
  const catchUpWithView = await ingest(`${path}-view.db`, sample, 'run', ROW_VIEW)
  const catchUpEncrypted = await ingest(`${path}-sealed.db`, sealed, 'run', ROW_VIEW, oneKey())
  const appendEncrypted = await appendConcurrently(`${path}-append-sealed.db`, oneKey())
  const { seal, unseal } = await sealAndOpen()
  return {
    seal,
    unseal,
    catchUpEncrypted,
    appendEncrypted,
    verify,
    sign,
    decodeAndHash,
    insert,
    insertSingly,
    live,
    catchUp,
    catchUpWithView,
    append,
    appendSingly,
  }
}

/** From the bytes of a batch to the disk. */
async function ingest(
  path: string,
  sample: Sample,
  mode: 'single' | 'run',
  view?: View,
  cipher?: BodyCipher,
): Promise<number> {
  const { journal, close } = openJournal(path, view, cipher)
  journal.ingest(sample.space, [sample.genesis], 'single')
  const result = await rate(RECORDS, () => {
    for (const bytes of mode === 'run' ? sample.runs : sample.live)
      journal.ingest(sample.space, decodeFrames(bytes), mode)
  })
  if (journal.figures().ingested !== RECORDS + 1) throw new Error('not all records were stored')
  close()
  return result
}

/** One body after the other, under the key of one log. */
async function sealAndOpen(): Promise<{ readonly seal: number; readonly unseal: number }> {
  const cipher = oneKey()
  const plain = new Uint8Array(1_024)
  const place = { space: '00'.repeat(32) as SpaceId, device: plain.subarray(0, 32), log: plain.subarray(0, 8), seq: 1 }
  const bodies: Uint8Array[] = []
  const seal = await rate(RECORDS, () => {
    for (let n = 0; n < RECORDS; n++) bodies.push(cipher.seal(place, plain)?.body ?? plain)
  })
  const unseal = await rate(RECORDS, () => {
    for (const body of bodies) if (cipher.open(place, 1, body) === undefined) throw new Error('a body does not open')
  })
  return { seal, unseal }
}

async function appendConcurrently(path: string, cipher?: BodyCipher): Promise<number> {
  const { journal, close } = openJournal(path, undefined, cipher)
  const draft = await draftIn(journal)
  const result = await rate(RECORDS, async () => {
    for (let done = 0; done < RECORDS; done += CONCURRENT) {
      await Promise.all(Array.from({ length: CONCURRENT }, () => journal.append(draft)))
    }
  })
  close()
  return result
}

async function appendOneByOne(path: string): Promise<number> {
  const { journal, close } = openJournal(path)
  const draft = await draftIn(journal)
  const result = await rate(SINGLES, async () => {
    for (let done = 0; done < SINGLES; done++) await journal.append(draft)
  })
  close()
  return result
}

async function draftIn(journal: Journal): Promise<Draft> {
  const { space } = await journal.found({ name: 'bench' })
  return { space, class: LOG_CLASS.durable, kind: KIND, body: { text: TEXT } }
}

/** The rate of doing one after the other. */
function inSequence(a: number, b: number): number {
  return 1 / (1 / a + 1 / b)
}

function figuresOf(rounds: readonly Round[]): readonly Figure[] {
  const figure = (name: string, value: (round: Round) => number, baseline?: (round: Round) => number): Figure => ({
    name,
    value: median(rounds.map(value)),
    unit: 'records/s',
    baseline: baseline === undefined ? null : median(rounds.map(baseline)),
    ratio: baseline === undefined ? null : median(rounds.map((round) => value(round) / baseline(round))),
    aim: null,
    met: null,
  })
  const live = figure(
    'ingest live',
    (round) => round.live,
    (round) => inSequence(round.verify, round.insert),
  )
  const catchUp = figure(
    'ingest catch-up',
    (round) => round.catchUp,
    (round) => round.insert,
  )
  const isFast = catchUp.value >= CATCH_UP_AIM_PER_S || (catchUp.ratio ?? 0) >= CATCH_UP_AIM
  return [
    { ...live, aim: `${LIVE_AIM} of bare verify, then insert`, met: (live.ratio ?? 0) >= LIVE_AIM },
    { ...catchUp, aim: `${CATCH_UP_AIM_PER_S} or ${CATCH_UP_AIM} of bare insert`, met: isFast },
    figure(
      'ingest catch-up with a view',
      (round) => round.catchUpWithView,
      (round) => round.insert,
    ),
    figure(
      'append one by one',
      (round) => round.appendSingly,
      (round) => round.insertSingly,
    ),
    figure(
      `append ${CONCURRENT} at once`,
      (round) => round.append,
      (round) => inSequence(round.sign, round.insert),
    ),
    figure(
      'ingest catch-up with a view, encrypted',
      (round) => round.catchUpEncrypted,
      (round) => round.catchUpWithView,
    ),
    figure(
      `append ${CONCURRENT} at once, encrypted`,
      (round) => round.appendEncrypted,
      (round) => round.append,
    ),
    figure('seal a body of 1 KiB', (round) => round.seal),
    figure('open a body of 1 KiB', (round) => round.unseal),
    figure('bare insert, in batches', (round) => round.insert),
    figure('bare insert, one by one', (round) => round.insertSingly),
    figure('bare verify', (round) => round.verify),
    figure('bare sign', (round) => round.sign),
    figure('decode and hash', (round) => round.decodeAndHash),
  ]
}

function rounded(round: Round): string {
  return Object.entries(round)
    .map(([name, value]) => `${name} ${Math.round(value)}`)
    .join(', ')
}
