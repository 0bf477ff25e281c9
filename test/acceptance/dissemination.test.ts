import { Crowd, type Life } from '../simulation/bus/crowd/crowd.ts'
import { type DisseminationBench, disseminationSuite } from './dissemination.ts'

const MEMBERS = 12

disseminationSuite('lanes', () => crowded({ degree: 2 * MEMBERS, keepsOrder: true }))
disseminationSuite('tree', () => crowded({ degree: 6, keepsOrder: false, directMembersMax: 0 }))

async function crowded(init: {
  readonly degree: number
  readonly keepsOrder: boolean
  readonly directMembersMax?: number
}): Promise<DisseminationBench> {
  const crowd = new Crowd({ members: MEMBERS, seed: 1, ...init })
  await crowd.start()
  return {
    keepsOrder: init.keepsOrder,
    boundMs: 6000,
    get voices() {
      return crowd.alive
    },
    kill: (voice) => crowd.kill(voice as Life),
    revive: ({ peer }) => crowd.revive(crowd.memberOf(peer)),
    breakLinks: (count) => {
      crowd.cut(count)
      crowd.mend()
    },
    split: (side) => crowd.split(side as readonly Life[]),
    heal: () => crowd.heal(),
    expel: ({ peer }) => crowd.expel(peer),
    pass: (ms) => crowd.pass(ms),
    [Symbol.asyncDispose]: () => crowd[Symbol.asyncDispose](),
  }
}
