import { parseArgs } from 'node:util'
import { runSeed } from './scenario.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '0.1' },
    trace: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const t = performance.now()
  const outcome = await runSeed(seed, { hours: Number(values.hours), keepTrace: values.trace })
  console.log(
    seed,
    outcome.hash,
    outcome.virtualMs.toFixed(0),
    (performance.now() - t).toFixed(0) + ' ms',
    outcome.violation?.message ?? 'ok',
    JSON.stringify(outcome.counts),
  )
  if (values.trace) console.log(outcome.trace.join('\n'), outcome.violation?.stack)
}
