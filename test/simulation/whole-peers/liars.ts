import { concatBytes, HLC_STEPS_PER_MS, hexOf, type Random, type RecordId } from '../../../src/base/index.ts'
import { type Identity, identityFromSeeds, loadOrCreateIdentity } from '../../../src/identity/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import {
  type BodyMap,
  bodyHashOf,
  decodeHeader,
  encodeBody,
  encodeFrames,
  encodeHeader,
  type Frame,
  type Header,
  LOG_CLASS,
  recordIdBytes,
  signHeader,
} from '../../../src/records/index.ts'
import { CONTROL_KIND, writeControl } from '../../../src/space/index.ts'
import { encodeHave } from '../../../src/sync/wire.ts'
import { between, chance, pick } from './chance.ts'
import { NOTE_KIND, noteBody } from './notes.ts'
import type { Action, Scene } from './scene.ts'
import type { SimulatedPeer } from './simulated-peer.ts'

const MINUTE_MS = 60_000
const LIARS_MAX = 2
const FLOOD_FRAMES = 90

/** A member that tells lies beside what its peer does by itself: whoever has its key can. */
interface Liar {
  readonly scene: Scene
  readonly peer: SimulatedPeer
  readonly node: PlexusNode
  readonly identity: Identity
  readonly random: Random
}

/** One of the members, never the founder, is taken over by somebody who means harm. */
const corrupt: Action = (scene) => {
  const { world, random, founder, space } = scene
  const fit = world.running().filter((peer) => peer.isHonest && peer !== founder && isMember(peer, space))
  const liars = world.peers.filter(({ isHonest }) => !isHonest)
  if (fit.length === 0 || liars.length >= LIARS_MAX) return
  const peer = pick(random, fit)
  peer.isHonest = false
  world.trace.note(`${peer.name} turns bad`)
  world.book.count('liar')
}

function isMember({ node, id }: SimulatedPeer, space: Scene['space']): boolean {
  return id !== undefined && node?.spaces.roleOf(space, id) !== undefined
}

const lie: Action = (scene) => {
  const { world, random } = scene
  const liars = world.running().filter(({ isHonest }) => !isHonest)
  if (liars.length === 0) return
  const peer = pick(random, liars)
  const { node } = peer
  if (node === undefined || !isMember(peer, scene.space)) return
  const identity = loadOrCreateIdentity({ folder: peer.disk.folder, random, name: peer.name })
  const [name, tell] = pick(random, Object.entries(LIES))
  world.trace.note(`${peer.name} lies: ${name}`)
  world.book.count(`lie:${name}`)
  tell({ scene, peer, node, identity, random })
}

const LIES: Readonly<Record<string, (liar: Liar) => void>> = {
  /** Two records at one place: everybody has the one, and now hears the other. */
  equivocate: (liar) => {
    const last = lastOwn(liar)
    if (last !== undefined) publish(liar, [signed(liar, { ...last.header, hlc: last.header.hlc + 7 }, last.frame.body)])
  },
  /** And goes on on the other branch. */
  branch: (liar) => {
    const last = lastOwn(liar)
    if (last === undefined) return
    const other = signed(liar, { ...last.header, hlc: last.header.hlc + 9 }, last.frame.body)
    const prev = recordIdBytes(other.header)
    const next = { ...last.header, seq: last.header.seq + 1, prev, hlc: last.header.hlc + 10 }
    publish(liar, [other, signed(liar, next, last.frame.body)])
  },
  wrongHash: (liar) => {
    const next = nextNote(liar)
    publish(liar, [{ ...next, body: new Uint8Array(next.body?.length ?? 20).fill(7) }])
  },
  badSignature: (liar) => publish(liar, [{ ...nextNote(liar), signature: new Uint8Array(64).fill(9) }]),
  /** In the name of somebody else. */
  forge: (liar) => {
    const others = heads(liar).filter(({ author }) => author !== liar.node.peer)
    if (others.length === 0) return
    const { author, log, seq } = pick(liar.random, others)
    const [frame] = liar.node.journal.frames(liar.scene.space, author, log, seq, seq)
    if (frame === undefined) return
    const header = { ...decodeHeader(frame.header), hlc: decodeHeader(frame.header).hlc + 1 }
    publish(liar, [signed(liar, header, frame.body)])
  },
  brokenChain: (liar) => publish(liar, [nextNote(liar, { prev: new Uint8Array(32).fill(3) })]),
  /** More than anybody sets aside for one log. */
  flood: (liar) => {
    const gap = between(liar.random, 5, 5_000)
    publish(
      liar,
      Array.from({ length: FLOOD_FRAMES }, (_, index) => nextNote(liar, { seq: gap + index * 3 })),
    )
  },
  future: (liar) => {
    const hlc = (liar.scene.world.clock.now() + between(liar.random, 6, 60 * 24) * MINUTE_MS) * HLC_STEPS_PER_MS
    publish(liar, [nextNote(liar, { hlc })])
  },
  replay: (liar) => {
    const all = heads(liar)
    if (all.length === 0) return
    const { author, log, base, seq } = pick(liar.random, all)
    const from = between(liar.random, base, seq)
    const frames = liar.node.journal.frames(liar.scene.space, author, log, from, seq)
    if (frames.length > 0) publish(liar, frames)
  },
  otherSpace: (liar) => publish(liar, [nextNote(liar, { space: new Uint8Array(32).fill(5) })]),
  /** Lets itself or a stranger be more than it may. */
  usurp: (liar) => {
    const { scene, node, random } = liar
    const members = scene.world.peers.flatMap(({ id }) => id ?? [])
    const device = chance(random, 0.5) ? node.peer : pick(random, members)
    const replaces = scene.space as unknown as RecordId
    const role = { device, role: 'admin', replaces, cuts: [] } as const
    if (chance(random, 0.5)) control(liar, CONTROL_KIND.role, writeControl('role', role))
    else control(liar, CONTROL_KIND.revoke, writeControl('revoke', { device, cuts: [] }))
  },
  /** A friend comes in at a level of the liar's choice, as an admin, with or without a ticket that was used up long ago. */
  friend: (liar) => {
    const { scene, node, random } = liar
    const own = node.spaces.invites(scene.space).filter(({ by, used }) => by === node.peer && used > 0)
    const invite = own.length > 0 && chance(random, 0.7) ? pick(random, own) : undefined
    const seeds = { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) }
    const friend = identityFromSeeds(seeds, { name: 'friend' })
    const admit = {
      device: friend.device.peer,
      principal: hexOf(friend.principal),
      role: invite?.role === undefined || invite.role === 'founder' ? 'admin' : invite.role,
      level: between(random, 1, 3),
      name: 'friend',
      certificate: friend.certificate,
      sealing: hexOf(friend.sealingKey),
      ...(invite === undefined ? {} : { invite: invite.id }),
    } as const
    control(liar, CONTROL_KIND.admit, writeControl('admit', admit))
  },
  /** From now on hands out the logs of others with an end of its own making, which nobody signed. */
  tamper: (liar) => {
    const { node } = liar
    const { frames } = node.journal
    node.journal.frames = (space, author, log, from, to) => {
      const right = frames.call(node.journal, space, author, log, from, to)
      const last = right.at(-1)
      if (last === undefined || author === node.peer) return right
      const header = decodeHeader(last.header)
      return [...right.slice(0, -1), { ...last, header: encodeHeader({ ...header, hlc: header.hlc + 1 }) }]
    }
  },
  claim: (liar) => {
    const { scene, node, random } = liar
    const log = `01${between(random, 0, 2 ** 32 - 1)
      .toString(16)
      .padStart(14, '0')}`
    const claims = [{ author: node.peer, log, base: 1, seq: between(random, 1, 100_000), shortId: '00'.repeat(8) }]
    const body = encodeHave({ space: scene.space, claims, more: false, fingerprint: undefined })
    for (const { peer } of node.transport.links()) void node.bus.send(peer, 'sync.have', body).catch(() => undefined)
  },
  garbage: (liar) => {
    const { scene, node, random } = liar
    const kinds = ['sync.have', 'sync.want', 'sync.rec', 'sync.done'] as const
    const priority = { priority: 'normal' } as const
    for (const { peer } of node.transport.links()) {
      void node.bus
        .send(peer, pick(random, kinds), random.bytes(between(random, 0, 60)), priority)
        .catch(() => undefined)
    }
    void node.bus.publish(`space/${scene.space}/records`, 'record.live', random.bytes(30)).catch(() => undefined)
  },
}

function heads({ node, scene }: Liar): ReturnType<PlexusNode['journal']['heads']> {
  return node.journal.heads(scene.space)
}

/** The last record of one of its own logs, as the others have it. */
function lastOwn(liar: Liar): { readonly frame: Frame; readonly header: Header } | undefined {
  const own = heads(liar).filter(({ author }) => author === liar.node.peer)
  if (own.length === 0) return undefined
  const { author, log, seq } = pick(liar.random, own)
  const [frame] = liar.node.journal.frames(liar.scene.space, author, log, seq, seq)
  return frame === undefined ? undefined : { frame, header: decodeHeader(frame.header) }
}

/** The next record of its own notes, signed but written nowhere. Where bodies are sealed it is one that nobody can read. */
function nextNote(liar: Liar, over: Partial<Header> = {}): Frame {
  const { node, scene, random } = liar
  const head = heads(liar).find(({ author, log }) => author === node.peer && log.startsWith('01'))
  const isEncrypted = node.spaces.get(scene.space)?.encrypted === true
  const [last] = head === undefined ? [] : node.journal.frames(scene.space, head.author, head.log, head.seq, head.seq)
  if (isEncrypted && last !== undefined) {
    const header = decodeHeader(last.header)
    const place = { seq: header.seq + 1, prev: recordIdBytes(last.header), hlc: header.hlc + 1 }
    return signed(liar, { ...header, ...place, ...over }, last.body)
  }
  const body = noteBody(pick(random, ['a', 'b']), 'lie')
  return fresh(liar, { class: LOG_CLASS.durable, kind: NOTE_KIND.put, body, head }, over)
}

interface Content {
  readonly class: number
  readonly kind: number
  readonly body: BodyMap
  readonly head: { readonly log: string; readonly seq: number; readonly id: string } | undefined
}

function fresh(liar: Liar, content: Content, over: Partial<Header> = {}): Frame {
  const { identity, random, scene } = liar
  const { head } = content
  const body = encodeBody(content.body, random)
  const header: Header = {
    v: 1,
    space: Buffer.from(scene.space, 'hex'),
    device: identity.device.publicKey,
    log: head === undefined ? concatBytes(Uint8Array.of(content.class), random.bytes(7)) : Buffer.from(head.log, 'hex'),
    seq: (head?.seq ?? 0) + 1,
    prev: head === undefined ? new Uint8Array(32) : Buffer.from(head.id, 'hex'),
    hlc: liar.peer.clock.now() * HLC_STEPS_PER_MS,
    auth: new Uint8Array(8),
    kind: content.kind,
    flags: 0,
    epoch: 0,
    exp: 0,
    bodyHash: bodyHashOf(body),
    bodyLen: body.length,
    ...over,
  }
  return signed(liar, header, body)
}

function signed({ identity }: Liar, header: Header, body: Uint8Array | null): Frame {
  const encoded = encodeHeader(header)
  return { header: encoded, signature: signHeader(identity.device, encoded), body }
}

/** Signs a control record, writes it, and so has it sent to all. */
function control(liar: Liar, kind: number, body: BodyMap): void {
  const { node, scene } = liar
  const head = heads(liar).find(({ author, log }) => author === node.peer && log.startsWith('00'))
  const frame = fresh(liar, { class: LOG_CLASS.control, kind, body, head })
  // A liar whose disk is full only says it.
  if (!liar.peer.disk.isFull) node.journal.ingest(scene.space, [frame], 'single')
  publish(liar, [frame])
}

function publish({ node, scene }: Liar, frames: readonly Frame[]): void {
  void node.bus.publish(`space/${scene.space}/records`, 'record.live', encodeFrames(frames)).catch(() => undefined)
}

/** A second machine with the key and a copy of the records of a member; the two go on side by side. */
const twin: Action = async (scene) => {
  const { world, random, founder } = scene
  const fit = world.running().filter((peer) => peer.isHonest && peer !== founder && isMember(peer, scene.space))
  if (fit.length < 2 || world.peers.some(({ address }) => address !== undefined)) return
  const original = pick(random, fit)
  const copy = world.add('/ip4/10.200.0.1/tcp/4001')
  original.disk.cloneTo(copy.disk)
  original.isHonest = false
  copy.isHonest = false
  world.trace.note(`${copy.name} is a twin of ${original.name}`)
  world.book.count('twin')
  await world.start(copy)
}

/** What a liar or a twin writes in the ordinary way. */
const writeBadly: Action = (scene) => {
  const { world, random, space } = scene
  const bad = world.running().filter((peer) => !peer.isHonest && isMember(peer, space))
  if (bad.length === 0) return
  const { node, name } = pick(random, bad)
  const body = noteBody(pick(random, ['a', 'b', 'c']), `from ${name}`)
  world.trace.note(`${name} writes beside its lies`)
  node?.journal.append({ space, class: LOG_CLASS.durable, kind: NOTE_KIND.put, body }).then(
    () => undefined,
    () => undefined,
  )
}

/** Each alone is one fault of a run; the others need it. */
export const LYING: Readonly<Record<string, Action>> = { corrupt, lie, lieAgain: lie, writeBadly }
export const TWINS: Readonly<Record<string, Action>> = { twin, writeBadly, writeAgain: writeBadly }
