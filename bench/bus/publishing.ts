import type { Figure } from '../benchmark.ts'
import type { ContenderName } from './contender.ts'
import { Group } from './group.ts'
import { type Aim, atLeast, atMost, type Rounds } from './rounds.ts'
import type { Section, SectionOptions } from './section.ts'

const SUBSCRIBERS = 20
const PAIR_WINDOW = 4096
const CROWD_WINDOW = 1024

/** Messages of one round: long enough for a steady state, whatever the contender. */
const PAIR_MESSAGES: Readonly<Partial<Record<ContenderName, number>>> = {
  plexus: 48 * PAIR_WINDOW,
  bare: 64 * PAIR_WINDOW,
  nats: 48 * PAIR_WINDOW,
  'gossip-best': 4 * PAIR_WINDOW,
  'gossip-defaults': PAIR_WINDOW,
}
const CROWD_MESSAGES: Readonly<Partial<Record<ContenderName, number>>> = {
  plexus: 16 * CROWD_WINDOW,
  'gossip-mesh': CROWD_WINDOW / 2,
  'gossip-best': 2 * CROWD_WINDOW,
  nats: 16 * CROWD_WINDOW,
}

const NO_NATS = 'nats-server IS NOT INSTALLED: the rows beside NATS are missing (Debian: apt-get install nats-server)'

export const publish: Section = {
  name: 'publish',
  open: (stack, options) => opened(stack, { subscribers: 1, window: PAIR_WINDOW, messages: PAIR_MESSAGES }, options),
  figures: (rounds) => {
    const beside = (name: string, against: ContenderName, aim?: Aim): Figure[] =>
      row(rounds, { name: `publish 1 KiB to one / ${name}`, unit: 'messages/s', what: 'rate', against, aim })
    return [
      ...beside('gossipsub, defaults', 'gossip-defaults', atLeast(20)),
      ...beside('gossipsub, best settings', 'gossip-best', atLeast(5)),
      ...beside('NATS, unencrypted', 'nats', atLeast(0.6)),
      ...beside('bare stream', 'bare'),
    ]
  },
}

export const fanOut: Section = {
  name: 'fan-out',
  open: (stack, options) =>
    opened(stack, { subscribers: SUBSCRIBERS, window: CROWD_WINDOW, messages: CROWD_MESSAGES }, options),
  figures: (rounds) => {
    const beside = (name: string, against: ContenderName, aim?: Aim): Figure[] =>
      row(rounds, {
        name: `publish 1 KiB to ${SUBSCRIBERS}, CPU / ${name}`,
        unit: 'us per delivery',
        what: 'cpu',
        against,
        aim,
      })
    return [
      ...beside('gossipsub, best settings', 'gossip-mesh', atMost(0.1)),
      ...beside('gossipsub, each linked to the publisher', 'gossip-best'),
      ...beside('NATS, client and server', 'nats', atMost(3)),
      rounds.figure({ name: `publish 1 KiB to ${SUBSCRIBERS}`, unit: 'messages/s', of: 'plexus rate' }),
    ]
  },
}

interface Setting {
  readonly subscribers: number
  readonly window: number
  readonly messages: Readonly<Partial<Record<ContenderName, number>>>
}

async function opened(
  stack: AsyncDisposableStack,
  { subscribers, window, messages }: Setting,
  options: SectionOptions,
): Promise<() => Promise<Record<string, number>>> {
  const groups = new Map<ContenderName, Group>()
  for (const contender of Object.keys(messages) as ContenderName[]) {
    const group = await Group.open(stack, { contender, subscribers, window }, options)
    if (group === undefined) options.note(NO_NATS)
    else groups.set(contender, group)
  }
  return async () => {
    const sample: Record<string, number> = {}
    for (const [contender, group] of groups) {
      const { perSecond, cpuUsPerDelivery } = await group.publish(messages[contender] ?? 0)
      sample[`${contender} rate`] = perSecond
      sample[`${contender} cpu`] = cpuUsPerDelivery
    }
    return sample
  }
}

interface Row {
  readonly name: string
  readonly unit: string
  readonly what: 'rate' | 'cpu'
  readonly against: ContenderName
  readonly aim: Aim | undefined
}

/** No row beside what was not there to be measured. */
function row(rounds: Rounds, { name, unit, what, against, aim }: Row): Figure[] {
  if (!rounds.has(`${against} ${what}`)) return []
  const init = { name, unit, of: `plexus ${what}`, against: `${against} ${what}` }
  return [rounds.figure(aim === undefined ? init : { ...init, aim })]
}
