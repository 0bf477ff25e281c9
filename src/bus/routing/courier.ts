import { type Clock, type HybridClock, keyOfPeerId, type PeerId, type Random, utf8 } from '../../base/index.ts'
import { SEAL_SALT_BYTES, type Signer, seal } from '../../identity/index.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { outgoing } from '../lane-queue.ts'
import { MESSAGE_TTL_MAX_MS, RELAY_KEPT_MAX, RELAY_KEPT_MAX_BYTES, RELAY_KEPT_MS, RELAY_WAYS_MAX } from '../limits.ts'
import { RELAY_TAG } from '../seals.ts'
import type { Admission, Priority } from '../types.ts'
import { type Parcel, parcelBytes, relayFrame, sealInfo } from './parcel.ts'
import { ParcelNumbers } from './parcel-numbers.ts'
import type { Reach } from './reach.ts'

export interface CourierComponents {
  /** Ours; without one nothing of ours goes through others. */
  readonly signer: Signer | undefined
  readonly admission: Admission
  readonly reach: Reach
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly clock: Clock
  readonly hybridClock: HybridClock
  readonly random: Random
  readonly counters: Counters
}

/** A frame for a peer without lanes. */
export interface Consignment {
  readonly to: PeerId
  readonly priority: Priority
  /** Whole, with its header. */
  readonly frame: Uint8Array
  /** Monotonic ms. */
  readonly expiresAt: number
  /** Members through whom it has gone, also as another parcel. */
  readonly tried: Set<PeerId>
  /** Goes first, if it can. */
  readonly prefer?: PeerId | undefined
  /** Nobody passes it on; a code. */
  readonly onRefused?: (code: string) => void
}

/** A parcel on its way that may have to go another. */
interface Kept {
  readonly consignment: Consignment
  readonly frame: Uint8Array
  readonly until: number
  via: PeerId
}

/** What stands before the type in a frame. */
const LENGTH_BYTES = 4
export const PARCEL_TAG: Uint8Array = utf8(RELAY_TAG)

/** Sends frames to peers without lanes through members who have some: over the nearest, and over others if that one refuses or is lost. */
export class Courier {
  readonly #use: CourierComponents
  readonly #numbers: ParcelNumbers
  readonly #kept = new Map<string, Kept>()
  #keptBytes = 0

  constructor(components: CourierComponents) {
    this.#use = components
    this.#numbers = new ParcelNumbers(components.random)
  }

  /** Through whom a message would go first; undefined if there is nobody. */
  wayTo(to: PeerId): PeerId | undefined {
    return this.#waysTo(to)[0]
  }

  /** False if nobody can take it now. */
  send(consignment: Consignment): boolean {
    const { to, priority, frame: inner, expiresAt } = consignment
    const { signer, hybridClock, clock, random, counters } = this.#use
    const [key, now] = [keyOfPeerId(to), clock.monotonic()]
    const secret = signer?.agree(key)
    if (signer === undefined || secret === undefined || this.#untried(consignment).length === 0) return false
    const { publicKey: author } = signer
    const info = sealInfo(PARCEL_TAG, author, key)
    const parcel: Parcel = {
      to: key,
      author,
      id: this.#numbers.next(to),
      priority,
      hlc: hybridClock.tick(),
      ttlMs: Math.ceil(Math.min(Math.max(expiresAt - now, 0), MESSAGE_TTL_MAX_MS)),
      sealed: seal(secret, info, random.bytes(SEAL_SALT_BYTES), inner.subarray(LENGTH_BYTES)),
    }
    const bytes = parcelBytes(parcel)
    const frame = relayFrame(signer.sign(RELAY_TAG, bytes), bytes)
    const via = this.#handOver(consignment, frame)
    if (via === undefined) return false
    counters.parcelsOut++
    this.#keep(parcel.id, { consignment, frame, until: Math.min(expiresAt, now + RELAY_KEPT_MS), via })
    return true
  }

  /** A member did not pass a parcel on. */
  refused(by: PeerId, id: string, code: string): void {
    const kept = this.#kept.get(id)
    if (kept?.via === by) this.#tryAnother(id, kept, code)
  }

  /** The lanes with a member are gone, and with them perhaps what it was to pass on; who has got it already knows it by its id. */
  farewell(neighbour: PeerId): void {
    for (const [id, kept] of this.#kept) if (kept.via === neighbour) this.#tryAnother(id, kept, 'no-link')
  }

  /** Called about once a second. */
  expire(): void {
    const now = this.#use.clock.monotonic()
    for (const [id, { until }] of this.#kept) if (until <= now) this.#forget(id)
  }

  stop(): void {
    this.#kept.clear()
    this.#keptBytes = 0
  }

  #tryAnother(id: string, kept: Kept, code: string): void {
    const via = this.#handOver(kept.consignment, kept.frame)
    if (via !== undefined) {
      kept.via = via
      return
    }
    this.#forget(id)
    this.#use.counters.parcelsReturned++
    kept.consignment.onRefused?.(code)
  }

  /** Gives a parcel to the first that takes it; who has no room counts as tried. */
  #handOver(consignment: Consignment, frame: Uint8Array): PeerId | undefined {
    const { priority, expiresAt, tried } = consignment
    for (const way of this.#untried(consignment)) {
      tried.add(way)
      const { outbox } = this.#use.dialogues.get(way)?.session ?? {}
      if (outbox?.offer(priority, outgoing(frame, expiresAt)) === true) return way
    }
    return undefined
  }

  #untried({ to, tried, prefer }: Consignment): readonly PeerId[] {
    if (tried.size >= RELAY_WAYS_MAX) return []
    const ways = this.#waysTo(to).filter((way) => !tried.has(way))
    const first = prefer !== undefined && !tried.has(prefer) && this.#isFit(prefer) ? [prefer] : []
    return [...new Set([...first, ...ways])].slice(0, RELAY_WAYS_MAX - tried.size)
  }

  /** The nearest first. */
  #waysTo(to: PeerId): readonly PeerId[] {
    const { signer, admission, reach, dialogues } = this.#use
    if (signer === undefined || !admission.mayTakePart(to).allowed) return []
    const rtt = (peer: PeerId): number => dialogues.get(peer)?.rttMs ?? Number.POSITIVE_INFINITY
    return reach
      .neighboursOf(to)
      .filter((peer) => this.#isFit(peer))
      .toSorted((a, b) => rtt(a) - rtt(b))
  }

  #isFit(way: PeerId): boolean {
    return this.#use.dialogues.get(way)?.isSuspected === false
  }

  #keep(id: string, kept: Kept): void {
    const { byteLength } = kept.frame
    if (this.#kept.size >= RELAY_KEPT_MAX || this.#keptBytes + byteLength > RELAY_KEPT_MAX_BYTES) return
    this.#kept.set(id, kept)
    this.#keptBytes += byteLength
  }

  #forget(id: string): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#kept.delete(id)
    this.#keptBytes -= kept.frame.byteLength
  }
}
