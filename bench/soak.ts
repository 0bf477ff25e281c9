import type { Benchmark, Figure } from './benchmark.ts'
import { Group } from './bus/group.ts'
import { type Line, lineThrough, type Point } from './bus/line.ts'
import type { Worker } from './bus/worker.ts'

const MINUTES = 10
const SAMPLE_MS = 10_000
/** Caches fill and code is compiled for so long: it is not what is asked. */
const WARM_UP_SHARE = 0.2
const LOAD_MESSAGES = 48 * 4096
const LOAD_SHARE = 0.5
/** Over ten minutes; less cannot be told from the noise of a collector. */
const GROWTH_MAX_MIB = 2

/** Two processes at half of what they can do: does their memory grow? */
export const benchmark: Benchmark = {
  summary: 'Two peers at half load; what is in use after a collection, and the line that fits it best.',
  run: async (note, { minutes = MINUTES, profileFolder }) => {
    await using stack = new AsyncDisposableStack()
    const options = { note, profileFolder }
    const pair = await Group.open(stack, { contender: 'plexus', subscribers: 1, window: 4096 }, options)
    if (pair === undefined) throw new Error('a pair of the bus needs nothing besides')
    await pair.publish(LOAD_MESSAGES)
    const full = (await pair.publish(LOAD_MESSAGES)).perSecond
    const perSecond = Math.round(full * LOAD_SHARE)
    note(`${Math.round(full)} messages/s at full load, ${perSecond} from now on`)
    const sides = { publisher: pair.publisher, subscriber: pair.subscribers[0] as Worker }
    const points: Record<keyof typeof sides, Point[]> = { publisher: [], subscriber: [] }
    const start = performance.now()
    const end = start + minutes * 60_000
    const warm = start + minutes * 60_000 * WARM_UP_SHARE
    let sent = 0
    while (performance.now() < end) {
      sent += await pair.publisher.call('steadily', perSecond, Math.min(SAMPLE_MS, end - performance.now()))
      const at = (performance.now() - start) / 60_000
      for (const [name, worker] of Object.entries(sides)) {
        const { usedMiB, rssMiB } = await worker.call('memory')
        note(
          `${at.toFixed(1)} min ${name}: ${usedMiB.toFixed(1)} MiB in use, ${rssMiB.toFixed(1)} MiB RSS, ${sent} sent`,
        )
        if (performance.now() >= warm) points[name as keyof typeof sides].push([at, usedMiB])
      }
    }
    return Object.entries(points).map(([name, taken]) => growth(name, lineThrough(taken)))
  },
}

function growth(name: string, { slope, atStart }: Line): Figure {
  return {
    name: `growth of the ${name}, in ten minutes / in use`,
    value: slope * 10,
    unit: 'MiB',
    baseline: atStart,
    ratio: (slope * 10) / atStart,
    aim: `less than ${GROWTH_MAX_MIB} MiB`,
    met: slope * 10 < GROWTH_MAX_MIB,
  }
}
