import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark, type Figure, median } from './benchmark.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const ROUNDS = 9
const STATUS_AIM_MS = 150

/** What a person waits for: `status` with the daemon up, and the daemon's own start, beside a bare Node process. */
export const benchmark: Benchmark = {
  summary: `wall time of whole processes, from source, beside a bare Node process; medians of ${ROUNDS} interleaved rounds`,
  run: async (note) => {
    const home = mkdtempSync(join(tmpdir(), 'plexus-bench-'))
    const plexus = (...args: readonly string[]): number => timed([CLI, ...args, '--json'], home)
    try {
      const up = (): number => plexus('up', '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--http-port', '0')
      const first = up()
      const times: Record<'bare' | 'status' | 'recall' | 'up' | 'down', number[]> = {
        bare: [],
        status: [],
        recall: [],
        up: [],
        down: [],
      }
      for (let round = 0; round < ROUNDS; round++) {
        times.bare.push(timed(['-e', '0'], home))
        times.status.push(plexus('status'))
        times.recall.push(plexus('recall', 'anything'))
        times.down.push(plexus('down'))
        times.up.push(up())
        note(
          `round ${round + 1} of ${ROUNDS}: status ${times.status.at(-1)?.toFixed(0)} ms, up ${times.up.at(-1)?.toFixed(0)} ms`,
        )
      }
      plexus('down')
      const beside = (name: string, values: readonly number[]): Figure => ({
        name,
        value: median(values),
        unit: 'ms',
        baseline: median(times.bare),
        ratio: median(values.map((value, round) => value / (times.bare[round] ?? Number.NaN))),
        aim: null,
        met: null,
      })
      const status = beside('status, daemon up', times.status)
      return [
        { ...status, aim: `less than ${STATUS_AIM_MS} ms`, met: status.value < STATUS_AIM_MS },
        beside('recall, daemon up', times.recall),
        beside('up, identity and store there', times.up),
        beside('down', times.down),
        { ...beside('up, from nothing', [first]), ratio: null },
      ]
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  },
}

function timed(args: readonly string[], home: string): number {
  const started = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: home },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return performance.now() - started
}
