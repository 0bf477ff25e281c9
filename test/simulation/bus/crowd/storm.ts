import { randomInt } from '../../../../src/base/index.ts'
import { Crowd, type Life, type Member } from './crowd.ts'

export interface StormInit {
  readonly seed: number
  readonly members: number
  /** Ten a second. */
  readonly messages: number
}

export interface StormOutcome {
  readonly published: number
  /** Members alive at the end, the publisher left out. */
  readonly alive: number
  /** Of these: have every message; miss some and know of as many; do not know. */
  readonly complete: number
  readonly aware: number
  readonly unaware: number
  /** Of what was published in the lives of the members, or in the five seconds before they began, the share that they got. */
  readonly deliveredShare: number
  /** Breaches of the protocol that members saw. */
  readonly faults: number
  /** Messages that reached a subscriber twice. */
  readonly repeats: number
  /** Full copies received for each message that reached a member. */
  readonly copies: number
  /** Writes to lanes that vanished. */
  readonly lost: number
  /** From publishing to the subscriber, virtual ms, ascending: of members who were there when it was published. */
  readonly latencyMs: readonly number[]
  /** From the beginning of calm until the last message arrived, virtual ms. */
  readonly calmMs: number
  /** Bytes received by a member for each message, besides the copies. */
  readonly controlBytes: number
}

export const BODY_BYTES = 1024
export const CHURN = 0.3
export const LOSS = 0.05
export const CALM_MS = 5000
const DEGREE = 8
const EVERY_MS = 100

/**
 * One member publishes to many while 30 % of them go and come back, lines are cut, and 5 % of all writes vanish. Then it is
 * calm for five seconds.
 */
export async function storm({ seed, members, messages }: StormInit): Promise<StormOutcome> {
  await using crowd = new Crowd({ members, degree: DEGREE, seed, directMembersMax: 0 })
  await crowd.start()
  const [publisher, ...others] = crowd.members as [Member, ...Member[]]
  const speaker = publisher.life as Life
  const before = bytesIn(crowd)
  crowd.loss.fraction = LOSS
  const goings = Array.from({ length: Math.floor(members * CHURN) }, () => randomInt(crowd.random, messages))
  const comings = new Map<number, Member[]>()
  const publishedAt: number[] = []
  const bornAt = new Map<Life, number>(crowd.lives.map((life) => [life, 0]))
  const revive = async (member: Member): Promise<void> => {
    bornAt.set(await crowd.revive(member), crowd.clock.monotonic())
  }
  for (let number = 1; number <= messages; number++) {
    publishedAt[number] = crowd.clock.monotonic()
    await speaker.say(number, { bytes: BODY_BYTES })
    for (const going of goings) if (going === number) leave(crowd, others, comings, number)
    for (const member of comings.get(number) ?? []) await revive(member)
    if (number % 10 === 0) {
      crowd.cut(Math.ceil(members / 100))
      crowd.mend()
    }
    await crowd.pass(EVERY_MS)
  }
  for (const member of others) if (member.life === undefined) await revive(member)
  crowd.loss.fraction = 0
  crowd.mend()
  const calmAt = crowd.clock.monotonic()
  await crowd.pass(CALM_MS)
  return outcomeOf({ crowd, speaker, publishedAt, bornAt, calmAt, before })
}

function leave(crowd: Crowd, others: readonly Member[], comings: Map<number, Member[]>, now: number): void {
  const alive = others.filter((member) => member.life !== undefined)
  const member = alive[randomInt(crowd.random, alive.length)]
  if (member?.life === undefined) return
  crowd.kill(member.life)
  const back = now + 10 + randomInt(crowd.random, 50)
  comings.set(back, [...(comings.get(back) ?? []), member])
}

interface Course {
  readonly crowd: Crowd
  readonly speaker: Life
  readonly publishedAt: readonly number[]
  readonly bornAt: ReadonlyMap<Life, number>
  readonly calmAt: number
  readonly before: number
}

function outcomeOf({ crowd, speaker, publishedAt, bornAt, calmAt, before }: Course): StormOutcome {
  const published = publishedAt.length - 1
  const listeners = crowd.lives.filter((life) => life !== speaker)
  const alive = crowd.alive.filter((life) => life !== speaker)
  const count = (life: Life): number => new Set(life.heard.map(({ number }) => number)).size
  const missing = (life: Life): number => published - count(life)
  const complete = alive.filter((life) => missing(life) === 0)
  const aware = alive.filter((life) => missing(life) > 0 && (life.missed.get(speaker.peer) ?? 0) >= missing(life))
  const sum = (of: (life: Life) => number): number => listeners.reduce((total, life) => total + of(life), 0)
  const copies = sum(({ bus }) => bus.status().figures?.copiesIn ?? 0)
  const firsts = sum(count)
  const due = alive.map((life) => {
    const since = (bornAt.get(life) ?? 0) - CALM_MS
    const numbers = publishedAt.flatMap((at, number) => (at >= since ? [number] : []))
    const heard = new Set(life.heard.map(({ number }) => number))
    return { due: numbers.length, got: numbers.filter((number) => heard.has(number)).length }
  })
  const heard = listeners.flatMap((life) => life.heard.map((one) => ({ ...one, bornAt: bornAt.get(life) ?? 0 })))
  const latencies = heard.flatMap(({ number, at, bornAt }) => {
    const from = publishedAt[number] ?? 0
    return from >= bornAt ? [at - from] : []
  })
  return {
    published,
    alive: alive.length,
    complete: complete.length,
    aware: aware.length,
    unaware: alive.length - complete.length - aware.length,
    deliveredShare: due.reduce((total, one) => total + one.got, 0) / due.reduce((total, one) => total + one.due, 0),
    faults: crowd.lives.reduce((total, { bus }) => total + (bus.status().figures?.faults ?? 0), 0),
    repeats: sum((life) => life.heard.length - count(life)),
    copies: copies / firsts,
    lost: crowd.loss.lost,
    latencyMs: latencies.toSorted((a, b) => a - b),
    calmMs: Math.max(0, ...heard.map(({ at }) => at - calmAt)),
    controlBytes: (bytesIn(crowd) - before - copies * BODY_BYTES) / crowd.members.length / published,
  }
}

/** Of all lives. */
function bytesIn(crowd: Crowd): number {
  return crowd.lives.reduce((sum, { bus }) => sum + (bus.status().figures?.bytesIn ?? 0), 0)
}
