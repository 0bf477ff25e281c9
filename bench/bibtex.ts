/** How fast bibliographies are read, and how fast what was read comes to rest in a library on disk and is found there again. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type PeerId, seededRandom, silentLogger, systemClock, systemRandom } from '../src/base/index.ts'
import type { Bus } from '../src/bus/index.ts'
import { identityFromSeeds, verifier } from '../src/identity/index.ts'
import { createJournal, endOfTurn, recordsSchema } from '../src/records/index.ts'
import { BibtexReader, Inheritance, paperOfEntry, Research } from '../src/research/index.ts'
import { createSpaces, spaceSchema } from '../src/space/index.ts'
import { openDatabase } from '../src/store/index.ts'
import { type Benchmark, type Figure, median, rate } from './benchmark.ts'

const ROUNDS = 7
const QUERIES = 300
const CHUNK_CHARS = 65_536
const DECODE_AIM_PER_S = 15_000
const ENTRIES = 6_315
/** A real bibliography that may lie beside the project; otherwise one of the same size is made up. */
const REAL = new URL('../../shared/data/bib/cdl.bib.gz', import.meta.url)

export const benchmark: Benchmark = {
  summary: `${ENTRIES} entries (${existsSync(REAL) ? 'a real bibliography' : 'made up: no real bibliography at hand'}); medians of ${ROUNDS} rounds`,
  async run(note) {
    const text = existsSync(REAL) ? gunzipSync(readFileSync(REAL)).toString('utf8') : madeUp()
    const rounds: { readonly scan: number; readonly decode: number }[] = []
    for (let n = 0; n < ROUNDS; n++) {
      const round = { scan: await rate(ENTRIES, () => scan(text)), decode: await rate(ENTRIES, () => decode(text)) }
      rounds.push(round)
      note(
        `round ${n + 1} of ${ROUNDS}: ${Math.round(round.scan)} entries/s scanned, ${Math.round(round.decode)} decoded`,
      )
    }
    const scanned = median(rounds.map((round) => round.scan))
    const decoded = median(rounds.map((round) => round.decode))
    const ratio = median(rounds.map((round) => round.decode / round.scan))
    return [
      figure('scanned', scanned, 'entries/s'),
      {
        ...figure('scanned and decoded', decoded, 'entries/s'),
        baseline: scanned,
        ratio,
        aim: `at least ${DECODE_AIM_PER_S} entries/s`,
        met: decoded >= DECODE_AIM_PER_S,
      },
      ...(await library(text)),
    ]
  },
}

function scan(text: string): void {
  const reader = new BibtexReader()
  for (let at = 0; at < text.length; at += CHUNK_CHARS) reader.push(text.slice(at, at + CHUNK_CHARS))
  reader.end()
}

function decode(text: string): void {
  const reader = new BibtexReader()
  const inheritance = new Inheritance()
  const take = (items: ReturnType<BibtexReader['push']>): void => {
    for (const item of items) if (item.kind === 'entry') inheritance.add(item.entry).forEach(paperOfEntry)
  }
  for (let at = 0; at < text.length; at += CHUNK_CHARS) take(reader.push(text.slice(at, at + CHUNK_CHARS)))
  take(reader.end())
  inheritance.release().forEach(paperOfEntry)
}

/** Import into a store on disk: signed, folded, indexed; then queries for words of titles that are there. */
async function library(text: string): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-bench-'))
  // Timers of the clock do not keep a process alive.
  const alive = setInterval(() => undefined, 1_000)
  try {
    using database = openDatabase({ path: join(folder, 'plexus.db'), schemas: [recordsSchema, spaceSchema] })
    const research = await openLibrary(database)
    const context = {
      caller: { kind: 'person', client: 'bench' } as const,
      signal: new AbortController().signal,
      progress: () => undefined,
    }
    const first = await rate(ENTRIES, async () => void (await research.import({ text }, context)))
    const again = await rate(ENTRIES, async () => void (await research.import({ text }, context)))
    const titles = (await research.find({ limit: 100 }, context.signal)).results.map((paper) => paper.title)
    const times: number[] = []
    for (let n = 0; n < QUERIES; n++) {
      const words = (titles[n % titles.length] ?? '').split(/\W+/).filter((word) => word.length > 3)
      const started = performance.now()
      await research.find({ query: words.slice(0, 1 + (n % 4)).join(' ') }, context.signal)
      times.push(performance.now() - started)
    }
    times.sort((a, b) => a - b)
    return [
      figure('imported to disk', first, 'entries/s'),
      figure('imported again', again, 'entries/s'),
      figure('find, median', times[Math.floor(QUERIES / 2)] ?? Number.NaN, 'ms'),
      figure('find, p99', times[Math.floor(QUERIES * 0.99)] ?? Number.NaN, 'ms'),
    ]
  } finally {
    clearInterval(alive)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function openLibrary(database: ReturnType<typeof openDatabase>): Promise<Research> {
  const [clock, random, log, signatures] = [systemClock(), systemRandom(), silentLogger(), verifier()]
  const seeds = { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) }
  const identity = identityFromSeeds(seeds, { name: 'bench' })
  const spaces = createSpaces({ name: 'bench' })({ identity, verifier: signatures, database, clock, random, log })
  const components = {
    database,
    signer: identity.device,
    verifier: signatures,
    authority: spaces,
    cipher: spaces.cipher,
    clock,
    random,
    log,
  }
  const journal = createJournal({ endOfTurn })(components)
  spaces.attach(journal)
  const research = new Research({}, { journal, spaces, clock, log, bus: alone(identity.device.peer) })
  for (const view of research.views) journal.register(view)
  spaces.load()
  await spaces.create({ name: 'bench', personal: true })
  return research
}

/** A library on its own never asks anybody. */
function alone(self: PeerId): Bus {
  return { self } as Bus
}

function madeUp(): string {
  const random = seededRandom(1)
  const pick = (words: readonly string[]): string => words[Math.floor(random.unit() * words.length)] ?? ''
  const stems =
    'memory consensus gossip learning brain network signal event neural peer log clock model space order'.split(' ')
  const people =
    String.raw`L Lamport,J {van de Pol},N V{\'e}lez,{\"O} Aks{\i}n,G Steele,M Curie,B Liskov,E Dijkstra`.split(',')
  const title = (): string =>
    Array.from({ length: 9 }, () => `${pick(stems)} ${pick(['of', 'in', '{STEM}', 'and', '--'])}`).join(' ')
  return Array.from({ length: ENTRIES }, (_, n) => {
    const authors = Array.from({ length: 1 + (n % 8) }, () => pick(people)).join(' and ')
    const more = `\tPages = {${n}--${n + 9}},\n\tVolume = {${n % 90}},\n\tYear = {${1950 + (n % 75)}}`
    return `@article{key${n},\n\tAuthor = {${authors}},\n\tJournal = {J. of {M}ade Up Results},\n\tTitle = {${title()} ${n}},\n${more}}\n`
  }).join('\n')
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value, unit, baseline: null, ratio: null, aim: null, met: null }
}
