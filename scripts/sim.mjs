/**
 * `npm run sim -- [--seeds N] [--hours H] [--seed S] [--trace FILE] [--bug NAME] [--bugs]`: whole peers on one clock, with
 * everything going wrong that may (docs/simulation.md). Seeds run on all cores; each that breaks a promise is shown with the line
 * that repeats it. `--bugs` plants one mistake after another and tells which seed finds each.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const program = join(root, 'test', 'simulation', 'whole-peers', 'main.ts')
const cores = availableParallelism()
const USAGE =
  'usage: npm run sim -- [--seeds N] [--hours H] [--seed S] [--trace FILE] [--bug NAME] [--bugs]\n' +
  '  --seeds N     how many seeds, 20 if not given; 1 with --seed, 200 with --bugs\n' +
  '  --hours H     hours of bad weather in each, 0.1 if not given\n' +
  '  --seed S      the first seed, 1 if not given\n' +
  '  --trace FILE  everything that happened, for one seed\n' +
  '  --bug NAME    with a mistake planted in the product\n' +
  '  --bugs        every planted mistake, or those that --bug names, and the first seed that finds each'

/** Runs the program and calls `onOutcome` for every line. Resolves with its exit code. */
function run(args, onOutcome) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--no-warnings', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => onOutcome(JSON.parse(line)))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function reproduction({ seed }, { hours, bug }) {
  const flags = [hours === undefined ? '' : ` --hours ${hours}`, bug === undefined ? '' : ` --bug ${bug}`].join('')
  return `npm run sim -- --seed ${seed}${flags}`
}

/** Every seed, shared out among the cores. Says how many broke a promise. */
async function runSeeds({ first, seeds, hours, bug, trace }) {
  const workers = Math.min(cores, seeds)
  const total = { seeds: 0, broken: 0, virtualMs: 0, ms: 0 }
  const counts = new Map()
  const onOutcome = (outcome) => {
    total.seeds++
    total.virtualMs += outcome.virtualMs
    for (const [what, n] of Object.entries(outcome.counts)) counts.set(what, (counts.get(what) ?? 0) + n)
    if (seeds === 1) console.log(`seed ${outcome.seed}: trace ${outcome.hash}, ${outcome.ms} ms`)
    if (outcome.violation === undefined) return
    total.broken++
    console.log(`\n${reproduction(outcome, { hours, bug })}`)
    console.log(`  ${outcome.violation.message}`)
    if (seeds === 1) for (const line of outcome.tail) console.log(`    ${line}`)
  }
  const began = performance.now()
  const codes = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      run(
        [
          ...['--seed', String(first + worker), '--seeds', String(seeds - worker), '--stride', String(workers)],
          ...(hours === undefined ? [] : ['--hours', String(hours)]),
          ...(bug === undefined ? [] : ['--bug', bug]),
          ...(trace === undefined ? [] : ['--trace', trace]),
        ],
        onOutcome,
      ),
    ),
  )
  const hoursRun = (total.virtualMs / 3_600_000).toFixed(1)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const what = [...counts].toSorted((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${n}`)
  console.log(
    `\n${total.seeds} seeds, ${hoursRun} hours of their time in ${seconds} s: ${total.broken} broke a promise`,
  )
  console.log(what.join(', '))
  if (codes.some((code) => code !== 0)) throw new Error('a process of the simulator failed')
  return total.broken === 0
}

/** Plants every bug and looks for the first seed that finds it. */
async function runBugs({ first, seeds, hours, bug: only }) {
  const { PLANTED_BUGS } = await import('../test/simulation/whole-peers/planted-bugs.ts')
  const queue = PLANTED_BUGS.filter(({ name }) => only === undefined || only.split(',').includes(name))
  const all = queue.length
  const rows = new Map()
  const work = async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const { name } = bug
      const args = ['--seed', String(first), '--seeds', String(seeds), '--first', '--bug', name]
      await run([...args, ...(hours === undefined ? [] : ['--hours', String(hours)])], (outcome) => {
        if (outcome.violation !== undefined) rows.set(name, { seed: outcome.seed, check: outcome.violation.check })
      })
      const found = rows.get(name)
      console.log(`| \`${name}\` | ${found === undefined ? 'not found' : found.seed} | ${found?.check ?? ''} |`)
    }
  }
  console.log('| planted bug | first seed | check |\n|---|---|---|')
  await Promise.all(Array.from({ length: Math.min(cores, all) }, work))
  console.log(`\n${rows.size} of ${all} found within ${seeds} seeds`)
  return rows.size === all
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      hours: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'string' },
      bug: { type: 'string' },
      bugs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return true
  }
  const number = (name, usual) => {
    const value = values[name] === undefined ? usual : Number(values[name])
    if (value !== undefined && !(value > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}`)
    return value
  }
  const usual = values.bugs ? 200 : values.seed === undefined ? 20 : 1
  const options = { first: number('seed', 1), seeds: number('seeds', usual), hours: number('hours', undefined) }
  if (values.trace !== undefined && options.seeds !== 1) throw new Error('--trace takes the trace of one --seed')
  if (values.bugs) return runBugs({ ...options, bug: values.bug })
  return runSeeds({ ...options, bug: values.bug, trace: values.trace })
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 2
}
