import type { SpaceId } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { PARKED_MAX_PER_SPACE } from '../../../src/records/index.ts'
import type { Database, Row } from '../../../src/store/index.ts'
import type { Acknowledged } from './book.ts'
import { againstReference } from './reference.ts'
import { endOf } from './rules.ts'
import type { Scene } from './scene.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { soundnessOf } from './soundness.ts'

/** The tables of the views, whose rows must not depend on who folded them. */
const VIEW_TABLES = [
  'view_cognition_thought',
  'view_cognition_link',
  'view_notes_note',
  ...['paper', 'statement', 'alias', 'creator', 'keyword', 'citation'].map((name) => `view_research_${name}`),
]

export interface Honest {
  readonly peer: SimulatedPeer
  readonly node: PlexusNode
}

/** Says that records of its own are from the future, which they may be; remembers damage of records that are gone since. */
const MAY_BE_DEGRADED: ReadonlySet<string> = new Set(['clock', 'scrub'])

/** A promise that does not hold at the moment. */
export interface Finding {
  readonly check: string
  readonly what: string
}

/** All promises that must hold in a calm, the most telling first. */
export function findingsOf(scene: Scene): readonly Finding[] {
  const honest = honestMembers(scene)
  const [first, ...others] = honest
  if (first === undefined) return [{ check: 'alive', what: 'no honest member is left' }]
  return [
    ...honest.flatMap((one) => acknowledgedBy(scene, one)),
    ...others.flatMap((other) => [
      ...sameness(scene, 'heads', first, other, headsOf),
      ...sameness(scene, 'membership', first, other, membershipOf),
      ...sameness(scene, 'views', first, other, viewsOf),
    ]),
    ...honest.flatMap((one) => healthOf(scene, one, honest)),
  ]
}

/** What takes longer to look at: once everything else holds. */
export function lastFindingsOf(scene: Scene): readonly Finding[] {
  const honest = honestMembers(scene)
  return [
    ...honest.flatMap((one) => [...soundnessOf(scene.space, one), ...againstReference(scene.space, one)]),
    ...secrecyOf(scene, honest),
  ]
}

/** The key under which members write now is known to all who may read, and to nobody else. */
function secrecyOf({ world, space, founder }: Scene, honest: readonly Honest[]): readonly Finding[] {
  const roleOf = (peer: SimulatedPeer): string | undefined =>
    peer.id === undefined ? undefined : founder.node?.spaces.roleOf(space, peer.id)
  // Whoever was admitted after an old copy was made is unknown to the one that has it, and may know its key.
  const isKnown = (world.book.counts.get('put-back') ?? 0) === 0
  const newest = isKnown ? newestKeyOf(founder.node, space) : undefined
  if (newest === undefined) return []
  const unable = honest.filter(({ peer, node }) => roleOf(peer) !== 'relay' && !hasKey(node, newest))
  // Whoever was never a member by what counts now may have been let in by somebody whose word is void (docs/simulation.md).
  const former = new Set(founder.node?.spaces.former(space).map(({ peer }) => peer))
  const able = world.peers.filter(
    ({ id, isHonest, node }) => isHonest && id !== undefined && former.has(id) && hasKey(node, newest),
  )
  return [
    ...unable.map(({ peer }) => ({ check: 'readable', what: `${peer.name} lacks the key of epoch ${newest.n}` })),
    ...able.map(({ name }) => ({ check: 'secret', what: `${name} is no member and has the key of epoch ${newest.n}` })),
  ]
}

interface Key {
  readonly n: number
  readonly id: Uint8Array
}

function newestKeyOf(node: PlexusNode | undefined, space: SpaceId): Key | undefined {
  const n = node?.spaces.keys(space)?.epoch
  const row = node?.journal.database
    .prepare('SELECT id FROM epoch_key WHERE space = ? AND n = ?')
    .all(Buffer.from(space, 'hex'), n ?? 0)
  const [only] = row?.length === 1 ? row : []
  return n === undefined || only === undefined ? undefined : { n, id: only.id as Uint8Array }
}

function hasKey(node: PlexusNode | undefined, { id }: Key): boolean {
  return node?.journal.database.prepare('SELECT n FROM epoch_key WHERE id = ?').get(id) !== undefined
}

/**
 * Who is a member of the space in its founder's eyes and in its own, and should be in step with the others. Whoever was removed, or
 * lost its admission together with the rights of its admitter, may not know: nobody speaks with it any more. And whoever
 * believes that it was removed speaks with nobody, until it comes again with a ticket.
 */
export function honestMembers({ world, space, founder }: Scene): readonly Honest[] {
  return world.peers.flatMap((peer) => {
    const { node, id } = peer
    if (!peer.isHonest || node === undefined || id === undefined) return []
    const isMember = [founder.node, node].every((one) => one?.spaces.roleOf(space, id) !== undefined)
    return isMember ? [{ peer, node }] : []
  })
}

function healthOf({ space }: Scene, { peer, node }: Honest, honest: readonly Honest[]): readonly Finding[] {
  const findings: Finding[] = []
  const status = node.status()
  for (const { name, state, reason } of status.components) {
    // Nobody is there to show one that is alone that its store works again.
    const isAlone = name === 'sync' && honest.length === 1
    if (state !== 'ok' && !(state === 'degraded' && (MAY_BE_DEGRADED.has(name) || isAlone))) {
      findings.push({ check: 'components', what: `${peer.name}: ${name} is ${state}, ${reason}` })
    }
  }
  const progress = node.sync.progress().find((one) => one.space === space)
  if (progress === undefined) return [...findings, { check: 'in step', what: `${peer.name} does not share the space` }]
  const strangers = honest.filter((other) => other.node !== node && !progress.inStepWith.includes(other.node.peer))
  if (strangers.length > 0 || progress.behind > 0) {
    const names = strangers.map((other) => other.peer.name).join(', ')
    const what = `${peer.name} is ${progress.behind} behind, and not in step with ${names || 'nobody'}`
    findings.push({ check: 'in step', what })
  }
  if (progress.parked > PARKED_MAX_PER_SPACE) {
    findings.push({ check: 'bounded', what: `${peer.name} has parked ${progress.parked}` })
  }
  return findings
}

function acknowledgedBy({ world, space, founder }: Scene, { peer, node }: Honest): readonly Finding[] {
  const now = world.clock.now()
  const isDue = (record: Acknowledged): boolean => {
    const { author, seq, exp } = record
    if (world.peers.some(({ id, isHonest }) => id === author && !isHonest)) return false
    // Of whoever left, what nobody had by then is gone with it.
    if (founder.node?.spaces.roleOf(space, author) === undefined) return false
    return seq <= endOf(founder.node, record) && (exp === 0 || exp > now)
  }
  const required = [...world.book.acknowledged.values()].filter(
    (record) => !world.book.isBeyondFork(record) && isDue(record),
  )
  const lost = required.filter(({ id }) => node.journal.record(id) === undefined)
  const [first] = lost
  if (first === undefined) return []
  const where = `${first.author.slice(-6)} ${first.log} ${first.seq} ${first.id.slice(0, 16)}`
  const what = `${peer.name} lacks ${lost.length} of ${required.length} acknowledged records, first ${where}`
  return [{ check: 'acknowledged', what }]
}

function sameness(
  { space }: Scene,
  check: string,
  one: Honest,
  other: Honest,
  of: (node: PlexusNode, space: SpaceId) => readonly string[],
): readonly Finding[] {
  const [ours, theirs] = [of(one.node, space), of(other.node, space)]
  const onlyOurs = ours.filter((line) => !theirs.includes(line))
  const onlyTheirs = theirs.filter((line) => !ours.includes(line))
  if (onlyOurs.length === 0 && onlyTheirs.length === 0 && ours.length === theirs.length) return []
  const example = `${onlyOurs[0] ?? 'nothing'} against ${onlyTheirs[0] ?? 'nothing'}`
  const lines = `${onlyOurs.length}+${onlyTheirs.length} lines`
  return [{ check, what: `${one.peer.name} and ${other.peer.name} differ in ${lines}: ${example}` }]
}

/** Without what has expired: each peer drops it, and the beginnings of logs with it, in its own time. */
function headsOf({ journal, clock }: PlexusNode, space: SpaceId): readonly string[] {
  return journal.heads(space).flatMap(({ author, log, base, seq, id }) => {
    const isExpiring = log.startsWith('02')
    if (isExpiring && (journal.record(id)?.exp ?? 0) <= clock.now()) return []
    return [`${author} ${log} ${isExpiring ? '' : base} ${seq} ${id}`]
  })
}

function membershipOf(node: PlexusNode, space: SpaceId): readonly string[] {
  const info = node.spaces.get(space)
  return [
    JSON.stringify(info?.members),
    JSON.stringify(node.spaces.invites(space).toSorted((a, b) => (a.id < b.id ? -1 : 1))),
  ]
}

function viewsOf({ journal: { database } }: PlexusNode): readonly string[] {
  return VIEW_TABLES.flatMap((table) => rowsOf(database, table).map((row) => `${table} ${JSON.stringify(plain(row))}`))
}

function rowsOf(database: Database, table: string): readonly Row[] {
  return database.prepare(`SELECT * FROM ${table}`).all()
}

function plain(row: Row): unknown {
  return Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))
}
