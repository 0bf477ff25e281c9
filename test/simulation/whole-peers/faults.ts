import type { PeerId } from '../../../src/base/index.ts'
import { between, chance, pick, some } from './chance.ts'
import type { CrashPlan } from './disk.ts'
import type { Action, Scene } from './scene.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { clearUp, worsen } from './weather.ts'

const MINUTE_MS = 60_000
/** Clocks within this are what every machine has; beyond it records of the future are set aside. */
const SKEW_MS = 2 * MINUTE_MS
const JUMP_MS = 8 * MINUTE_MS

function idsOf(peers: readonly SimulatedPeer[]): readonly PeerId[] {
  return peers.flatMap(({ id }) => id ?? [])
}

function note({ world }: Scene, fault: string, what: string): void {
  world.trace.note(what)
  world.book.count(fault)
}

const partition: Action = (scene) => {
  const { world, random } = scene
  const left = some(random, world.peers)
  const right = world.peers.filter((peer) => !left.includes(peer))
  const oneWay = chance(random, 0.4)
  world.network.partition(idsOf(left), idsOf(right), { oneWay })
  note(scene, 'partition', `partition ${oneWay ? 'one way ' : ''}${left.map(({ number }) => number).join()}`)
}

const heal: Action = (scene) => {
  scene.world.network.heal()
  note(scene, 'heal', 'heal')
}

const cut: Action = (scene) => {
  const [a, b] = [pick(scene.random, scene.world.peers), pick(scene.random, scene.world.peers)]
  if (a.id === undefined || b.id === undefined || a === b) return
  scene.world.network.cut(a.id, b.id)
  note(scene, 'cut', `cut ${a.number} ${b.number}`)
}

const slow: Action = (scene) => {
  const [a, b] = [pick(scene.random, scene.world.peers), pick(scene.random, scene.world.peers)]
  if (a.id === undefined || b.id === undefined || a === b) return
  scene.world.network.slow(a.id, b.id, pick(scene.random, [0, 50, 500, 3_000]))
  note(scene, 'slow', `slow ${a.number} ${b.number}`)
}

const weather: Action = (scene) => {
  const peer = pick(scene.random, scene.world.peers)
  if (chance(scene.random, 0.5)) clearUp(peer.weather)
  else worsen(peer.weather, scene.random)
  note(scene, 'weather', `weather of ${peer.number}: ${JSON.stringify(peer.weather)}`)
}

const freeze: Action = (scene) => {
  const { world, random } = scene
  const peer = pick(random, world.peers)
  if (peer.id === undefined) return
  if (chance(random, 0.5)) world.network.thaw(peer.id)
  else world.network.freeze(peer.id)
  note(scene, 'freeze', `freeze or thaw ${peer.number}`)
}

const crash: Action = (scene) => {
  const { world, random } = scene
  const up = world.running()
  if (up.length === 0) return
  const peer = pick(random, up)
  const at = pick(random, ['now', 'statement', 'before-commit', 'after-commit', 'torn-commit'] as const)
  if (at === 'now') return world.cutPower(peer)
  const plan: CrashPlan = { at, n: at === 'statement' ? between(random, 1, 60) : between(random, 1, 4) }
  peer.disk.plan(plan)
  world.trace.note(`${peer.name} will lose power at ${plan.at} ${plan.n}`)
}

/** Now and then the power goes again while the peer is starting. */
const restart: Action = async (scene) => {
  const { world, random } = scene
  const down = world.peers.filter(({ isUp }) => !isUp)
  if (down.length === 0) return
  const peer = pick(random, down)
  peer.disk.plan(chance(random, 0.15) ? { at: 'statement', n: between(random, 1, 200) } : undefined)
  world.book.count('restart')
  await world.start(peer)
}

const diskFull: Action = (scene) => {
  const { world, random } = scene
  const up = world.running()
  if (up.length === 0) return
  const peer = pick(random, up)
  if (peer.disk.isFull) peer.disk.free()
  else peer.disk.fill()
  note(scene, 'disk', `disk of ${peer.number} ${peer.disk.isFull ? 'is full' : 'has room'}`)
}

const clock: Action = (scene) => {
  const { world, random } = scene
  const peer = pick(random, world.peers)
  const range = chance(random, 0.3) ? JUMP_MS : SKEW_MS
  const error = (2 * random.unit() - 1) * range
  peer.clock.setError(error, (2 * random.unit() - 1) * 1e-4)
  note(scene, 'clock', `clock of ${peer.number} is off by ${error.toFixed(0)}`)
}

/** Somebody copies the folder of a peer, and puts the copy back much later. */
const backUp: Action = (scene) => {
  const peer = pick(scene.random, scene.world.peers)
  if (peer.id === undefined) return
  scene.copies.set(peer, { image: peer.disk.copy(), held: new Set(peer.held) })
  note(scene, 'copy', `copy of ${peer.number}`)
}

const putBack: Action = async (scene) => {
  const { world, random, copies } = scene
  if (copies.size === 0) return
  const [peer, { image, held }] = pick(random, [...copies])
  world.cutPower(peer)
  peer.disk.restore(image)
  copies.delete(peer)
  peer.held.clear()
  for (const id of held) peer.held.add(id)
  note(scene, 'put-back', `old copy of ${peer.number}: it wrote ${world.book.forget(peer)} records since`)
  await world.start(peer)
}

export const COPIES: Readonly<Record<string, Action>> = { backUp, putBack }

export const FAULTS: Readonly<Record<string, Action>> = {
  partition,
  heal,
  cut,
  slow,
  weather,
  freeze,
  crash,
  diskFull,
  clock,
}
export const MENDING: Readonly<Record<string, Action>> = { restart, heal }
