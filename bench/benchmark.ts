/** What a benchmark of this folder exports as `benchmark`. */
export interface Benchmark {
  readonly summary: string
  /** Measures; `note` takes one line a round for whoever waits. */
  run(note: (line: string) => void, options: RunOptions): Promise<readonly Figure[]>
}

/** What may be asked for on the command line; each benchmark looks at what it knows. */
export interface RunOptions {
  /** Parts to be measured; all when absent. */
  readonly only?: readonly string[]
  readonly runs?: number
  readonly minutes?: number
  /** How much data there is. */
  readonly rows?: number
  /** Where processes leave their CPU profiles. */
  readonly profileFolder?: string
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the same machine does at best, measured in the same run; null where there is nothing to compare with. */
  readonly baseline: number | null
  /** value / baseline, the median of the ratios of the rounds. */
  readonly ratio: number | null
  /** What we want, in words; null for figures that only inform. */
  readonly aim: string | null
  readonly met: boolean | null
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value that `part` of the values do not exceed, e.g. 0.99. */
export function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? Number.NaN
}

/** How many `units` of work were done per second. */
export async function rate(units: number, work: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (units / (performance.now() - start)) * 1000
}
