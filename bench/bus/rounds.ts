import { type Figure, median } from '../benchmark.ts'

export type Sample = Readonly<Record<string, number>>

/** A bound on the ratio to the baseline. */
export interface Aim {
  readonly text: string
  readonly isMet: (ratio: number) => boolean
}

export function atLeast(bound: number): Aim {
  return { text: `at least ${bound} of it`, isMet: (ratio) => ratio >= bound }
}

export function atMost(bound: number): Aim {
  return { text: `at most ${bound} of it`, isMet: (ratio) => ratio <= bound }
}

export interface FigureInit {
  readonly name: string
  readonly unit: string
  /** Names in the samples. */
  readonly of: string
  readonly against?: string
  readonly aim?: Aim
}

/** What was measured in the rounds of one section. */
export class Rounds {
  readonly #samples: Sample[] = []

  take(sample: Sample): void {
    this.#samples.push(sample)
  }

  has(name: string): boolean {
    return this.#samples.some((sample) => name in sample)
  }

  median(name: string): number {
    return median(this.#values(name))
  }

  /** Its ratio is the median of the ratios of the rounds, so that a machine that slows down for a while does not tell. */
  figure({ name, unit, of, against, aim }: FigureInit): Figure {
    const value = this.median(of)
    if (against === undefined) return { name, value, unit, baseline: null, ratio: null, aim: null, met: null }
    const others = this.#values(against)
    const ratio = median(this.#values(of).map((one, round) => one / (others[round] ?? Number.NaN)))
    const baseline = median(others)
    return { name, value, unit, baseline, ratio, aim: aim?.text ?? null, met: aim?.isMet(ratio) ?? null }
  }

  #values(name: string): readonly number[] {
    return this.#samples.map((sample) => sample[name] ?? Number.NaN)
  }
}
