import { type Figure, median } from '../benchmark.ts'
import { Group } from './group.ts'
import { atLeast, atMost, type Rounds } from './rounds.ts'
import { quantile, type Section } from './section.ts'

const ROUND_MS = 2_500
const BARE_ROUND_MS = 1_000
/** What a busy subscriber does with each bulk message of 64 KiB. */
const BUSY_MS = 0.25

export const critical: Section = {
  name: 'critical',
  open: async (stack, options) => {
    const bare = await Group.open(stack, { contender: 'bare', subscribers: 1, window: 1 }, options)
    const plexus = await Group.open(stack, { contender: 'plexus', subscribers: 1, window: 1 }, options)
    if (bare === undefined || plexus === undefined) throw new Error('both must be there')
    const bulkRate = async (group: Group): Promise<number> => {
      const { bulkBytes, seconds } = await group.publisher.call('probe', BARE_ROUND_MS, { critical: false, bulk: true })
      return bulkBytes / 2 ** 20 / seconds
    }
    const underLoad = async (busyMs: number, suffix: string): Promise<Record<string, number>> => {
      for (const { subscribers } of [bare, plexus]) await subscribers[0]?.call('beBusy', busyMs)
      const unbounded = await bulkRate(bare)
      const loaded = await plexus.publisher.call('probe', ROUND_MS, { critical: true, bulk: true })
      return {
        [`bare bulk${suffix}`]: unbounded,
        [`bulk${suffix}`]: loaded.bulkBytes / 2 ** 20 / loaded.seconds,
        [`p50${suffix}`]: median(loaded.times),
        [`p99${suffix}`]: quantile(loaded.times, 0.99),
      }
    }
    return async () => {
      const idle = await plexus.publisher.call('probe', ROUND_MS, { critical: true, bulk: false })
      return {
        'idle p50': median(idle.times),
        'idle p99': quantile(idle.times, 0.99),
        ...(await underLoad(0, '')),
        ...(await underLoad(BUSY_MS, ', busy')),
      }
    }
  },
  figures: (rounds) => [...rows(rounds, ''), ...rows(rounds, ', busy')],
}

function rows(rounds: Rounds, suffix: '' | ', busy'): Figure[] {
  const where = suffix === '' ? 'under bulk' : 'under bulk, subscriber busy'
  return [
    rounds.figure({
      name: `critical p50 ${where} / idle`,
      unit: 'us',
      of: `p50${suffix}`,
      against: 'idle p50',
      aim: atMost(1.5),
    }),
    rounds.figure({
      name: `critical p99 ${where} / idle`,
      unit: 'us',
      of: `p99${suffix}`,
      against: 'idle p99',
      aim: atMost(2.5),
    }),
    rounds.figure({
      name: `bulk meanwhile${suffix === '' ? '' : ', subscriber busy'} / bare stream alone`,
      unit: 'MiB/s',
      of: `bulk${suffix}`,
      against: `bare bulk${suffix}`,
      aim: atLeast(0.8),
    }),
  ]
}
