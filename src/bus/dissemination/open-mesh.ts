import {
  BaseError,
  type Clock,
  concatBytes,
  keepNewest,
  type PeerId,
  type Random,
  TokenBucket,
  type TokenBucketInit,
} from '../../base/index.ts'
import { SIGNATURE_BYTES } from '../../identity/index.ts'
import type { OpenTopics, OpenVerdict } from '../../network/index.ts'
import type { Counters } from '../counters.ts'
import { authoredEnvelope, messageOf, parseAuthoredEnvelope } from '../envelope.ts'
import { BusError } from '../errors.ts'
import {
  OPEN_BODY_MAX_BYTES,
  OPEN_GAP_MS,
  OPEN_NEIGHBOUR_RATE,
  OPEN_NEIGHBOURS_MAX,
  OPEN_OWN_RATE,
  OPEN_TOTAL_RATE,
} from '../limits.ts'
import { memoryMs, OPEN_TAG, type Seals } from '../seals.ts'
import type { Message } from '../types.ts'
import type { Dispatch, Dissemination, Draft } from './dissemination.ts'
import type { MissedReports } from './missed-reports.ts'
import { idOfLast, Numbering, numberOf, prefixOf } from './numbering.ts'
import { OpenAuthors } from './open-authors.ts'

export interface OpenMeshComponents {
  readonly self: PeerId
  readonly openTopics: OpenTopics
  readonly seals: Seals
  /** Hands a message to our own subscribers. */
  readonly deliver: (message: Message) => Promise<void> | undefined
  readonly missed: MissedReports
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
}

/**
 * Publishes to whoever listens on an open topic, members or not (docs/specs/open-topics.md). A message is its author's
 * signature and the envelope that it is made over; what is not genuine is not passed on.
 */
export class OpenMesh implements Dissemination {
  readonly #use: OpenMeshComponents
  readonly #numbering: Numbering
  readonly #authors = new OpenAuthors()
  /** How much we may still say on each topic, each neighbour may bring, and all of them. */
  readonly #own = new Map<string, TokenBucket>()
  readonly #budgets = new Map<PeerId, TokenBucket>()
  readonly #total: TokenBucket
  #joined = new DisposableStack()

  constructor(components: OpenMeshComponents) {
    this.#use = components
    this.#numbering = new Numbering(components.random)
    this.#total = new TokenBucket(OPEN_TOTAL_RATE, components.clock.monotonic())
  }

  start(): void {
    const { openTopics } = this.#use
    this.#joined = new DisposableStack()
    for (const topic of openTopics.topics) {
      this.#joined.use(openTopics.join(topic, (bytes, via) => this.#judge(topic, bytes, via)))
    }
  }

  carries(topic: string): boolean {
    return this.#use.openTopics.topics.includes(topic)
  }

  get figures(): Readonly<Record<string, number>> {
    return { openAuthors: this.#authors.size, ...this.#use.openTopics.figures() }
  }

  /**
   * Throws `ERR_LIFECYCLE` for a bus that was given no signer, `ERR_MESSAGE_TOO_LARGE`, and `ERR_OVERLOADED` for more than others
   * take of one author.
   */
  async publish(draft: Draft, topic: string): Promise<Dispatch> {
    const { openTopics, counters, clock } = this.#use
    const { signer } = this.#use.seals
    if (signer === undefined) throw new BaseError('ERR_LIFECYCLE', 'a bus without a signer publishes on lanes only')
    if (draft.body.byteLength > OPEN_BODY_MAX_BYTES) {
      const reason = `${draft.body.byteLength} bytes; at most ${OPEN_BODY_MAX_BYTES} fit in a message on an open topic`
      throw new BusError('ERR_MESSAGE_TOO_LARGE', reason, { fix: 'Publish where the content can be fetched.' })
    }
    const now = clock.monotonic()
    if (!budgetOf(this.#own, topic, OPEN_OWN_RATE, now).take(now, 1 + costOf(draft.body))) {
      throw new BusError('ERR_OVERLOADED', `too much for ${topic} at once`, { fix: 'Publish at most 1 MiB a second.' })
    }
    // A number that is not sent would be missed by those who listen.
    const id = idOfLast(this.#numbering.next(topic, draft.priority))
    // Strangers have no use for our traces.
    const message: Message = { ...draft, trace: '', id }
    const envelope = authoredEnvelope({ ...message, author: signer.publicKey })
    const bytes = concatBytes(signer.sign(OPEN_TAG, envelope), envelope)
    const sent = await openTopics.publish(topic, bytes)
    counters.messagesOut += sent
    return { message, sent, skipped: [], roomiest: undefined }
  }

  welcome(): void {
    // Whom the mesh consists of is its own affair.
  }

  farewell(): void {
    // As above.
  }

  lapsed(): void {
    // As above.
  }

  reconsider(): void {
    // Open topics have no members.
  }

  keepHouse(): void {
    const { clock, missed } = this.#use
    const now = clock.monotonic()
    this.#authors.expire(now, now - OPEN_GAP_MS, (topic, from, count) => missed.note(topic, from, count))
  }

  stop(): void {
    this.#joined.dispose()
    this.#authors.clear()
    this.#budgets.clear()
  }

  /** Cheap questions first; a signature costs as much as all others together. */
  #judge(topic: string, bytes: Uint8Array, via: PeerId): OpenVerdict {
    const { seals, counters, clock, deliver } = this.#use
    counters.copiesIn++
    const now = clock.monotonic()
    const cost = costOf(bytes)
    const budget = budgetOf(this.#budgets, via, OPEN_NEIGHBOUR_RATE, now)
    if (!budget.take(now, cost)) return this.#flooded()
    const signed = bytes.subarray(SIGNATURE_BYTES)
    const envelope = parseAuthoredEnvelope(signed)
    if (envelope === undefined || envelope.topic !== topic) return this.#refused()
    const from = seals.authorOf(envelope.author)
    const heard = { topic, from, via, prefix: prefixOf(envelope.id), number: numberOf(envelope.id), cost }
    if (heard.number === 0) return this.#refused()
    if (from === this.#use.self || this.#authors.has(heard)) {
      counters.duplicates++
      return 'ignore'
    }
    if (!seals.isTimely(envelope.hlc, envelope.ttlMs)) {
      counters.droppedUntimely++
      return 'ignore'
    }
    // Only what costs a signature to check, so that nobody uses it up with less.
    if (!this.#total.take(now, cost)) return this.#flooded()
    if (!seals.isGenuine(envelope.author, OPEN_TAG, signed, bytes.subarray(0, SIGNATURE_BYTES))) return this.#refused()
    const missed = this.#authors.take(heard, memoryMs(envelope.ttlMs), now)
    if (missed === undefined) return this.#flooded()
    this.#use.missed.note(topic, from, missed)
    counters.messagesIn++
    // A subscriber with the policy `block` has a bound of its own; nobody here could be made to wait.
    void deliver(messageOf({ ...envelope, body: envelope.body.slice() }, from))
    return 'accept'
  }

  #flooded(): OpenVerdict {
    this.#use.counters.droppedFlood++
    return 'ignore'
  }

  #refused(): OpenVerdict {
    this.#use.counters.faults++
    return 'reject'
  }
}

function costOf(bytes: Uint8Array): number {
  return Math.ceil(bytes.byteLength / 1024)
}

function budgetOf<Key>(budgets: Map<Key, TokenBucket>, key: Key, rate: TokenBucketInit, now: number): TokenBucket {
  const known = budgets.get(key)
  if (known !== undefined) return known
  const budget = new TokenBucket(rate, now)
  budgets.set(key, budget)
  keepNewest(budgets, OPEN_NEIGHBOURS_MAX)
  return budget
}
