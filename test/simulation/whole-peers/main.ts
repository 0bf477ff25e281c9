/**
 * Runs seeds one after another and writes one line of JSON for each. `npm run sim` starts several of these
 * (scripts/sim.mjs); the arguments are checked there.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { plant } from './plant.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    stride: { type: 'string', default: '1' },
    hours: { type: 'string', default: '0.1' },
    bug: { type: 'string' },
    /** A file for everything that happened in the last run. */
    trace: { type: 'string' },
    /** Ends with the first seed that finds something. */
    first: { type: 'boolean', default: false },
  },
})

if (values.bug !== undefined) {
  const bug = PLANTED_BUGS.find(({ name }) => name === values.bug)
  if (bug === undefined) throw new Error(`no planted bug is called ${values.bug}`)
  plant(bug)
}
// What runs is loaded now, with the bug in it.
const { runSeed } = await import('./scenario.ts')

const [seed, seeds, stride, hours] = [values.seed, values.seeds, values.stride, values.hours].map(Number) as [
  number,
  number,
  number,
  number,
]
for (let next = seed; next < seed + seeds; next += stride) {
  const began = performance.now()
  const { trace, ...outcome } = await runSeed(next, { hours, keepTrace: values.trace !== undefined })
  const told = outcome.violation === undefined ? {} : { tail: trace.slice(-30) }
  process.stdout.write(`${JSON.stringify({ ...outcome, ...told, ms: Math.round(performance.now() - began) })}\n`)
  if (values.trace !== undefined) writeFileSync(values.trace, `${trace.join('\n')}\n`)
  if (values.first && outcome.violation !== undefined) break
}
