import type { Benchmark, Figure } from './benchmark.ts'
import { critical } from './bus/critical.ts'
import { crowd } from './bus/crowd.ts'
import { idle } from './bus/idle.ts'
import { fanOut, publish } from './bus/publishing.ts'
import { requests } from './bus/requests.ts'
import { Rounds } from './bus/rounds.ts'
import type { Section, SectionOptions } from './bus/section.ts'

const SECTIONS: readonly Section[] = [requests, publish, fanOut, critical, idle, crowd]
const NAMES: readonly string[] = SECTIONS.map(({ name }) => name)
const RUNS = 5

export const benchmark: Benchmark = {
  summary: 'The bus between processes on loopback, each row beside what it is measured against in the same run.',
  run: async (note, options) => {
    const { only = NAMES, runs = RUNS, profileFolder } = options
    if (only.some((name) => !NAMES.includes(name))) throw new Error(`--only takes ${NAMES.join(', ')}`)
    const figures: Figure[] = []
    for (const section of SECTIONS) {
      if (only.includes(section.name)) figures.push(...(await measured(section, { note, runs, profileFolder })))
    }
    return figures
  },
}

/** A round that is not counted, for compilers and caches, and then as many as are asked for. */
async function measured(
  section: Section,
  { runs, ...options }: SectionOptions & { readonly runs: number },
): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack()
  options.note(`${section.name}: starting`)
  const measure = await section.open(stack, options)
  const rounds = new Rounds()
  for (let round = 0; round <= runs; round++) {
    const sample = await measure()
    const which = round === 0 ? 'warm-up' : `${round} of ${runs}`
    options.note(`${section.name} ${which}: ${JSON.stringify(sample, rounded)}`)
    if (round > 0) rounds.take(sample)
  }
  return section.figures(rounds)
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
