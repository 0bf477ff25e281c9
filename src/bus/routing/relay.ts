import type { Clock, PeerId } from '../../base/index.ts'
import { Allowance } from '../allowance.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { FRAME, frame } from '../frames.ts'
import { outgoing } from '../lane-queue.ts'
import { RELAY_BURST_BYTES, RELAY_BURST_FRAMES, RELAY_BYTES_PER_SECOND, RELAY_FRAMES_PER_SECOND } from '../limits.ts'
import type { Seals } from '../seals.ts'
import type { Admission } from '../types.ts'
import { type RelayRefusal, relayRefusedFrame, type SignedParcel } from './parcel.ts'

export interface RelayComponents {
  readonly seals: Seals
  readonly admission: Admission
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly clock: Clock
  readonly counters: Counters
}

/**
 * Passes parcels on for others: straight from their author, whom the channel proves, straight to their receiver. So a parcel
 * goes over two links at most, and never in a circle.
 */
export class Relay {
  readonly #use: RelayComponents
  readonly #bytes = new Allowance({ burst: RELAY_BURST_BYTES, perSecond: RELAY_BYTES_PER_SECOND })
  readonly #frames = new Allowance({ burst: RELAY_BURST_FRAMES, perSecond: RELAY_FRAMES_PER_SECOND })

  constructor(components: RelayComponents) {
    this.#use = components
  }

  /** Returns a sentence if the parcel is not its bringer's. */
  pass(from: Dialogue, parcel: SignedParcel, payload: Uint8Array): string | undefined {
    const { seals, counters } = this.#use
    if (seals.authorOf(parcel.author) !== from.session.peer) return 'a parcel of another peer for another peer'
    const refusal = this.#passOn(from.session.peer, parcel, payload)
    if (refusal === undefined) {
      counters.parcelsPassed++
      return undefined
    }
    counters.parcelsRefused++
    from.tell(relayRefusedFrame(parcel.id, refusal))
    return undefined
  }

  #passOn(author: PeerId, { to: key, priority, ttlMs }: SignedParcel, payload: Uint8Array): RelayRefusal | undefined {
    const { seals, admission, dialogues, clock } = this.#use
    const [to, now] = [seals.authorOf(key), clock.monotonic()]
    if (!admission.mayIntroduce(author, to)) return 'not-admitted'
    const dialogue = dialogues.get(to)
    if (dialogue === undefined || dialogue.isSuspected) return 'no-link'
    if (!this.#frames.spend(author, 1, now) || !this.#bytes.spend(author, payload.byteLength, now)) return 'busy'
    const taken = dialogue.session.outbox.offer(priority, outgoing(frame(FRAME.relay, payload), now + ttlMs))
    return taken ? undefined : 'busy'
  }
}
