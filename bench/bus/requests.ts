import { median } from '../benchmark.ts'
import { Group } from './group.ts'
import { atLeast, atMost } from './rounds.ts'
import type { Section } from './section.ts'

const IN_FLIGHT = 64
const PIPELINED = 40_000
const ALONE = 2_000

export const requests: Section = {
  name: 'requests',
  open: async (stack, options) => {
    const groups = new Map<string, Group | undefined>()
    for (const contender of ['plain', 'bare', 'plexus'] as const) {
      groups.set(contender, await Group.open(stack, { contender, subscribers: 1, window: 1 }, options))
    }
    return async () => {
      const sample: Record<string, number> = {}
      for (const [name, group] of groups) {
        if (group === undefined) continue
        const { perSecond, cpuUs } = await group.ask(PIPELINED, IN_FLIGHT)
        sample[`${name} rate`] = perSecond
        sample[`${name} cpu`] = cpuUs
        sample[`${name} p50`] = median((await group.publisher.call('ask', ALONE, 1)).times)
      }
      return sample
    }
  },
  figures: (rounds) => [
    rounds.figure({
      name: `request 1 KiB, ${IN_FLIGHT} in flight / kept stream`,
      unit: 'requests/s',
      of: 'plexus rate',
      against: 'plain rate',
      aim: atLeast(0.8),
    }),
    rounds.figure({
      name: `request 1 KiB, ${IN_FLIGHT} in flight / kept stream, packed`,
      unit: 'requests/s',
      of: 'plexus rate',
      against: 'bare rate',
      aim: atLeast(0.8),
    }),
    rounds.figure({
      name: 'request 1 KiB, one at a time, p50 / kept stream',
      unit: 'us',
      of: 'plexus p50',
      against: 'plain p50',
      aim: atMost(1.3),
    }),
    rounds.figure({
      name: 'request 1 KiB, one at a time, p50 / kept stream, packed',
      unit: 'us',
      of: 'plexus p50',
      against: 'bare p50',
      aim: atMost(1.3),
    }),
  ],
}
