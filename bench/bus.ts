import type { Benchmark, Figure } from './benchmark.ts'
import { critical } from './bus/critical.ts'
import { crowd } from './bus/crowd.ts'
import { idle } from './bus/idle.ts'
import { fanOut, publish } from './bus/publishing.ts'
import { requests } from './bus/requests.ts'
import { Rounds } from './bus/rounds.ts'
import type { Section } from './bus/section.ts'

const SECTIONS: readonly Section[] = [requests, publish, fanOut, critical, idle, crowd]
const RUNS = 5

export const benchmark: Benchmark = {
  summary: 'The bus between processes on loopback, each row beside what it is measured against in the same run.',
  run: async (note, { only, runs = RUNS, profileFolder }) => {
    const unknown = only?.filter((name) => !SECTIONS.some((section) => section.name === name)) ?? []
    if (unknown.length > 0) throw new Error(`--only takes ${SECTIONS.map(({ name }) => name).join(', ')}`)
    const figures: Figure[] = []
    for (const section of SECTIONS) {
      if (only !== undefined && !only.includes(section.name)) continue
      note(`${section.name}: starting`)
      await using stack = new AsyncDisposableStack()
      const measure = await section.open(stack, { note, profileFolder })
      const rounds = new Rounds()
      for (let round = 0; round <= runs; round++) {
        const sample = await measure()
        note(`${section.name} ${round === 0 ? 'warm-up' : `${round} of ${runs}`}: ${JSON.stringify(sample, rounded)}`)
        if (round > 0) rounds.take(sample)
      }
      figures.push(...section.figures(rounds))
    }
    return figures
  },
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
