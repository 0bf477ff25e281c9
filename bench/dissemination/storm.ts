import { randomInt } from '../../src/base/index.ts'
import { Crowd, type Life, type Member, TOPIC } from './crowd.ts'

export interface StormInit {
  readonly seed: number
  readonly peers?: number
  readonly messages?: number
}

export interface Outcome {
  readonly published: number
  /** Members alive at the end, the publisher left out. */
  readonly alive: number
  /** Of these: have every message; know that they missed as many as they do not have; do not know. */
  readonly complete: number
  readonly aware: number
  readonly unaware: number
  /** Messages that reached a subscriber twice. */
  readonly repeats: number
  /** Full copies received, and those of them that were the first. */
  readonly copies: number
  readonly firsts: number
  /** Writes to lanes that vanished. */
  readonly lost: number
  /** From publishing to the subscriber, virtual ms. */
  readonly latencyMs: readonly number[]
  readonly bytesPerMember: number
}

const DEGREE = 8
const EVERY_MS = 100
const BODY_BYTES = 1024
const LOSS = 0.05
const CHURN = 0.3
const CALM_MS = 5_000

/**
 * One member publishes to many while 30 % of them go and come back, lines are cut, and 5 % of all writes vanish. Then it is
 * calm for five seconds.
 */
export async function storm({ seed, peers = 200, messages = 300 }: StormInit): Promise<Outcome> {
  const crowd = new Crowd({ peers, degree: DEGREE, seed })
  await crowd.start()
  const [publisher, ...others] = crowd.members as [Member, ...Member[]]
  const { life } = publisher
  if (life === undefined) throw new Error('the publisher did not start')
  crowd.loss.fraction = LOSS
  const goings = Array.from({ length: Math.floor(peers * CHURN) }, () => randomInt(crowd.random, messages))
  const comings = new Map<number, Member[]>()
  const publishedAt: number[] = []
  for (let number = 1; number <= messages; number++) {
    publishedAt[number] = crowd.clock.monotonic()
    await life.bus.publish(TOPIC, 'news', numbered(number))
    for (const going of goings) if (going === number) leave(crowd, others, comings, number)
    for (const member of comings.get(number) ?? []) await crowd.revive(member)
    if (number % 10 === 0) {
      crowd.cut(Math.ceil(peers / 100))
      crowd.mend()
    }
    await crowd.pass(EVERY_MS)
  }
  for (const member of others) if (member.life === undefined) await crowd.revive(member)
  crowd.loss.fraction = 0
  crowd.mend()
  await crowd.pass(CALM_MS)
  const outcome = outcomeOf(crowd, life, publishedAt)
  await crowd.stop()
  return outcome
}

function leave(crowd: Crowd, others: readonly Member[], comings: Map<number, Member[]>, now: number): void {
  const alive = others.filter((member) => member.life !== undefined)
  const member = alive[randomInt(crowd.random, alive.length)]
  if (member?.life === undefined) return
  crowd.kill(member.life)
  const back = now + 30 + randomInt(crowd.random, 70)
  comings.set(back, [...(comings.get(back) ?? []), member])
}

function numbered(number: number): Uint8Array {
  const body = new Uint8Array(BODY_BYTES)
  new DataView(body.buffer).setUint32(0, number)
  return body
}

function outcomeOf(crowd: Crowd, publisher: Life, publishedAt: readonly number[]): Outcome {
  const published = publishedAt.length - 1
  const listeners = crowd.lives.filter((life) => life !== publisher)
  const alive = crowd.alive.filter((life) => life !== publisher)
  const complete = alive.filter(({ heard }) => heard.size === published)
  const aware = alive.filter(({ heard, missed }) => heard.size < published && missed >= published - heard.size)
  const sum = (of: (life: Life) => number): number => listeners.reduce((total, life) => total + of(life), 0)
  return {
    published,
    alive: alive.length,
    complete: complete.length,
    aware: aware.length,
    unaware: alive.length - complete.length - aware.length,
    repeats: sum(({ repeats }) => repeats),
    copies: sum(({ bus }) => bus.status().figures?.copiesIn ?? 0),
    firsts: sum(({ heard }) => heard.size),
    lost: crowd.loss.lost,
    latencyMs: listeners.flatMap(({ heard }) => [...heard].map(([number, at]) => at - (publishedAt[number] ?? at))),
    bytesPerMember: sum(({ bus }) => bus.status().figures?.bytesIn ?? 0) / alive.length,
  }
}
