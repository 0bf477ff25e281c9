import { jitter, type PeerId, type Random, randomInt } from '../../base/index.ts'
import { CLAIMS_MAX, WANTS_MAX } from '../limits.ts'
import type { Priority } from '../types.ts'
import { type StreamKey, StreamTable } from './stream-table.ts'
import type { Claim, StreamName, Want } from './tree-frames.ts'
import type { ClaimOf, TreeStream } from './tree-stream.ts'

/** How long news is gathered before it is announced, and to how many neighbours it is announced each time. */
export const ANNOUNCE_MS = 200
export const ANNOUNCE_PEERS = 8
/** How long a message may be missing before a neighbour is asked: on the tree it usually comes meanwhile. */
export const ASK_AFTER_MS: Readonly<Record<Priority, number>> = { critical: 150, high: 200, normal: 200, low: 1500 }
/** Before the next neighbour is asked. */
export const ASK_AGAIN_MS = 400
/** So much longer for each hop from the author, up to `DEPTH_MAX`: who is nearer has it sooner, and passes it on. */
export const ASK_LATER_MS = 60
const DEPTH_MAX = 8
/** How long a message may be missing before it is given up. */
export const GIVE_UP_MS: Readonly<Record<Priority, number>> = { critical: 2000, high: 2500, normal: 2500, low: 4000 }
/** Neighbours to push to before the tree has formed, and at least, and at most. */
export const EAGER_FIRST = 5
export const EAGER_MIN = 2
export const EAGER_MAX = 16
/** A parent is changed for one that is so many hops nearer to the author, no more often than this. */
export const OPTIMISE_ROUNDS = 3
export const OPTIMISE_EVERY_MS = 1000
/** A neighbour that pushes what we have is told again only after so long: what is under way when it hears does not count. */
export const PRUNE_AGAIN_MS = 500

export type TreeEffect =
  | { readonly do: 'announce'; readonly peer: PeerId; readonly claims: readonly ClaimOf[] }
  | { readonly do: 'graft' | 'want'; readonly peer: PeerId; readonly wants: readonly Want[] }
  | { readonly do: 'prune'; readonly peer: PeerId }
  | { readonly do: 'miss'; readonly from: PeerId; readonly count: number }

/** A message that came, or that is ours: then without `via`. */
export interface Arrival extends StreamName {
  readonly from: PeerId
  readonly priority: Priority
  readonly number: number
  readonly round: number
  readonly via: PeerId | undefined
  /** How long it must be remembered, ms. */
  readonly memoryMs: number
}

/**
 * The spanning tree of one group, as one of its members sees it: Plumtree (Leitão, Pereira, Rodrigues: Epidemic Broadcast
 * Trees, SRDS 2007). New messages are pushed to the eager neighbours. A duplicate makes its link lazy (PRUNE), a message that is
 * announced and does not come makes a lazy link eager (GRAFT): what remains eager is a tree. Different from the paper: messages
 * are numbered per author, so that announcements say how far a stream goes instead of listing messages, may be late or lost,
 * and go to a few neighbours at a time; and a member that cannot get a message comes to know that it missed it.
 *
 * Pure: told the time, returns what is to be done.
 */
export class GroupTree {
  readonly group: string
  readonly #random: Random
  readonly #eager = new Set<PeerId>()
  readonly #lazy = new Set<PeerId>()
  readonly #streams = new StreamTable()
  /** Streams of which something is missing. */
  readonly #unsettled = new Set<TreeStream>()
  /** Streams of which some neighbour does not know all that we have. */
  readonly #news = new Set<TreeStream>()
  readonly #prunedAt = new Map<PeerId, number>()
  #announceAt = Number.POSITIVE_INFINITY
  /** Everyone, in the order in which news is told. */
  #rotation: PeerId[] = []
  #optimisedAt = Number.NEGATIVE_INFINITY

  constructor(init: { readonly group: string; readonly neighbours: readonly PeerId[] }, random: Random) {
    this.group = init.group
    this.#random = random
    const left = [...init.neighbours]
    while (left.length > 0) {
      const [peer] = left.splice(randomInt(random, left.length), 1)
      if (peer === undefined) break
      this.#rotation.push(peer)
      if (this.#eager.size < EAGER_FIRST) this.#eager.add(peer)
      else this.#lazy.add(peer)
    }
  }

  get eager(): ReadonlySet<PeerId> {
    return this.#eager
  }

  get lazy(): ReadonlySet<PeerId> {
    return this.#lazy
  }

  /** When `tick` has something to do; `Infinity` if nothing waits. Monotonic ms. */
  get dueAt(): number {
    let due = this.#announceAt
    for (const stream of this.#unsettled) due = Math.min(due, dueOf(stream))
    return due
  }

  join(peer: PeerId, now: number): void {
    if (this.#eager.has(peer) || this.#lazy.has(peer)) return
    if (this.#eager.size < EAGER_MIN) this.#eager.add(peer)
    else this.#lazy.add(peer)
    this.#rotation.push(peer)
    for (const stream of this.#streams.proven()) this.#tellLater(stream, now)
  }

  leave(peer: PeerId): readonly TreeEffect[] {
    const wasEager = this.#eager.delete(peer)
    if (!this.#lazy.delete(peer) && !wasEager) return []
    this.#rotation = this.#rotation.filter((one) => one !== peer)
    this.#prunedAt.delete(peer)
    this.#streams.forgetNeighbour(peer)
    const next = this.#eager.size === 0 ? this.#anyNeighbour() : undefined
    if (next === undefined) return []
    this.#makeEager(next)
    return [{ do: 'graft', peer: next, wants: [] }]
  }

  has(message: Pick<Arrival, 'from' | 'prefix' | 'number'>): boolean {
    return this.#streams.get(message)?.inflow.has(message.number) === true
  }

  /** A proven message that `has` does not know. Returns to whom to push it; `undefined` if its author has too many streams. */
  accept(
    arrival: Arrival,
    now: number,
  ): { readonly push: readonly PeerId[]; readonly effects: TreeEffect[] } | undefined {
    const stream = this.#streams.prove(arrival, arrival.via === undefined, now)
    if (stream === undefined) return undefined
    const { number, round, via } = arrival
    stream.keepUntil = Math.max(stream.keepUntil, now + arrival.memoryMs)
    const isNewest = number > stream.inflow.highest
    if (isNewest) {
      stream.round = round
      stream.parent = via
    }
    const effects = missOf(stream, stream.inflow.take(number, now))
    if (via !== undefined) {
      if (isNewest) this.#makeEager(via)
      stream.told(via, number)
    }
    this.#watch(stream, via, now)
    // What fills a hole was asked for: others have the same hole, or none, and ask for themselves.
    const push = isNewest ? [...this.#eager].filter((peer) => stream.isNewsTo(peer)) : []
    for (const peer of push) stream.told(peer, number)
    this.#tellLater(stream, now)
    return { push, effects }
  }

  /** What was sent to a peer will not reach it: it is told of that stream again. */
  refused(peer: PeerId, key: StreamKey, now: number): void {
    const stream = this.#streams.get(key)
    if (stream !== undefined) this.#retell(stream, peer, now)
  }

  /** As `refused`, of whatever we have sent it. */
  lapsed(peer: PeerId, now: number): void {
    for (const stream of this.#streams.proven()) this.#retell(stream, peer, now)
  }

  /** A message came that `has` knows. */
  repeated(arrival: Pick<Arrival, 'from' | 'prefix' | 'number'> & { readonly via: PeerId }, now: number): TreeEffect[] {
    const { via, number } = arrival
    const stream = this.#streams.get(arrival)
    stream?.told(via, number)
    // From the neighbour who brings us this stream: it was asked for what was on its way already.
    if (stream?.parent === via) return []
    const recently = now - (this.#prunedAt.get(via) ?? Number.NEGATIVE_INFINITY) < PRUNE_AGAIN_MS
    if (!this.#makeLazy(via) && recently) return []
    this.#prunedAt.set(via, now)
    return [{ do: 'prune', peer: via }]
  }

  /** A neighbour says how far it has streams. */
  heard(peer: PeerId, claims: readonly ClaimOf[], now: number): TreeEffect[] {
    if (!this.#eager.has(peer) && !this.#lazy.has(peer)) return []
    const effects: TreeEffect[] = []
    for (const claim of claims) {
      const stream = this.#streams.hear(claim)
      if (stream === undefined) continue
      stream.told(peer, claim.head)
      effects.push(...this.#optimise(stream, claim, peer, now))
      if (stream.inflow.hear(peer, claim.head, now)) this.#watch(stream, peer, now)
    }
    return effects
  }

  /** A neighbour wants us to push to it. */
  grafted(peer: PeerId): TreeEffect[] {
    if (this.#lazy.has(peer) && this.#eager.size >= EAGER_MAX) return [{ do: 'prune', peer }]
    this.#makeEager(peer)
    return []
  }

  /** A neighbour has from others what we push to it. */
  pruned(peer: PeerId): void {
    this.#makeLazy(peer)
  }

  tick(now: number): TreeEffect[] {
    const effects: TreeEffect[] = []
    const asked = { graft: new Map<PeerId, Want[]>(), want: new Map<PeerId, Want[]>() }
    for (const stream of this.#unsettled) {
      effects.push(...missOf(stream, stream.inflow.giveUp(now - GIVE_UP_MS[stream.priority])))
      if (stream.inflow.isSettled) this.#settle(stream)
      else if (stream.askAt <= now) this.#ask(stream, asked, now)
    }
    for (const [peer, wants] of asked.graft) effects.push({ do: 'graft', peer, wants })
    for (const [peer, wants] of asked.want) effects.push({ do: 'want', peer, wants })
    if (this.#announceAt <= now) effects.push(...this.#announce(now))
    return effects
  }

  /** Asks a neighbour for what is missing; if nothing newer came either, the tree is broken here, and it becomes a parent. */
  #ask(stream: TreeStream, asked: Record<'graft' | 'want', Map<PeerId, Want[]>>, now: number): void {
    const after = patienceOf(stream)
    const question = stream.nextQuestion(now - after, this.#anyNeighbour())
    const due = (stream.inflow.waitingSince ?? now) + after
    stream.askAt = due > now ? due : now + ASK_AGAIN_MS
    if (question === undefined) return
    const { author, prefix } = stream
    const { peer, ranges } = question
    const isBroken = (ranges.at(-1)?.[1] ?? 0) > stream.inflow.highest
    const wants = isBroken ? asked.graft : asked.want
    const list = wants.get(peer) ?? []
    if (list.length < WANTS_MAX) wants.set(peer, [...list, { author, prefix, ranges }])
    if (isBroken) this.#makeEager(peer)
  }

  /** Tells a few neighbours what they do not have; the others have their turn later. */
  #announce(now: number): TreeEffect[] {
    const effects: TreeEffect[] = []
    const later: PeerId[] = []
    const rest = [...this.#rotation]
    while (rest.length > 0 && effects.length < ANNOUNCE_PEERS) {
      const peer = rest.shift() as PeerId
      const news = [...this.#news].filter((stream) => stream.isNewsTo(peer)).slice(0, CLAIMS_MAX)
      for (const stream of news) stream.told(peer, stream.inflow.highest)
      if (news.length > 0) effects.push({ do: 'announce', peer, claims: news.map(({ claim }) => claim) })
      later.push(peer)
    }
    this.#rotation = [...rest, ...later]
    for (const stream of this.#news) {
      if (!this.#rotation.some((peer) => stream.isNewsTo(peer))) this.#news.delete(stream)
    }
    this.#announceAt = this.#news.size === 0 ? Number.POSITIVE_INFINITY : now + jitter(this.#random, ANNOUNCE_MS)
    return effects
  }

  #retell(stream: TreeStream, peer: PeerId, now: number): void {
    stream.untold(peer)
    this.#tellLater(stream, now)
  }

  #tellLater(stream: TreeStream, now: number): void {
    this.#news.add(stream)
    if (this.#announceAt === Number.POSITIVE_INFINITY) this.#announceAt = now + jitter(this.#random, ANNOUNCE_MS)
  }

  /** Changes a parent that is far from the author for a neighbour that is nearer. */
  #optimise(stream: TreeStream, claim: Claim, peer: PeerId, now: number): TreeEffect[] {
    const { parent, round } = stream
    if (parent === undefined || parent === peer || !this.#eager.has(parent) || !this.#lazy.has(peer)) return []
    if (claim.head !== stream.inflow.highest || round - claim.round <= OPTIMISE_ROUNDS) return []
    if (now - this.#optimisedAt < OPTIMISE_EVERY_MS) return []
    this.#optimisedAt = now
    this.#makeEager(peer)
    this.#makeLazy(parent)
    this.#prunedAt.set(parent, now)
    return [
      { do: 'graft', peer, wants: [] },
      { do: 'prune', peer: parent },
    ]
  }

  /** Begins to look for what is missing, and remembers who should have it. */
  #watch(stream: TreeStream, source: PeerId | undefined, now: number): void {
    if (stream.inflow.isSettled) {
      if (this.#unsettled.has(stream)) this.#settle(stream)
      return
    }
    if (source !== undefined) stream.addSource(source)
    if (this.#unsettled.has(stream)) return
    this.#unsettled.add(stream)
    stream.askAt = now + patienceOf(stream)
  }

  /** Nothing is waited for any more; a stream of which nothing came was perhaps made up. */
  #settle(stream: TreeStream): void {
    this.#unsettled.delete(stream)
    stream.settled()
    this.#streams.forgetHearsay(stream)
  }

  #anyNeighbour(): PeerId | undefined {
    return this.#rotation[randomInt(this.#random, this.#rotation.length)]
  }

  #makeEager(peer: PeerId): void {
    if (this.#lazy.delete(peer)) this.#eager.add(peer)
  }

  #makeLazy(peer: PeerId): boolean {
    if (!this.#eager.delete(peer)) return false
    this.#lazy.add(peer)
    return true
  }
}

function patienceOf({ priority, round }: TreeStream): number {
  return ASK_AFTER_MS[priority] + ASK_LATER_MS * Math.min(round, DEPTH_MAX)
}

function missOf({ from }: TreeStream, count: number): TreeEffect[] {
  return count === 0 ? [] : [{ do: 'miss', from, count }]
}

function dueOf({ askAt, inflow, priority }: TreeStream): number {
  return Math.min(askAt, (inflow.waitingSince ?? Number.POSITIVE_INFINITY) + GIVE_UP_MS[priority])
}
