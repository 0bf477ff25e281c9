import { CALM_MS, CHURN, LOSS, type StormOutcome, storm } from '../test/simulation/bus/crowd/storm.ts'
import { type Benchmark, type Figure, median } from './benchmark.ts'

const SEEDS = [1, 2, 3, 4, 5]
const MEMBERS = 200
const MESSAGES = 100

/** How the bus spreads messages in a large group under bad conditions: everything but the wall time follows from the seeds. */
export const benchmark: Benchmark = {
  summary:
    `One of ${MEMBERS} simulated members publishes 1 KiB ten times a second; ${CHURN * 100} % of the others go and come back, ` +
    `lines are cut, ${LOSS * 100} % of all writes vanish. Medians of ${SEEDS.length} seeds.`,
  async run(note) {
    const outcomes: StormOutcome[] = []
    for (const seed of SEEDS) {
      const outcome = await storm({ seed, members: MEMBERS, messages: MESSAGES })
      note(`seed ${seed}: ${outcome.copies.toFixed(3)} copies, ${outcome.complete} of ${outcome.alive} have everything`)
      outcomes.push(outcome)
    }
    const of = (figure: (outcome: StormOutcome) => number): number => median(outcomes.map(figure))
    const worst = Math.max(...outcomes.map(({ calmMs }) => calmMs))
    return [
      aimed(
        'members alive that have every message',
        of(({ complete, alive }) => complete / alive),
        'share',
        'all',
        (share) => share === 1,
      ),
      aimed(
        'members alive that miss one and do not know',
        of(({ unaware }) => unaware),
        'members',
        'none',
        (count) => count === 0,
      ),
      aimed(
        'full copies received per member and message',
        of(({ copies }) => copies),
        'copies',
        '<= 1.3',
        (copies) => copies <= 1.3,
      ),
      aimed('last message after calm, worst seed', worst, 'simulated ms', `<= ${CALM_MS}`, (ms) => ms <= CALM_MS),
      plain(
        'from publisher to subscriber, p50',
        of(({ latencyMs }) => quantile(latencyMs, 0.5)),
        'simulated ms',
      ),
      plain(
        'from publisher to subscriber, p99',
        of(({ latencyMs }) => quantile(latencyMs, 0.99)),
        'simulated ms',
      ),
      plain(
        'everything else per member and message',
        of(({ controlBytes }) => controlBytes),
        'bytes',
      ),
    ]
  },
}

function aimed(name: string, value: number, unit: string, aim: string, isMet: (value: number) => boolean): Figure {
  return { name, value, unit, baseline: null, ratio: null, aim, met: isMet(value) }
}

function plain(name: string, value: number, unit: string): Figure {
  return { name, value, unit, baseline: null, ratio: null, aim: null, met: null }
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.floor((ascending.length - 1) * share)] ?? Number.NaN
}
