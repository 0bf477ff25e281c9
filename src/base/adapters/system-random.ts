import { randomBytes } from 'node:crypto'
import type { Random } from '../random.ts'

/** The operating system's generator, fit for keys. */
export function systemRandom(): Random {
  return {
    bytes: (length) => new Uint8Array(randomBytes(length)),
    unit: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  }
}
