import {
  type Clock,
  HLC_MAX_AHEAD_MS,
  type HybridClock,
  hexOf,
  hlcToMs,
  type PeerId,
  peerIdOfKey,
} from '../base/index.ts'
import type { Signer, Verifier } from '../identity/index.ts'
import { AUTHORS_MAX } from './limits.ts'

/** What separates these signatures from all others of the same key: messages on a topic, on an
 * open topic, and to one peer. */
export const MESSAGE_TAG = 'plexus/msg/1'
export const OPEN_TAG = 'plexus/open/1'
export const RELAY_TAG = 'plexus/relay/1'

export interface SealsComponents {
  /** Without one, nothing of ours goes through others. */
  readonly signer: Signer | undefined
  readonly verifier: Verifier
  readonly clock: Clock
  readonly hybridClock: HybridClock
}

/** Signatures of messages that go through others, and how old such a message may be. */
export class Seals {
  readonly #use: SealsComponents
  /** Peer ids by key: claims name many authors, again and again. */
  readonly #authors = new Map<string, PeerId>()

  constructor(components: SealsComponents) {
    this.#use = components
  }

  get signer(): Signer | undefined {
    return this.#use.signer
  }

  isGenuine(author: Uint8Array, tag: string, signed: Uint8Array, signature: Uint8Array): boolean {
    return this.#use.verifier.verify(author, tag, signed, signature)
  }

  /**
   * Is this message from a time in which we remember what we have seen? What is older could be a repetition, and what is from
   * the future could be repeated later.
   */
  isTimely(hlc: number, ttlMs: number): boolean {
    const { clock, hybridClock } = this.#use
    return !hybridClock.isTooFarAhead(hlc) && hlcToMs(hlc) + ttlMs + HLC_MAX_AHEAD_MS >= clock.now()
  }

  authorOf(key: Uint8Array): PeerId {
    const name = hexOf(key)
    const known = this.#authors.get(name)
    if (known !== undefined) return known
    const author = peerIdOfKey(key)
    if (this.#authors.size >= AUTHORS_MAX) this.#authors.clear()
    this.#authors.set(name, author)
    return author
  }
}

/** How long the receiver of a timely message must remember it, ms: afterwards it would not be timely any more. */
export function memoryMs(ttlMs: number): number {
  return ttlMs + 2 * HLC_MAX_AHEAD_MS
}
