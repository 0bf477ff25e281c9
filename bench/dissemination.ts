import type { Benchmark } from './benchmark.ts'
import { CROWD, crowd } from './bus/crowd.ts'
import { benchmark as bus } from './bus.ts'

/** That part of the bus benchmark alone: it needs no processes. */
export const benchmark: Benchmark = {
  summary: CROWD,
  run: (note, options) => bus.run(note, { ...options, only: [crowd.name] }),
}
