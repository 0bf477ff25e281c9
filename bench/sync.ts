/** Catch-up between two processes over TLS, beside what one of them takes in from memory; what one missing record costs; how soon a record is seen. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark, type Figure, median } from './benchmark.ts'
import { Remote } from './remote.ts'
import { CountingProxy } from './sync/counting-proxy.ts'
import type { SyncSide } from './sync/side.ts'

const PROCESS = new URL('./sync/process.ts', import.meta.url)
const RECORDS = 100_000
const FEW_LOGS = 20
const LATENCIES = 1_000
const EVERY_MS = 5
const RATE_AIM = 20_000
const RATIO_AIM = 0.7
const BYTES_AIM = 4_096
const P50_AIM_MS = 5
const P99_AIM_MS = 30

interface Pair {
  readonly founder: Remote<SyncSide>
  readonly guest: Remote<SyncSide>
  readonly ticket: string
}

interface Shape {
  readonly name: string
  readonly logs: number
}

const SHAPES: Readonly<Record<string, Shape>> = {
  few: { name: `${FEW_LOGS} logs`, logs: FEW_LOGS },
  many: { name: `${RECORDS.toLocaleString('en-US')} logs`, logs: RECORDS },
}

export const benchmark: Benchmark = {
  summary: `Two processes, ${RECORDS} records with bodies of 1 KiB, TLS on loopback`,
  async run(note, { only = Object.keys(SHAPES), runs = 3, profileFolder }) {
    const figures: Figure[] = []
    for (const [part, shape] of Object.entries(SHAPES)) {
      if (!only.includes(part)) continue
      const folder = mkdtempSync(join(tmpdir(), 'plexus-bench-sync-'))
      try {
        await using stack = new AsyncDisposableStack()
        figures.push(...(await measure({ stack, folder, shape, runs, profileFolder, note })))
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
    return figures
  },
}

interface Run {
  readonly stack: AsyncDisposableStack
  readonly folder: string
  readonly shape: Shape
  readonly runs: number
  readonly profileFolder: string | undefined
  readonly note: (line: string) => void
}

async function measure({ stack, folder, shape, runs, profileFolder, note }: Run): Promise<readonly Figure[]> {
  const open = async (name: string): Promise<Remote<SyncSide>> => {
    const side = stack.use(new Remote<SyncSide>(PROCESS, profileFolder))
    await side.call('start', folder, name)
    return side
  }
  const founder = await open('founder')
  await founder.call('found', shape.logs, RECORDS / shape.logs)
  note(`${shape.name}: founded`)
  const rates: { readonly rate: number; readonly ceiling: number }[] = []
  let pair: Pair | undefined
  for (let n = 1; n <= runs; n++) {
    const guest = await open(`guest-${n}`)
    const ticket = await founder.call('ticket')
    const caughtUp = await guest.call('join', ticket, RECORDS)
    const ceiling = await guest.call('ceiling')
    const [rate, most] = [caughtUp.records / caughtUp.seconds, ceiling.records / ceiling.seconds]
    rates.push({ rate, ceiling: most })
    note(`${shape.name}: ${Math.round(rate)} records/s, from memory ${Math.round(most)}`)
    if (n < runs) await guest[Symbol.asyncDispose]()
    else pair = { founder, guest, ticket }
  }
  return pair === undefined ? [] : [rateFigure(shape, rates), ...(await linked(shape, pair, note))]
}

/** What is measured between two that hold the same. */
async function linked(shape: Shape, pair: Pair, note: (line: string) => void): Promise<readonly Figure[]> {
  const { founder, guest, ticket } = pair
  const latencies = shape.logs === FEW_LOGS ? await latency(pair) : []
  await using proxy = await CountingProxy.start(await founder.call('port'))
  await guest.call('relink', ticket, proxy.port)
  const figures: Figure[] = []
  for (const way of ['by the cursor', 'no cursor']) {
    const bytes = await missingOne(pair, proxy, way === 'no cursor')
    note(`${shape.name}, ${way}: ${bytes} bytes`)
    figures.push(bytesFigure(`one record missing, ${shape.name}, ${way}`, bytes))
  }
  return [...figures, ...latencies]
}

/** Every byte on the wire, heartbeats too, from the moment when sync runs again at both, of whom one has a record more, until all is quiet. */
async function missingOne({ founder, guest }: Pair, proxy: CountingProxy, forget: boolean): Promise<number> {
  for (const side of [founder, guest]) await side.call('pause')
  await founder.call('writeOne')
  if (forget) for (const side of [founder, guest]) await side.call('forgetCursor')
  const before = proxy.bytes
  const arrived = guest.call('awaitRecord')
  // The one with the lower id begins: by then the other must be there to answer.
  const isGuestLast = (await guest.call('id')) < (await founder.call('id'))
  for (const side of isGuestLast ? [founder, guest] : [guest, founder]) await side.call('resume')
  await arrived
  return proxy.bytes - before
}

async function latency({ founder, guest }: Pair): Promise<readonly Figure[]> {
  const heard = guest.call('hear', LATENCIES)
  await founder.call('write', LATENCIES, EVERY_MS)
  const times = (await heard).toSorted((a, b) => a - b)
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN
  const figure = (name: string, value: number, aim: number): Figure => ({
    name: `append to visible, ${name}`,
    value,
    unit: 'ms',
    baseline: null,
    ratio: null,
    aim: `<= ${aim} ms`,
    met: value <= aim,
  })
  return [figure('p50', at(0.5), P50_AIM_MS), figure('p99', at(0.99), P99_AIM_MS)]
}

function rateFigure(shape: Shape, rates: readonly { readonly rate: number; readonly ceiling: number }[]): Figure {
  const value = median(rates.map(({ rate }) => rate))
  const ratio = median(rates.map(({ rate, ceiling }) => rate / ceiling))
  return {
    name: `catch-up, ${shape.name}`,
    value,
    unit: 'records/s',
    baseline: median(rates.map(({ ceiling }) => ceiling)),
    ratio,
    aim: `${RATE_AIM} or ${RATIO_AIM} of ingest from memory`,
    met: value >= RATE_AIM || ratio >= RATIO_AIM,
  }
}

function bytesFigure(name: string, value: number): Figure {
  return { name, value, unit: 'bytes', baseline: null, ratio: null, aim: `<= ${BYTES_AIM}`, met: value <= BYTES_AIM }
}
