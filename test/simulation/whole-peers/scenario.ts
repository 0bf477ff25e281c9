import type { Random } from '../../../src/base/index.ts'
import { between, chance, pick, seededFor } from './chance.ts'
import { findingsOf, honestMembers, lastFindingsOf } from './checks.ts'
import { PowerCut } from './disk.ts'
import { COPIES, FAULTS, MENDING } from './faults.ts'
import { LYING, TWINS } from './liars.ts'
import type { Action, Scene } from './scene.ts'
import { clearUp } from './weather.ts'
import { join, WORKLOAD } from './workload.ts'
import { Violation, World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Longer than the longest time for which anything is put off: records of the future, peers that are not listened to. */
const CALM_MAX_MS = 30 * MINUTE_MS
/** How long everything must hold before that is believed. */
const CALM_MIN_MS = 3 * MINUTE_MS

export interface ScenarioOptions {
  /** Of bad weather; the calm comes on top. */
  readonly hours: number
  readonly keepTrace: boolean
}

export interface Outcome {
  readonly seed: number
  readonly hash: string
  readonly violation:
    | { readonly check: string; readonly message: string; readonly stack: string | undefined }
    | undefined
  readonly virtualMs: number
  readonly counts: Readonly<Record<string, number>>
  readonly trace: readonly string[]
}

/** What happens in this run, and how often: each seed draws its own, so that rare mixtures come up (swarm testing). */
interface Script {
  readonly actions: readonly Action[]
  readonly gapsMs: readonly number[]
  readonly members: number
}

export async function runSeed(seed: number, options: ScenarioOptions): Promise<Outcome> {
  await using world = new World(seed, options)
  let violation: Outcome['violation']
  try {
    await play(world, options)
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    violation = { check: error instanceof Violation ? error.check : 'thrown', message, stack }
  }
  return {
    seed,
    hash: world.trace.digest,
    violation,
    virtualMs: world.clock.monotonic(),
    counts: Object.fromEntries(world.book.counts),
    trace: world.trace.lines(),
  }
}

async function play(world: World, { hours }: ScenarioOptions): Promise<void> {
  const random = seededFor(world.seed, 'play')
  const script = scriptOf(random)
  const scene = await village(world, random, script.members)
  const end = world.clock.monotonic() + hours * HOUR_MS
  while (world.clock.monotonic() < end) {
    for (const action of scene.later.splice(0)) await act(scene, action)
    await act(scene, pick(random, script.actions))
    await world.run(pick(random, script.gapsMs))
  }
  await calm(scene)
  await settle(scene)
}

/** The power may go in the middle of a call that we make ourselves. */
async function act(scene: Scene, action: Action): Promise<void> {
  try {
    await action(scene)
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error
  }
}

function scriptOf(random: Random): Script {
  const draw = (from: Readonly<Record<string, Action>>, share: number, mostOften: number): readonly Action[] =>
    Object.values(from).flatMap((action) => {
      return chance(random, share) ? Array.from({ length: between(random, 1, mostOften) }, () => action) : []
    })
  const work = draw(WORKLOAD, 0.8, 4)
  const faults = [...draw(FAULTS, 0.4, 3), ...draw(MENDING, 1, 3)]
  const evil = [LYING, TWINS].flatMap((group) => (chance(random, 0.35) ? draw(group, 1, 8) : []))
  const copies = chance(random, 0.3) ? draw(COPIES, 1, 5) : []
  // A founder put back may fork its control log, and with it void an erasure that others have obeyed (docs/simulation.md).
  const doable = copies.length > 0 ? work.filter((action) => action !== WORKLOAD.erase) : work
  const gapsMs = pick(random, [
    [0, 1, 10, 100, 3_000],
    [1, 100, 1_000, 5_000, 20_000],
    [0, 0, 10, 30_000],
  ])
  const { write } = WORKLOAD
  const more = write === undefined ? [] : [write, write]
  return { actions: [...doable, ...faults, ...evil, ...copies, ...more], gapsMs, members: between(random, 2, 4) }
}

/** A space with a few members, all linked, before anything goes wrong. */
async function village(world: World, random: Random, members: number): Promise<Scene> {
  const founder = world.add()
  await world.start(founder)
  const { node } = founder
  if (node === undefined) throw new Violation('starts', 'the founder does not start')
  const { id: space } = await world.until(
    node.spaces.create({ name: 'village', personal: false, encrypted: chance(random, 0.5) }),
  )
  const scene: Scene = {
    world,
    random,
    space,
    founder,
    tickets: new Map(),
    joined: new Set([founder]),
    copies: new Map(),
    later: [],
  }
  for (let number = 1; number < members; number++) {
    const role = number === 1 ? 'admin' : 'writer'
    const { ticket } = await world.until(node.call('space.invite', { space, role, uses: 1 }))
    const peer = world.add()
    await world.start(peer)
    if (peer.node !== undefined) join(scene, { peer, node: peer.node }, ticket)
    await world.run(2_000)
  }
  return scene
}

/** Everything is mended; then all that was put off has time to come. */
async function calm({ world }: Scene): Promise<void> {
  world.trace.note('calm')
  world.network.heal()
  for (const peer of world.peers) {
    if (peer.id !== undefined) world.network.thaw(peer.id)
    for (const other of world.peers) {
      if (peer.id !== undefined && other.id !== undefined) world.network.slow(peer.id, other.id, 0)
    }
    clearUp(peer.weather)
    peer.disk.plan(undefined)
    peer.disk.free()
    peer.clock.setError(0)
  }
  await world.run(5_000)
  // Of two machines with one key, one is switched off for good: others cannot tell them apart and would hear both in turns.
  for (const peer of world.peers) if (peer.address !== undefined) world.cutPower(peer)
  for (const peer of world.peers) if (peer.address === undefined) await world.start(peer)
  // Lanes on which frames were lost or doubled owe each other credit: all begin anew.
  for (const a of world.peers) {
    for (const b of world.peers) if (a !== b && a.id !== undefined && b.id !== undefined) world.network.cut(a.id, b.id)
  }
}

function checkLast(scene: Scene): void {
  const [first] = lastFindingsOf(scene)
  if (first !== undefined) scene.world.fail(first.check, first.what)
  scene.world.throwIfBroken()
}

/** In a calm members find each other, as they would on one network: those they knew may all be gone. */
function introduce(scene: Scene): void {
  const members = honestMembers(scene)
  for (const [index, { node }] of members.entries()) {
    for (const { node: other } of members.slice(index + 1)) {
      if (node.transport.links().some(({ peer }) => peer === other.peer)) continue
      // Both may dial at this moment: whatever comes of it, the next round sees.
      node.transport.dial(other.peer, other.transport.addresses()).catch(() => undefined)
    }
  }
}

/** Ends once all promises hold and go on holding; or when the longest time that anything may take is over. */
async function settle(scene: Scene): Promise<void> {
  const { world } = scene
  const end = world.clock.monotonic() + CALM_MAX_MS
  for (let goodSince: number | undefined; ; ) {
    // Whoever was never told that it is a member asks again, as a person would.
    for (const [peer, ticket] of scene.tickets) {
      if (peer.node !== undefined && !scene.joined.has(peer)) join(scene, { peer, node: peer.node }, ticket)
    }
    introduce(scene)
    await world.run(MINUTE_MS)
    const now = world.clock.monotonic()
    const [first] = findingsOf(scene)
    if (first === undefined) goodSince ??= now
    else goodSince = undefined
    if (goodSince !== undefined && now - goodSince >= CALM_MIN_MS) return checkLast(scene)
    if (first !== undefined && now >= end) world.fail(first.check, first.what)
    world.throwIfBroken()
  }
}
