/**
 * `npm run bench -- NAME [--json] [--only PART,PART] [--runs N] [--minutes N] [--rows N] [--profile FOLDER]`: runs one benchmark of this
 * folder; without a name, lists them.
 */
import { readdirSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Benchmark, Figure, RunOptions } from './benchmark.ts'

const HARNESS = ['main.ts', 'benchmark.ts', 'remote.ts']
const NAMES: readonly string[] = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !HARNESS.includes(file))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort()

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    rows: { type: 'string' },
    profile: { type: 'string' },
  },
  allowPositionals: true,
})
const [name] = positionals
if (name === undefined || positionals.length > 1 || !NAMES.includes(name)) {
  console.error(
    `usage: npm run bench -- NAME [--json] [--only PARTS] [--runs N] [--minutes N] [--rows N] [--profile FOLDER]\nNAME is one of: ${NAMES.join(', ')}`,
  )
  process.exitCode = 2
} else {
  const { benchmark } = (await import(`./${name}.ts`)) as { readonly benchmark: Benchmark }
  const figures = await benchmark.run((line) => console.error(line), options())
  if (values.json === true) console.log(JSON.stringify({ bench: name, machine: machine(), figures }))
  else console.log(`${benchmark.summary}\n\n${table(figures)}`)
}

function options(): RunOptions {
  const { only, runs, minutes, rows, profile } = values
  return {
    ...(only === undefined ? {} : { only: only.split(',') }),
    ...(runs === undefined ? {} : { runs: Number(runs) }),
    ...(minutes === undefined ? {} : { minutes: Number(minutes) }),
    ...(rows === undefined ? {} : { rows: Number(rows) }),
    ...(profile === undefined ? {} : { profileFolder: profile }),
  }
}

function machine(): Record<string, string | number> {
  return {
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    load: loadavg()[0] ?? 0,
    node: process.versions.node,
    sqlite: process.versions.sqlite ?? 'none',
  }
}

function table(figures: readonly Figure[]): string {
  const rows = [
    ['', 'value', 'unit', 'baseline', 'ratio', 'aim', 'met'],
    ...figures.map(({ name, value, unit, baseline, ratio, aim, met }) => [
      name,
      number(value),
      unit,
      baseline === null ? '' : number(baseline),
      ratio === null ? '' : ratio.toFixed(2),
      aim ?? '',
      met === null ? '' : met ? 'yes' : 'NO',
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const isNumber = (column: number): boolean => [1, 3, 4].includes(column)
  const cell = (text: string, column: number): string =>
    isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 2 : 0 })
}
