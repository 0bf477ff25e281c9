import type { Figure } from '../benchmark.ts'
import type { Rounds, Sample } from './rounds.ts'

export interface SectionOptions {
  readonly note: (line: string) => void
  /** Where CPU profiles of the processes go; none without. */
  readonly profileFolder: string | undefined
}

/** Some rows of the table that are measured together. */
export interface Section {
  readonly name: string
  /** Starts what is needed; it ends with the stack. Returns how to measure one round: baselines and ours in alternation. */
  open(stack: AsyncDisposableStack, options: SectionOptions): Promise<() => Promise<Sample>>
  figures(rounds: Rounds): readonly Figure[]
}

/** The value that `share` of the values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
