import {
  BaseError,
  type Clock,
  type HybridClock,
  keepNewest,
  type PeerId,
  type Random,
  type Timer,
} from '../../base/index.ts'
import { Allowance } from '../allowance.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { Delivery } from '../dispatcher.ts'
import { type AuthoredEnvelope, authoredEnvelope, messageOf, parseAuthoredEnvelope } from '../envelope.ts'
import { BusError } from '../errors.ts'
import { FRAME, FRAME_HEADER_BYTES } from '../frames.ts'
import type { FrameOutcome } from '../inbound-lane.ts'
import { type Outgoing, outgoing } from '../lane-queue.ts'
import {
  GRAFT_MAX_MESSAGES,
  GROUPS_MAX,
  SERVE_BURST_BYTES,
  SERVE_BYTES_PER_S,
  TREE_AUTHOR_RATE,
  TREE_CONTROL_RATE,
  TREE_OWN_RATE,
} from '../limits.ts'
import { LANE_OF } from '../scheduler.ts'
import { MESSAGE_TAG, memoryMs, type Seals } from '../seals.ts'
import type { Admission, Lane, Message, Priority } from '../types.ts'
import { withSoundTrace } from '../untrusted-trace.ts'
import type { Dispatch, Dissemination, Draft } from './dissemination.ts'
import { GroupTree, type TreeEffect } from './group-tree.ts'
import { MessageCache } from './message-cache.ts'
import type { MissedReports } from './missed-reports.ts'
import { idOfLast, Numbering, numberOf, prefixOf } from './numbering.ts'
import {
  announceFrame,
  graftFrame,
  parseAnnounce,
  parsePrune,
  parseSpread,
  parseWants,
  pruneFrame,
  type Spread,
  spreadFrame,
  type Want,
  wantFrame,
} from './tree-frames.ts'
import type { ClaimOf } from './tree-stream.ts'

export interface TreeComponents {
  readonly self: PeerId
  readonly seals: Seals
  readonly admission: Admission
  /** Peers whose lanes are up. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  /** Hands a message to our own subscribers. */
  readonly deliver: (message: Message) => Promise<void> | undefined
  /** A lane had no room; returns why, in words. */
  readonly onFull: (peer: PeerId, lane: Lane) => string
  readonly missed: MissedReports
  readonly clock: Clock
  readonly hybridClock: HybridClock
  readonly random: Random
  readonly counters: Counters
}

/** A sooner look at what is due would find nothing new. */
const TICK_MIN_MS = 1

/** Which message of a group. */
interface Name {
  readonly from: PeerId
  readonly prefix: string
  readonly number: number
}

/** A message that came along a tree, of a member and through a member, not proven yet. */
interface Received {
  readonly dialogue: Dialogue
  readonly tree: GroupTree
  readonly name: Name
  readonly round: number
  readonly envelope: AuthoredEnvelope
  /** As it goes on to others; a copy, so that keeping it does not keep the buffer that it came in. */
  readonly frame: Uint8Array
}

/** Publishes to large groups along spanning trees, one for each group, over the lanes (docs/specs/dissemination.md). */
export class Tree implements Dissemination {
  readonly #use: TreeComponents
  readonly #numbering: Numbering
  readonly #trees = new Map<string, GroupTree>()
  readonly #cache = new MessageCache()
  readonly #control = new Allowance(TREE_CONTROL_RATE)
  readonly #own = new Allowance(TREE_OWN_RATE)
  readonly #authors = new Allowance(TREE_AUTHOR_RATE)
  /** Bytes that each peer may be sent because it asked. */
  readonly #allowance = new Allowance({ burst: SERVE_BURST_BYTES, perSecond: SERVE_BYTES_PER_S })
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(components: TreeComponents) {
    this.#use = components
    this.#numbering = new Numbering(components.random)
  }

  /** Throws `ERR_LIFECYCLE` for a bus that was given no signer, and `ERR_OVERLOADED` for more than others pass on. */
  publish(draft: Draft, group: string): Dispatch {
    const { self, clock } = this.#use
    const { signer } = this.#use.seals
    if (signer === undefined) throw new BaseError('ERR_LIFECYCLE', 'a bus without a signer publishes on lanes only')
    if (!this.#own.spend(self, costOf(draft.body), this.#now)) {
      throw new BusError('ERR_OVERLOADED', 'too much for a large group at once', {
        fix: 'Publish at most 1 MiB a second.',
      })
    }
    const stream = this.#numbering.next(group, draft.priority)
    const message: Message = { ...draft, id: idOfLast(stream) }
    const envelope = authoredEnvelope({ ...message, author: signer.publicKey })
    const signature = signer.sign(MESSAGE_TAG, envelope)
    const name: Name = { from: self, prefix: stream.prefix, number: stream.count }
    const tree = this.#treeOf(group)
    const { priority } = draft
    const arrival = { ...name, author: signer.publicKey, priority, round: 0, via: undefined }
    const accepted = tree.accept({ ...arrival, memoryMs: memoryMs(draft.ttlMs) }, clock.monotonic())
    const entry = outgoing(spreadFrame(1, signature, envelope), clock.monotonic() + draft.ttlMs)
    return { message, ...this.#push(tree, name, priority, entry, accepted?.push ?? []) }
  }

  welcome(peer: PeerId): void {
    for (const tree of this.#trees.values()) this.#meet(tree, peer)
    this.#arm()
  }

  farewell(peer: PeerId): void {
    for (const tree of this.#trees.values()) this.#act(tree, tree.leave(peer))
    this.#arm()
  }

  reconsider(): void {
    for (const [group, tree] of this.#trees) {
      for (const peer of [...tree.eager, ...tree.lazy]) {
        if (!this.#isMember(group, peer)) this.#act(tree, tree.leave(peer))
      }
      for (const peer of this.#use.dialogues.keys()) this.#meet(tree, peer)
    }
    this.#arm()
  }

  lapsed(peer: PeerId): void {
    for (const tree of this.#trees.values()) tree.lapsed(peer, this.#now)
    this.#arm()
  }

  keepHouse(): void {
    this.#cache.expire(this.#now)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#trees.clear()
  }

  /** A SPREAD frame. */
  onSpread(dialogue: Dialogue, lane: Lane, payload: Uint8Array): FrameOutcome {
    const spread = parseSpread(payload)
    const envelope = spread === undefined ? undefined : parseAuthoredEnvelope(spread.envelope)
    if (spread === undefined || envelope === undefined || envelope.topic === '') return 'a message that cannot be read'
    if (numberOf(envelope.id) < 1) return 'a message without a number'
    if (LANE_OF[envelope.priority] !== lane) return `priority ${envelope.priority} does not travel here`
    this.#use.counters.copiesIn++
    const name = {
      from: this.#use.seals.authorOf(envelope.author),
      prefix: prefixOf(envelope.id),
      number: numberOf(envelope.id),
    }
    const tree = this.#treeFor(dialogue.session.peer, name.from, envelope.topic)
    if (tree === undefined || this.#isRepeated(tree, name, dialogue)) return undefined
    // What we said in an earlier life.
    if (name.from === this.#use.self) return undefined
    const { round, signature } = spread
    const frame = spreadFrame(round + 1, signature, spread.envelope)
    const received = { dialogue, tree, name, round, envelope, frame }
    return new Delivery(envelope.priority, () => this.#receive(received))
  }

  /** ANNOUNCE, GRAFT, WANT and PRUNE. Returns a sentence if the frame is malformed. */
  onControl(dialogue: Dialogue, type: number, payload: Uint8Array): string | undefined {
    const { peer } = dialogue.session
    if (!this.#control.spend(peer, 1, this.#now)) {
      this.#use.counters.droppedFlood++
      return undefined
    }
    if (type === FRAME.announce) {
      const announced = parseAnnounce(payload)
      if (announced === undefined) return 'an announcement that cannot be read'
      const tree = this.#treeWith(announced.group, peer)
      const claims = announced.claims.map((claim) => ({ ...claim, from: this.#use.seals.authorOf(claim.author) }))
      if (tree !== undefined) this.#act(tree, tree.heard(peer, this.#credible(tree.group, claims), this.#now))
    } else if (type !== FRAME.prune) {
      const asked = parseWants(payload)
      if (asked === undefined) return 'a GRAFT or WANT that cannot be read'
      const tree = this.#treeWith(asked.group, peer)
      if (tree === undefined) return undefined
      if (type === FRAME.graft) this.#act(tree, tree.grafted(peer))
      this.#serve(dialogue, asked.group, asked.wants)
    } else {
      const group = parsePrune(payload)
      if (group === undefined) return 'a PRUNE that cannot be read'
      this.#treeWith(group, peer)?.pruned(peer)
    }
    this.#arm()
    return undefined
  }

  get figures(): Readonly<Record<string, number>> {
    const trees = [...this.#trees.values()]
    return { trees: trees.length, treeLinks: trees.reduce((sum, { eager }) => sum + eager.size, 0) }
  }

  get #now(): number {
    return this.#use.clock.monotonic()
  }

  /** The tree that a message belongs to; nothing, and counted, if its neighbour or its author may not be heard there. */
  #treeFor(via: PeerId, from: PeerId, topic: string): GroupTree | undefined {
    const { admission, counters } = this.#use
    const tree = this.#treeWith(admission.groupOf?.(topic) ?? topic, via)
    if (tree === undefined) return undefined
    if (this.#isMember(tree.group, from) && admission.mayUseTopic(from, topic)) return tree
    counters.droppedTopic++
    return undefined
  }

  #isRepeated(tree: GroupTree, name: Name, dialogue: Dialogue): boolean {
    if (!tree.has(name)) return false
    this.#use.counters.duplicates++
    this.#act(tree, tree.repeated({ ...name, via: dialogue.session.peer }, this.#now))
    return true
  }

  #receive({ dialogue, tree, name, round, envelope, frame }: Received): Promise<void> | undefined {
    // Copies may have been read in one go.
    if (this.#isRepeated(tree, name, dialogue)) return undefined
    const { counters, seals, hybridClock, missed } = this.#use
    const { author, priority, ttlMs, hlc } = envelope
    const { signature, envelope: signed } = parseSpread(frame.subarray(FRAME_HEADER_BYTES)) as Spread
    if (!seals.isGenuine(author, MESSAGE_TAG, signed, signature)) {
      dialogue.breach('a message with a wrong signature')
      return undefined
    }
    if (!seals.isTimely(hlc, ttlMs)) {
      counters.droppedUntimely++
      return undefined
    }
    const via = dialogue.session.peer
    const accepted = tree.accept({ ...name, author, priority, round, via, memoryMs: memoryMs(ttlMs) }, this.#now)
    if (accepted === undefined) {
      missed.note(tree.group, name.from, 1)
      return undefined
    }
    this.#act(tree, accepted.effects)
    if (!this.#authors.spend(name.from, costOf(envelope.body), this.#now)) {
      counters.droppedFlood++
      missed.note(tree.group, name.from, 1)
      return undefined
    }
    hybridClock.observe(hlc)
    counters.messagesIn++
    this.#push(tree, name, priority, outgoing(frame, this.#now + ttlMs), accepted.push)
    return this.#use.deliver(withSoundTrace(messageOf(envelope, name.from), this.#use.counters))
  }

  /** Keeps a message for those who ask, and pushes it. */
  #push(
    tree: GroupTree,
    name: Name,
    priority: Priority,
    entry: Outgoing,
    peers: readonly PeerId[],
  ): Omit<Dispatch, 'message'> {
    const { dialogues, onFull, counters } = this.#use
    this.#cache.put(keyOf(tree.group, name), { entry, priority }, this.#now)
    const skipped: Dispatch['skipped'][number][] = []
    const lane = LANE_OF[priority]
    let roomiest: Dispatch['roomiest']
    for (const peer of peers) {
      const outbox = dialogues.get(peer)?.session.outbox
      if (outbox === undefined) continue
      if (!outbox.offer(priority, entry)) {
        skipped.push({ peer, reason: onFull(peer, lane) })
        tree.refused(peer, name, this.#now)
      }
      if (roomiest === undefined || outbox.scheduler.fill(lane) < roomiest.scheduler.fill(lane)) roomiest = outbox
    }
    this.#arm()
    const sent = peers.length - skipped.length
    counters.messagesOut += sent
    return { sent, skipped, roomiest }
  }

  /** Sends what a neighbour asks for, as far as we still have it and it did not ask for too much lately. */
  #serve(dialogue: Dialogue, group: string, wants: readonly Want[]): void {
    const { seals, counters } = this.#use
    const { peer, outbox } = dialogue.session
    let left = GRAFT_MAX_MESSAGES
    for (const { author, prefix, ranges } of wants) {
      const from = seals.authorOf(author)
      for (const [first, last] of ranges) {
        for (let number = first; number <= last && left > 0; number++, left--) {
          const cached = this.#cache.get(keyOf(group, { from, prefix, number }), this.#now)
          if (cached === undefined) continue
          const bytes = cached.entry.frame.byteLength
          if (!this.#allowance.spend(peer, bytes, this.#now)) return
          if (outbox.offer(cached.priority, cached.entry)) counters.messagesOut++
        }
      }
    }
  }

  #act(tree: GroupTree, effects: readonly TreeEffect[]): void {
    for (const effect of effects) {
      if (effect.do === 'miss') this.#use.missed.note(tree.group, effect.from, effect.count)
      else if (this.#use.dialogues.get(effect.peer)?.tell(frameOf(tree.group, effect)) === false) {
        for (const claim of effect.do === 'announce' ? effect.claims : []) tree.refused(effect.peer, claim, this.#now)
      }
    }
  }

  /** Claims about members other than us. */
  #credible(group: string, claims: readonly ClaimOf[]): readonly ClaimOf[] {
    return claims.filter(({ from }) => from !== this.#use.self && this.#isMember(group, from))
  }

  #isMember(group: string, peer: PeerId): boolean {
    return this.#use.admission.membersOf?.(group)?.has(peer) === true
  }

  /** The tree of a group that a peer speaks of; nothing, and counted, if it is not a member. */
  #treeWith(group: string, peer: PeerId): GroupTree | undefined {
    if (this.#isMember(group, peer)) return this.#treeOf(group)
    this.#use.counters.droppedTopic++
    return undefined
  }

  #treeOf(group: string): GroupTree {
    const known = this.#trees.get(group)
    if (known !== undefined) return known
    const neighbours = [...this.#use.dialogues.keys()].filter((peer) => this.#isMember(group, peer))
    const tree = new GroupTree({ group, neighbours }, this.#use.random)
    this.#trees.set(group, tree)
    keepNewest(this.#trees, GROUPS_MAX)
    return tree
  }

  #meet(tree: GroupTree, peer: PeerId): void {
    if (this.#isMember(tree.group, peer)) tree.join(peer, this.#now)
  }

  #arm(): void {
    let due = Number.POSITIVE_INFINITY
    for (const tree of this.#trees.values()) due = Math.min(due, tree.dueAt)
    if (due >= this.#timerAt || due === Number.POSITIVE_INFINITY) return
    this.#timer?.cancel()
    this.#timerAt = due
    this.#timer = this.#use.clock.setTimer(Math.max(TICK_MIN_MS, due - this.#now), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      for (const tree of this.#trees.values()) this.#act(tree, tree.tick(this.#now))
      this.#arm()
    })
  }
}

function costOf(body: Uint8Array): number {
  return body.byteLength + 1024
}

/** With the group: whoever asks for a message must be a member of its own group. */
function keyOf(group: string, { from, prefix, number }: Name): string {
  return `${group} ${from} ${prefix} ${number}`
}

function frameOf(group: string, effect: Exclude<TreeEffect, { readonly do: 'miss' }>): Uint8Array {
  if (effect.do === 'announce') return announceFrame(group, effect.claims)
  if (effect.do === 'prune') return pruneFrame(group)
  return effect.do === 'graft' ? graftFrame(group, effect.wants) : wantFrame(group, effect.wants)
}
