import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomInt, type SpaceId } from '../../../src/base/index.ts'
import type { Peer } from '../../support/peer.ts'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

const SEEDS: number = Number(process.env.PLEXUS_SEEDS ?? 8)
const FIRST: number = Number(process.env.PLEXUS_FIRST_SEED ?? 1)
const STEPS = 40
const PEERS_MAX = 8

interface Walk {
  readonly town: Neighbourhood
  readonly space: SpaceId
  /** Acknowledged, by peer number: must be with everyone in the end. */
  readonly written: string[]
  readonly members: Set<number>
  readonly trace: string[]
}

function pick<T>(walk: Walk, items: readonly T[]): T {
  return items[randomInt(walk.town.random, items.length)] as T
}

function running(walk: Walk): readonly [number, Peer][] {
  return [...walk.town.peers]
}

const STEPS_BY_NAME: Readonly<Record<string, (walk: Walk) => Promise<void>>> = {
  write: async (walk) => {
    const { town, space, written } = walk
    const [number, peer] = pick(walk, running(walk))
    const count = pick(walk, [1, 1, 2, 5, 40, 300])
    const fresh = Array.from({ length: count }, (_, index) => `${number}: ${written.length + index}`)
    await town.think(peer, space, ...fresh)
    written.push(...fresh)
  },
  link: async (walk) => {
    const [[, a], [, b]] = [pick(walk, running(walk)), pick(walk, running(walk))]
    if (a !== b) await walk.town.link(a, b).catch(() => undefined)
  },
  cut: async (walk) => {
    const [[, a], [, b]] = [pick(walk, running(walk)), pick(walk, running(walk))]
    walk.town.network.cut(a.id, b.id)
  },
  kill: async (walk) => {
    if (running(walk).length > 2) await walk.town.kill(pick(walk, running(walk))[0])
  },
  restart: async (walk) => {
    const down = [...walk.members].filter((number) => !walk.town.peers.has(number))
    if (down.length > 0) await walk.town.start(pick(walk, down))
  },
  partition: async (walk) => {
    const ids = running(walk).map(([, { id }]) => id)
    const at = 1 + randomInt(walk.town.random, ids.length - 1)
    walk.town.network.partition(ids.slice(0, at), ids.slice(at))
  },
  heal: async (walk) => walk.town.network.heal(),
  join: async (walk) => {
    const { town, space, members } = walk
    const host = town.peers.get(1)
    if (host === undefined || members.size >= PEERS_MAX) return
    town.network.heal()
    const number = members.size + 1
    const guest = await town.start(number)
    await town.admit(host, guest, space)
    members.add(number)
  },
}
const NAMES = ['write', 'write', 'write', 'link', 'link', 'cut', 'kill', 'restart', 'partition', 'heal', 'join']

async function walkWith(seed: number): Promise<void> {
  await using town = new Neighbourhood(seed)
  const { space } = await town.village(3)
  const walk: Walk = { town, space, written: [], members: new Set([1, 2, 3]), trace: [] }
  try {
    for (let step = 0; step < STEPS; step++) {
      const name = pick(walk, NAMES)
      walk.trace.push(name)
      await STEPS_BY_NAME[name]?.(walk)
      await town.run(pick(walk, [0, 1, 10, 100, 3_000, 20_000]))
    }
    await calm(walk)
    check(walk)
  } catch (error) {
    throw new Error(`PLEXUS_FIRST_SEED=${seed} PLEXUS_SEEDS=1 repeats this: ${walk.trace.join(' ')}`, { cause: error })
  }
}

async function calm({ town, members }: Walk): Promise<void> {
  town.network.heal()
  await town.run(30_000)
  for (const number of members) if (!town.peers.has(number)) await town.start(number)
  await town.mesh()
  await town.run(180_000)
}

function check({ town, space, written }: Walk): void {
  const [[, first]] = running({ town } as Walk) as [[number, Peer]]
  for (const [number, peer] of town.peers) {
    assert.equal(holdings(peer, space), holdings(first, space), `peer ${number} differs`)
    const held = new Set(texts(peer, space))
    assert.deepEqual(
      written.filter((text) => !held.has(text)),
      [],
      `peer ${number} lost records`,
    )
    const progress = peer.sync.progress()[0]!
    assert.equal(progress.behind, 0)
    assert.equal(progress.parked, 0)
    assert.equal(progress.inStepWith.length, town.peers.size - 1, `peer ${number} is in step with all`)
    assert.equal(figure(peer, 'peersCutOff'), 0)
    for (const [name, count] of Object.entries(peer.sync.status().figures ?? {})) {
      if (name.startsWith('fault:')) assert.equal(count, 0, `an honest peer was blamed: ${name} ${count}`)
    }
  }
}

for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
  test(`after a random walk and a calm all members hold the same (seed ${seed})`, () => walkWith(seed))
}
