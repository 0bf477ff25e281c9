import { type Clock, keepNewest, type Logger, type PeerId } from '../../base/index.ts'
import { unseal } from '../../identity/index.ts'
import { Answers } from '../answers.ts'
import type { Counters } from '../counters.ts'
import { parseEnvelope } from '../envelope.ts'
import { BusError } from '../errors.ts'
import { bodyOf, FRAME, FRAME_HEADER_BYTES, idOf } from '../frames.ts'
import type { Inbox } from '../inbox.ts'
import type { KindTable } from '../kind-table.ts'
import type { Outgoing } from '../lane-queue.ts'
import { RELAYED_PEERS_MAX, RELAYED_REQUESTS_MAX } from '../limits.ts'
import type { OnceTable } from '../once-table.ts'
import type { FrameSink } from '../outbox.ts'
import { type Ask, type InFlight, Questions } from '../questions.ts'
import type { Rank } from '../scheduler.ts'
import { RELAY_TAG, type Seals } from '../seals.ts'
import type { Admission, Priority, Responder } from '../types.ts'
import { withSoundTrace } from '../untrusted-trace.ts'
import { type Courier, PARCEL_TAG } from './courier.ts'
import { type SignedParcel, sealInfo } from './parcel.ts'
import { ParcelMemory } from './parcel-numbers.ts'

export interface RemoteComponents {
  readonly self: PeerId
  readonly courier: Courier
  readonly seals: Seals
  readonly admission: Admission
  readonly inbox: Inbox
  readonly responders: KindTable<Responder>
  readonly once: OnceTable
  readonly inFlight: InFlight
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** When a request that is not answered goes another way too, in parts of its deadline. */
const AGAIN_AT: readonly number[] = [1 / 3, 2 / 3]

/** A peer whose requests come through others. */
interface Asker {
  readonly answers: Answers
  /** Who brought the last one. */
  via: PeerId
}

/** What is said with peers that we have no lanes with: messages, requests and their answers, each a parcel that another member passes on. */
export class Remote {
  readonly #use: RemoteComponents
  readonly #asked = new Map<string, Questions>()
  readonly #askers = new Map<PeerId, Asker>()
  readonly #memory = new ParcelMemory()

  constructor(components: RemoteComponents) {
    this.#use = components
  }

  /** Throws `ERR_PEER_NOT_READY` if nobody can pass it on. */
  send(to: PeerId, priority: Priority, frame: Uint8Array, expiresAt: number): void {
    if (!this.#use.courier.send({ to, priority, frame, expiresAt, tried: new Set() })) throw noWay('nobody has room')
    this.#use.counters.messagesOut++
  }

  /** Goes several ways in turn; the responder runs once all the same. Rejects with `ERR_PEER_NOT_READY` once nobody is left who passes it on. */
  async request(to: PeerId, ask: Ask): Promise<Uint8Array> {
    const { clock, counters, inFlight } = this.#use
    if (this.#asked.size >= RELAYED_REQUESTS_MAX)
      throw new BusError('ERR_OVERLOADED', 'too many requests are in flight')
    const tried = new Set<PeerId>()
    let underway = 0
    const onRefused = (code: string): void => {
      if (--underway === 0) questions.close(noWay(code))
    }
    const offer = (frame: Uint8Array, expiresAt: number, fresh = false): boolean => {
      const ways = fresh ? new Set<PeerId>() : tried
      const options = fresh ? {} : { onRefused }
      if (!this.#use.courier.send({ to, priority: ask.priority, frame, expiresAt, tried: ways, ...options }))
        return false
      if (!fresh) underway++
      return true
    }
    const outbox = sinkOf(({ frame, expiresAt }) => offer(frame, expiresAt, frame !== repeatable.frame))
    const questions = new Questions({ peer: to, outbox, clock, counters, inFlight, control: () => undefined })
    const repeatable = { ...ask, frame: withType(ask.frame, FRAME.requestOnce) }
    const expiresAt = clock.monotonic() + ask.timeoutMs
    const again = AGAIN_AT.map((part) =>
      clock.setTimer(ask.timeoutMs * part, () => void offer(repeatable.frame, expiresAt)),
    )
    const key = keyOf(to, ask.id)
    this.#asked.set(key, questions)
    try {
      return await questions.request(repeatable)
    } finally {
      this.#asked.delete(key)
      for (const timer of again) timer.cancel()
    }
  }

  isFor(parcel: SignedParcel): boolean {
    return this.#use.seals.authorOf(parcel.to) === this.#use.self
  }

  /** A parcel for us that a neighbour brought: checked, opened, and handled as if its author had sent what is in it. */
  receive(via: PeerId, parcel: SignedParcel): Promise<void> | undefined {
    const { seals, admission, self, counters } = this.#use
    const from = seals.authorOf(parcel.author)
    const mayCome = from !== self && from !== via && admission.mayTakePart(from).allowed
    const inner = mayCome ? this.#open(from, parcel) : undefined
    if (inner !== undefined) counters.parcelsIn++
    const outcome = inner === undefined ? 'a parcel that is not for us to open' : this.#handle(from, via, inner)
    if (typeof outcome !== 'string') return outcome
    counters.parcelsDropped++
    this.#use.log.debug({ peer: from, via, reason: outcome }, 'a parcel was dropped')
    return undefined
  }

  expire(): void {
    for (const { answers } of this.#askers.values()) answers.expire()
  }

  stop(error: BusError): void {
    for (const questions of [...this.#asked.values()]) questions.close(error)
    this.#askers.clear()
  }

  /** The frame in a parcel, type first; nothing if it is forged, old or known. */
  #open(from: PeerId, parcel: SignedParcel): Buffer | undefined {
    const { seals } = this.#use
    const { author, to, id, hlc, ttlMs, sealed, signature, signed } = parcel
    if (!seals.isGenuine(author, RELAY_TAG, signed, signature) || !seals.isTimely(hlc, ttlMs)) return undefined
    const secret = seals.signer?.agree(author)
    if (secret === undefined || !this.#memory.take(from, id)) return undefined
    const inner = unseal(secret, sealInfo(PARCEL_TAG, author, to), sealed)
    return inner === undefined ? undefined : Buffer.from(inner.buffer, inner.byteOffset, inner.byteLength)
  }

  #handle(from: PeerId, via: PeerId, inner: Buffer): Promise<void> | string | undefined {
    const [type, payload] = [inner[0], inner.subarray(1)]
    if (type === FRAME.message || type === FRAME.requestOnce) {
      const received = parseEnvelope(payload, from)
      if (received === undefined || received.topic !== '') return 'an envelope that cannot be read'
      const message = withSoundTrace(received, this.#use.counters)
      if (type === FRAME.message) return this.#use.inbox.accept(message)
      const outcome = this.#answersTo(from, via).accept(message, true)
      return typeof outcome === 'object' ? outcome.handle() : outcome
    }
    const id = idOf(payload)
    if (id === undefined) return 'a reply without an id'
    if (type === FRAME.answer || type === FRAME.error) {
      return this.#asked.get(keyOf(from, id))?.onReply(type, id, bodyOf(payload))
    }
    if (type !== FRAME.cancel) return `frame type ${type} does not travel in parcels`
    this.#askers.get(from)?.answers.onCancel(id)
    return undefined
  }

  #answersTo(from: PeerId, via: PeerId): Answers {
    const known = this.#askers.get(from)
    const asker = known ?? { via, answers: new Answers({ ...this.#use, peer: from, outbox: this.#replies(from) }) }
    asker.via = via
    this.#askers.delete(from)
    this.#askers.set(from, asker)
    keepNewest(this.#askers, RELAYED_PEERS_MAX)
    return asker.answers
  }

  /** Answers go back the way the question came, if they can. */
  #replies(to: PeerId): FrameSink {
    return sinkOf(({ frame, expiresAt }, priority) => {
      const prefer = this.#askers.get(to)?.via
      return this.#use.courier.send({ to, priority, frame, expiresAt, tried: new Set(), prefer })
    })
  }
}

/** What looks like the lanes of a peer to those who talk with it: takes a frame at once, or not at all. */
function sinkOf(take: (entry: Outgoing, priority: Priority) => boolean): FrameSink {
  const offer = (rank: Rank, entry: Outgoing): boolean => {
    if (rank === 'control' || !take(entry, rank)) return false
    entry.state = 'sent'
    return true
  }
  return { offer, post: (rank, entry) => (offer(rank, entry) ? undefined : Promise.reject(noWay('nobody has room'))) }
}

function withType(frame: Uint8Array, type: number): Uint8Array {
  const copy = frame.slice()
  copy[FRAME_HEADER_BYTES - 1] = type
  return copy
}

function keyOf(to: PeerId, id: string): string {
  return `${to} ${id}`
}

function noWay(detail: string): BusError {
  return new BusError('ERR_PEER_NOT_READY', `no other member passes it on (${detail})`, {
    fix: 'Try again in a moment: members tell each other within seconds whom they reach.',
  })
}
