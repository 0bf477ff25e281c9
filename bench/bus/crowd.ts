import { BODY_BYTES, CALM_MS, CHURN, LOSS, storm } from '../../test/simulation/bus/crowd/storm.ts'
import type { Figure } from '../benchmark.ts'
import type { FigureInit, Rounds } from './rounds.ts'
import { quantile, type Section } from './section.ts'

const MEMBERS = 200
const MESSAGES = 100

export const CROWD: string =
  `One of ${MEMBERS} simulated members publishes ${BODY_BYTES} bytes ten times a second; ${CHURN * 100} % of the others go and ` +
  `come back, lines are cut, ${LOSS * 100} % of all writes vanish; then it is calm for ${CALM_MS / 1000} s.`

/** How messages spread in a large group under bad conditions, in simulated time: the same on every machine, a seed for each round. */
export const crowd: Section = {
  name: 'crowd',
  open: async () => {
    let seed = 0
    return async () => {
      const outcome = await storm({ seed: ++seed, members: MEMBERS, messages: MESSAGES })
      const { alive, complete, unaware, copies, calmMs, latencyMs, controlBytes } = outcome
      const [p50, p99] = [quantile(latencyMs, 0.5), quantile(latencyMs, 0.99)]
      return { share: complete / alive, unaware, copies, calm: calmMs, p50, p99, control: controlBytes }
    }
  },
  figures: (rounds) => {
    const row = (name: string, unit: string, of: string): FigureInit => ({ name: `crowd: ${name}`, unit, of })
    return [
      aimed(rounds, row('members alive that have everything', 'share', 'share'), 'all', (share) => share === 1),
      aimed(rounds, row('members that miss one unknowingly', 'members', 'unaware'), 'none', (count) => count === 0),
      aimed(
        rounds,
        row('full copies per member and message', 'copies', 'copies'),
        'at most 1.3',
        (count) => count <= 1.3,
      ),
      aimed(rounds, row('last message after calm', 'ms', 'calm'), `at most ${CALM_MS}`, (ms) => ms <= CALM_MS),
      rounds.figure(row('to a member, p50', 'ms', 'p50')),
      rounds.figure(row('to a member, p99', 'ms', 'p99')),
      rounds.figure(row('everything else per member and message', 'bytes', 'control')),
    ]
  },
}

function aimed(rounds: Rounds, init: FigureInit, aim: string, isMet: (value: number) => boolean): Figure {
  const figure = rounds.figure(init)
  return { ...figure, aim, met: isMet(figure.value) }
}
