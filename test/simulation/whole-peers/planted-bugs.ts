/** A mistake that people make: an exact piece of a product file, and what stands in its place when the mistake is planted. */
export interface PlantedBug {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  readonly text: string
  readonly instead: string
  /** A seed that finds it soon, for the tests; `npm run sim -- --bugs` says which do. */
  readonly seed: number
}

export const PLANTED_BUGS: readonly PlantedBug[] = []
