import { codeOf, reasonOf } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import type { Role } from '../../../src/space/index.ts'
import { between, chance, pick } from './chance.ts'
import { NOTE_KIND, noteBody } from './notes.ts'
import type { Action, Scene } from './scene.ts'
import type { SimulatedPeer } from './simulated-peer.ts'

/** Machines at most, those of liars and twins among them. */
const PEERS_MAX = 8
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const

/** A peer that runs, and its node. */
export function someone(scene: Scene, fits: (peer: SimulatedPeer) => boolean = () => true): Actor | undefined {
  const fit = scene.world.running().filter((peer) => peer.isHonest && fits(peer))
  if (fit.length === 0) return undefined
  const peer = pick(scene.random, fit)
  return peer.node === undefined ? undefined : { peer, node: peer.node }
}

interface Actor {
  readonly peer: SimulatedPeer
  readonly node: PlexusNode
}

function roleOf({ space }: Scene, peer: SimulatedPeer): Role | undefined {
  return peer.node === undefined || peer.id === undefined ? undefined : peer.node.spaces.roleOf(space, peer.id)
}

/** What a caller of the product sees of a call: it went through, or an error came, or nobody ever heard of it again. */
export function hear<T>(
  scene: Scene,
  { peer, node }: Actor,
  what: string,
  call: Promise<T>,
  heard?: (result: T) => void,
): void {
  const { world } = scene
  world.trace.note(`${peer.name}: ${what}`)
  world.book.count(what.split(' ')[0] ?? what)
  call.then(
    (result) => {
      if (peer.node !== node) return
      world.trace.note(`${peer.name}: done, ${what}`)
      heard?.(result)
    },
    (error: unknown) => {
      if (peer.node !== node) return
      world.trace.note(`${peer.name}: failed, ${what}: ${codeOf(error)}`)
      const isExpected = codeOf(error) !== undefined
      if (!isExpected) world.fail('errors', `${peer.name}: ${what} failed without a code: ${reasonOf(error)}`)
    },
  )
}

const write: Action = (scene) => {
  const { random, space, world } = scene
  const actor = someone(scene)
  if (actor === undefined) return
  const count = pick(random, [1, 1, 1, 2, 3, 8, 40])
  const isExpiring = chance(random, 0.2)
  const drafts = Array.from({ length: count }, () => {
    const name = pick(random, ['put', 'put', 'add', 'add', 'wipe'] as const)
    const body = noteBody(pick(random, KEYS), name === 'add' ? between(random, 1, 99) : `v${between(random, 0, 9_999)}`)
    const exp = Math.floor(world.clock.now()) + between(random, 10_000, 900_000)
    return isExpiring
      ? { space, class: LOG_CLASS.expiring, kind: NOTE_KIND[name], body, exp }
      : { space, class: LOG_CLASS.durable, kind: NOTE_KIND[name], body }
  })
  const acknowledge = (records: readonly StoredRecord[]): void => {
    for (const record of records) world.book.acknowledge(record)
  }
  hear(scene, actor, `write ${count}`, actor.node.journal.appendAll(drafts), acknowledge)
}

const think: Action = (scene) => {
  const { random, space } = scene
  const actor = someone(scene)
  if (actor === undefined) return
  const text = `thought ${between(random, 0, 99_999)}`
  hear(scene, actor, 'think', actor.node.call('thought.share', { text, space }), ({ thought }) => {
    const record = actor.node.journal.record(thought.id)
    if (record === undefined) scene.world.fail('acknowledged', `${actor.peer.name} has no record of what it shared`)
    else scene.world.book.acknowledge(record)
  })
}

/** One ticket, and as many newcomers as may come with it, or one more, all at once. */
const invite: Action = (scene) => {
  const { random, space, world } = scene
  const host = someone(scene, (peer) => ['founder', 'admin'].includes(roleOf(scene, peer) ?? ''))
  if (host === undefined || world.peers.length >= PEERS_MAX) return
  const uses = between(random, 1, 2)
  const role = pick(random, ['reader', 'writer', 'writer', 'admin'] as const)
  const guests = Math.min(uses + between(random, 0, 1), PEERS_MAX - world.peers.length)
  const inviting = host.node.call('space.invite', { space, role, uses, ttlMs: between(random, 60_000, 3_600_000) })
  hear(scene, host, `invite ${guests} for ${uses} as ${role}`, inviting, ({ ticket }) => {
    scene.later.push(async () => {
      for (let guest = 0; guest < guests; guest++) await welcome(scene, ticket)
    })
  })
}

async function welcome(scene: Scene, ticket: string): Promise<void> {
  const { world } = scene
  const peer = world.add()
  await world.start(peer)
  if (peer.node !== undefined) join(scene, { peer, node: peer.node }, ticket)
}

export function join(scene: Scene, guest: Actor, ticket: string): void {
  scene.tickets.set(guest.peer, ticket)
  hear(scene, guest, 'join', guest.node.call('space.join', { ticket }), () => scene.joined.add(guest.peer))
}

/** Whoever was cut off while it joined tries again. */
const joinAgain: Action = (scene) => {
  const waiting = [...scene.tickets].filter(([peer]) => peer.isUp && !scene.joined.has(peer))
  if (waiting.length === 0) return
  const [peer, ticket] = pick(scene.random, waiting)
  if (peer.node !== undefined) join(scene, { peer, node: peer.node }, ticket)
}

const setRole: Action = (scene) => {
  const { random, space } = scene
  const actor = someone(scene, (peer) => ['founder', 'admin'].includes(roleOf(scene, peer) ?? ''))
  const members = actor?.node.spaces.get(space)?.members ?? []
  if (actor === undefined || members.length === 0) return
  const target = pick(random, members)
  const role = pick(random, ['reader', 'writer', 'admin'] as const)
  hear(scene, actor, `role ${role} for ${target.name}`, actor.node.spaces.setRole(space, target.peer, role))
}

const syncNow: Action = (scene) => {
  const actor = someone(scene)
  if (actor !== undefined) hear(scene, actor, 'sync', actor.node.sync.syncNow(scene.space))
}

const link: Action = (scene) => {
  const [a, b] = [someone(scene), someone(scene)]
  if (a === undefined || b === undefined || a.peer === b.peer) return
  hear(scene, a, `dial ${b.peer.name}`, a.node.transport.dial(b.node.peer, b.node.transport.addresses()))
}

function admin(scene: Scene): Actor | undefined {
  return someone(scene, (peer) => ['founder', 'admin'].includes(roleOf(scene, peer) ?? ''))
}

const revoke: Action = (scene) => {
  const { random, space } = scene
  const actor = admin(scene)
  const others = (actor?.node.spaces.get(space)?.members ?? []).filter(({ peer }) => peer !== actor?.node.peer)
  if (actor === undefined || others.length === 0) return
  const target = pick(random, others)
  hear(scene, actor, `revoke ${target.name}`, actor.node.spaces.revoke(space, target.peer))
}

const leave: Action = (scene) => {
  const actor = someone(scene, (peer) => peer !== scene.founder && roleOf(scene, peer) !== undefined)
  if (actor !== undefined) hear(scene, actor, 'leave', actor.node.spaces.leave(scene.space))
}

/** Whoever was removed comes again, with a new ticket of somebody who may say so. */
const comeBack: Action = (scene) => {
  const { random, space } = scene
  const host = admin(scene)
  const former = (host?.node.spaces.former(space) ?? []).map(({ peer }) => peer)
  const guest = someone(scene, ({ id }) => id !== undefined && former.includes(id))
  if (host === undefined || guest === undefined) return
  const role = pick(random, ['reader', 'writer', 'admin'] as const)
  const inviting = host.node.call('space.invite', { space, role, uses: 1 })
  hear(scene, host, `invite ${guest.peer.name} back as ${role}`, inviting, ({ ticket }) => {
    scene.joined.delete(guest.peer)
    if (guest.peer.node === guest.node) join(scene, guest, ticket)
  })
}

const revokeInvite: Action = (scene) => {
  const actor = admin(scene)
  const open = (actor?.node.spaces.invites(scene.space) ?? []).filter(({ used, uses }) => used < uses)
  if (actor === undefined || open.length === 0) return
  const { id } = pick(scene.random, open)
  hear(scene, actor, 'revoke-invite', actor.node.spaces.revokeInvite(scene.space, id))
}

/** Records of a removed device that came too late count after all. */
const accept: Action = (scene) => {
  const { random, space } = scene
  const actor = admin(scene)
  const voided = actor?.node.journal.voided(space) ?? []
  if (actor === undefined || voided.length === 0) return
  const { author: device, log } = pick(random, voided)
  hear(scene, actor, `accept ${log}`, actor.node.spaces.accept(space, { device, log }))
}

/** By the founder alone: an erasure by somebody whose word is void later has dropped bodies that count (docs/simulation.md). */
const erase: Action = (scene) => {
  const { random, space, world, founder } = scene
  const actor = someone(scene, (peer) => peer === founder)
  const records = [...world.book.acknowledged.values()].filter(({ id }) => founder.held.has(id))
  if (actor === undefined || records.length === 0) return
  const { id } = pick(random, records)
  hear(scene, actor, `erase ${id.slice(0, 8)}`, actor.node.spaces.erase(space, id))
}

const chooseBranch: Action = (scene) => {
  const { random, space } = scene
  const actor = someone(scene, (peer) => roleOf(scene, peer) !== undefined)
  const forks = (actor?.node.spaces.forksOf(space) ?? []).filter(({ chosen }) => chosen === undefined)
  if (actor === undefined || forks.length === 0) return
  const { device, log, seq, branches } = pick(random, forks)
  const held = branches.filter(({ to }) => to !== undefined)
  if (held.length === 0) return
  const { id } = pick(random, held)
  hear(scene, actor, `choose ${log} ${seq}`, actor.node.spaces.chooseBranch(space, { device, log, seq, id }))
}

export const WORKLOAD: Readonly<Record<string, Action>> = {
  write,
  think,
  invite,
  joinAgain,
  setRole,
  syncNow,
  link,
  revoke,
  leave,
  comeBack,
  revokeInvite,
  accept,
  erase,
  chooseBranch,
}
