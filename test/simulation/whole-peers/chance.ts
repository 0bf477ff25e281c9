import { createHash } from 'node:crypto'
import { type Random, randomInt, seededRandom } from '../../../src/base/index.ts'

/** A sequence of its own for each purpose, so that a draw more in one place does not change every other. */
export function seededFor(seed: number, ...purpose: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update([seed, ...purpose].join('/'))
    .digest()
  return seededRandom(digest.readUInt32LE(0))
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[randomInt(random, items.length)]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}

export function chance(random: Random, share: number): boolean {
  return random.unit() < share
}

/** An integer from `least` to `most`. */
export function between(random: Random, least: number, most: number): number {
  return least + randomInt(random, most - least + 1)
}

/** Some of them, at least one, in their order. */
export function some<T>(random: Random, items: readonly T[]): readonly T[] {
  const chosen = items.filter(() => chance(random, 0.5))
  return chosen.length > 0 || items.length === 0 ? chosen : [pick(random, items)]
}
