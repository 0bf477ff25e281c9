import { type Clock, keepNewest, type PeerId, type Random } from '../../base/index.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { envelopeFrame } from '../envelope.ts'
import { FRAME } from '../frames.ts'
import { outgoing } from '../lane-queue.ts'
import { CONTACTS_MAX, DIRECT_STREAMS_PER_PEER } from '../limits.ts'
import { LANE_OF } from '../scheduler.ts'
import type { Admission, Lane, Message } from '../types.ts'
import type { Dispatch, Dissemination, Draft } from './dissemination.ts'
import type { MissedReports } from './missed-reports.ts'
import { idOfLast, Numbering, type OwnStream, prefixOf } from './numbering.ts'
import { type Mark, markFrame } from './tree-frames.ts'

export interface LanesComponents {
  readonly admission: Admission
  /** Peers whose lanes are up. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  /** A lane had no room; returns why, in words. */
  readonly onFull: (peer: PeerId, lane: Lane) => string
  readonly missed: MissedReports
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
}

/** A stream of another peer, as it comes in: in order, because lanes keep it. */
interface Inflow {
  readonly prefix: string
  last: number
}

/** Those of one peer, by prefix, the longest silent first. */
interface Inflows {
  readonly all: Map<string, Inflow>
  /** Which the last message belonged to: usually the next one does too. */
  latest: Inflow | undefined
}

/**
 * Publishes straight to every ready peer that may hear a topic. Nothing is sent twice; what a peer did not get because its
 * lane was full, or because it was away, it learns from the next number, or from a MARK when there is no next.
 */
export class Lanes implements Dissemination {
  readonly #use: LanesComponents
  readonly #numbering: Numbering
  /** Peers that are to be told how far a stream goes. */
  readonly #owed = new Map<PeerId, Set<OwnStream>>()
  /** Also of peers that are away: what they say next tells what was missed meanwhile. */
  readonly #inflows = new Map<PeerId, Inflows>()

  constructor(components: LanesComponents) {
    this.#use = components
    this.#numbering = new Numbering(components.random)
  }

  publish(draft: Draft, group: string): Dispatch {
    const { admission, dialogues, onFull, clock, counters } = this.#use
    const stream = this.#numbering.next(group, draft.priority)
    const message: Message = { ...draft, id: idOfLast(stream) }
    const { topic, priority, ttlMs } = message
    const lane = LANE_OF[priority]
    const entry = outgoing(envelopeFrame(FRAME.message, message), clock.monotonic() + ttlMs)
    const skipped: Dispatch['skipped'][number][] = []
    let sent = 0
    let roomiest: Dispatch['roomiest']
    let fill = Number.POSITIVE_INFINITY
    for (const { session } of dialogues.values()) {
      const { peer, outbox } = session
      if (!admission.mayUseTopic(peer, topic)) continue
      if (outbox.offer(priority, entry)) sent++
      else {
        skipped.push({ peer, reason: onFull(peer, lane) })
        this.#owe(peer, stream)
      }
      const filled = outbox.scheduler.fill(lane)
      if (filled >= fill) continue
      fill = filled
      roomiest = outbox
    }
    counters.messagesOut += sent
    return { message, sent, skipped, roomiest }
  }

  /** Nothing is under way on new lanes: what was sent before and did not arrive never will. */
  welcome(peer: PeerId): void {
    this.lapsed(peer)
  }

  farewell(peer: PeerId): void {
    this.#owed.delete(peer)
  }

  lapsed(peer: PeerId): void {
    for (const stream of this.#numbering.used()) this.#owe(peer, stream)
    this.#pay(peer)
  }

  reconsider(): void {
    // Whom a topic is open to is asked for every message.
  }

  keepHouse(): void {
    for (const peer of this.#owed.keys()) this.#pay(peer)
  }

  stop(): void {
    this.#owed.clear()
  }

  /** A message of a peer's stream came. False if it came before. */
  heard({ from, id, topic }: Message, number: number): boolean {
    const latest = this.#inflows.get(from)?.latest
    if (latest !== undefined && number === latest.last + 1 && id.startsWith(latest.prefix)) {
      latest.last = number
      return true
    }
    return this.#advance(from, topic, prefixOf(id), number, number - 1)
  }

  /** A peer says how far its stream goes. */
  marked(from: PeerId, { group, prefix, count }: Mark): void {
    this.#advance(from, group, prefix, count, count)
  }

  /** Moves a stream on to `number`, and says whether that is on; those up to `expected` should have come before. */
  #advance(from: PeerId, topicOrGroup: string, prefix: string, number: number, expected: number): boolean {
    const group = this.#use.admission.groupOf?.(topicOrGroup) ?? topicOrGroup
    if (!this.#mayHear(from, group)) return true
    const inflows = this.#inflowsOf(from)
    const inflow = inflows.all.get(prefix) ?? { prefix, last: 0 }
    inflows.all.delete(prefix)
    inflows.all.set(prefix, inflow)
    inflows.latest = inflow
    keepNewest(inflows.all, DIRECT_STREAMS_PER_PEER)
    this.#use.missed.note(group, from, Math.max(0, expected - inflow.last))
    const isNew = number > inflow.last
    inflow.last = Math.max(inflow.last, number)
    return isNew
  }

  #inflowsOf(from: PeerId): Inflows {
    const known = this.#inflows.get(from)
    if (known !== undefined) return known
    const inflows: Inflows = { all: new Map(), latest: undefined }
    this.#inflows.set(from, inflows)
    keepNewest(this.#inflows, CONTACTS_MAX)
    return inflows
  }

  #owe(peer: PeerId, stream: OwnStream): void {
    const owed = this.#owed.get(peer) ?? new Set()
    this.#owed.set(peer, owed.add(stream))
  }

  /** Sends a peer the MARKs that it is owed, as far as its lanes have room. */
  #pay(peer: PeerId): void {
    const owed = this.#owed.get(peer)
    const outbox = this.#use.dialogues.get(peer)?.session.outbox
    if (owed === undefined || outbox === undefined) return
    for (const stream of owed) {
      const isDue = this.#mayHear(peer, stream.group)
      const entry = isDue ? outgoing(markFrame(stream), Number.POSITIVE_INFINITY) : undefined
      if (entry === undefined || outbox.offer(stream.priority, entry)) owed.delete(stream)
    }
    if (owed.size === 0) this.#owed.delete(peer)
  }

  #mayHear(peer: PeerId, group: string): boolean {
    const { admission } = this.#use
    // A group that nobody has named members of is a topic.
    return admission.membersOf?.(group)?.has(peer) ?? admission.mayUseTopic(peer, group)
  }
}
