/** Chance as the rest of the code sees it. */
export interface Random {
  /** `length` random bytes. From `systemRandom()` they are fit for keys. */
  bytes(length: number): Uint8Array
  /** A number in [0, 1). */
  unit(): number
}

/** An integer in [0, below). */
export function randomInt(random: Random, below: number): number {
  return Math.floor(random.unit() * below)
}

/** `base` plus or minus up to `fraction` of it: spreads out timers that would otherwise march in step. */
export function jitter(random: Random, base: number, fraction = 0.2): number {
  return base * (1 + fraction * (2 * random.unit() - 1))
}

/**
 * Repeatable numbers from a seed, for tests and simulations only: never for keys.
 * Algorithm: mulberry32 (public domain, Tommy Ettinger 2017).
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    unit: () => next() / 2 ** 32,
  }
}
