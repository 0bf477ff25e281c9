import { spawnSync } from 'node:child_process'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark, type Figure, median } from './benchmark.ts'

const ROOT = join(import.meta.dirname, '..')
const ROUNDS = 9
const STATUS_AIM_MS = 150
const DEADLINE_MS = 60_000
const UP = ['up', '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--http-port', '0']

type Times = Record<'status' | 'recall' | 'down' | 'upAgain' | 'upFirst', number[]>

/** What a person waits for: whole processes of the command line, and the daemon's own start, beside a bare Node process. */
export const benchmark: Benchmark = {
  summary: `wall time of whole processes beside a bare Node process; medians of ${ROUNDS} interleaved rounds`,
  run: async (note) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-bench-'))
    using started = new DisposableStack()
    note('building')
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] })
    if (built.status !== 0) note('the build failed: only what runs from source is measured')
    const faces = [
      new Face('from source', 'src/cli/main.ts', folder.path),
      ...(built.status === 0 ? [new Face('built', 'bin/plexus.js', folder.path)] : []),
    ]
    for (const face of faces) {
      started.defer(() => face.end())
      face.warmUp()
    }
    const bare: number[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      bare.push(timed(['-e', '0'], folder.path))
      for (const face of faces) {
        face.measure(round)
        const { status, upAgain } = face.times
        note(
          `round ${round} of ${ROUNDS}, ${face.name}: status ${status.at(-1)?.toFixed()} ms, up ${upAgain.at(-1)?.toFixed()} ms`,
        )
      }
    }
    return faces.flatMap((face) => face.figures(bare))
  },
}

/** One way to run the command line, with a daemon of its own. */
class Face {
  readonly name: string
  readonly times: Times = { status: [], recall: [], down: [], upAgain: [], upFirst: [] }
  readonly #entry: string
  readonly #home: string

  constructor(name: string, entry: string, folder: string) {
    this.name = name
    this.#entry = join(ROOT, entry)
    this.#home = join(folder, name.replace(' ', '-'))
  }

  /** After it, the compiled code is kept on disk and the daemon runs. */
  warmUp(): void {
    for (const args of [UP, ['status'], ['recall', 'anything'], ['down'], UP]) this.#run(args)
  }

  measure(round: number): void {
    const { status, recall, down, upAgain, upFirst } = this.times
    status.push(this.#run(['status']))
    recall.push(this.#run(['recall', 'anything']))
    down.push(this.#run(['down']))
    upAgain.push(this.#run(UP))
    // A user who never ran it: no key, no store, no compiled code.
    const nowhere = `${this.#home}-${round}`
    try {
      upFirst.push(this.#run(UP, nowhere))
    } finally {
      this.end(nowhere)
    }
  }

  /** Stops the daemon if it runs. */
  end(home = this.#home): void {
    spawnSync(process.execPath, [this.#entry, 'down'], { env: environment(home), timeout: DEADLINE_MS })
  }

  figures(bare: readonly number[]): readonly Figure[] {
    const figure = (what: string, values: readonly number[], aimMs?: number): Figure => ({
      name: `${what}, ${this.name}`,
      value: median(values),
      unit: 'ms',
      baseline: median(bare),
      ratio: median(values.map((value, round) => value / (bare[round] ?? Number.NaN))),
      aim: aimMs === undefined ? null : `less than ${aimMs} ms`,
      met: aimMs === undefined ? null : median(values) < aimMs,
    })
    const { status, recall, down, upAgain, upFirst } = this.times
    return [
      figure('status, daemon up', status, STATUS_AIM_MS),
      figure('recall, daemon up', recall),
      figure('up, as before', upAgain),
      figure('up, from nothing', upFirst),
      figure('down', down),
    ]
  }

  #run(args: readonly string[], home = this.#home): number {
    return timed([this.#entry, ...args, '--json'], home)
  }
}

function timed(args: readonly string[], home: string): number {
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: environment(home),
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}${stdout}`)
  return performance.now() - start
}

function environment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: join(home, 'plexus') }
}
