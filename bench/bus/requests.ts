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
    const open = async (contender: 'plexus' | 'bare'): Promise<Group | undefined> =>
      await Group.open(stack, { contender, subscribers: 1, window: 1 }, options)
    const [bare, plexus] = [await open('bare'), await open('plexus')]
    return async () => {
      const sample: Record<string, number> = {}
      for (const [name, group] of Object.entries({ bare, plexus })) {
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
      name: `request 1 KiB, ${IN_FLIGHT} in flight / bare stream`,
      unit: 'requests/s',
      of: 'plexus rate',
      against: 'bare rate',
      aim: atLeast(0.8),
    }),
    rounds.figure({
      name: 'request 1 KiB, one at a time, p50 / bare stream',
      unit: 'us',
      of: 'plexus p50',
      against: 'bare p50',
      aim: atMost(1.3),
    }),
  ],
}
