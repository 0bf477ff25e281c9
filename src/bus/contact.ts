import { type PeerId, type Random, shortPeerId, type Timer } from '../base/index.ts'
import type { Link } from '../network/index.ts'
import { Backoff } from './backoff.ts'
import type { Session } from './session.ts'
import type { LinkState, PeerPresence } from './types.ts'

const FIX: Readonly<Record<LinkState, string | undefined>> = {
  ready: undefined,
  suspected: 'Nothing to do: others are asked whether they reach it.',
  reachable: 'Nothing to do; for a direct link, check that one of the two machines can reach the other.',
  connecting: 'Nothing to do: it is tried again by itself.',
  refused: 'One of the two must be invited into a space of the other; after that it is tried again by itself.',
  offline: 'Check that the peer runs and that its machine can be reached from here.',
}

/** What we know about one peer, linked or not. */
export class Contact {
  readonly peer: PeerId
  readonly backoff: Backoff
  link: Link | undefined
  session: Session | undefined
  /** The link on which the session opened its lanes. */
  sessionLink: Link | undefined
  /** Fires when the next session is to be opened. */
  retry: Timer | undefined
  /** Until then nothing is opened or let in: the peer broke the protocol. Monotonic ms. */
  penaltyUntil = 0
  /** When it last made us begin a session. Monotonic ms. */
  promptedAt: number | undefined
  /** When we last told it, or an event, that it is not admitted. Monotonic ms. */
  refusedAt: number | undefined
  name: string | undefined
  rttMs: number | undefined
  #state: LinkState = 'offline'
  #reason: string | undefined
  #since: number

  constructor(init: { readonly peer: PeerId; readonly random: Random; readonly now: number }) {
    this.peer = init.peer
    this.backoff = new Backoff(init.random)
    this.#since = init.now
  }

  get state(): LinkState {
    return this.#state
  }

  get reason(): string | undefined {
    return this.#reason
  }

  /** `now` is wall-clock time: it is for people. */
  become(state: LinkState, reason: string | undefined, now: number): void {
    if (state !== this.#state) this.#since = now
    this.#state = state
    this.#reason = reason
  }

  cancelRetry(): void {
    this.retry?.cancel()
    this.retry = undefined
  }

  presence(): PeerPresence {
    const { peer, name, link, rttMs } = this
    const state = this.#state
    return { peer, state, name, link, via: undefined, rttMs, reason: this.#reason, since: this.#since, fix: FIX[state] }
  }
}

/** A peer of whom we only know from others. `since` is wall-clock ms. */
export function unlinked(peer: PeerId, since: number): PeerPresence {
  const state = 'offline'
  const nothing = { name: undefined, link: undefined, via: undefined, rttMs: undefined }
  return { peer, state, ...nothing, reason: 'no link of our own', since, fix: FIX[state] }
}

/** How a peer without lanes stands if another passes on what we send. */
export function routedPresence(presence: PeerPresence, via: PeerId | undefined): PeerPresence {
  if (via === undefined) return presence
  const reason = `reachable via ${shortPeerId(via)}: ${presence.reason ?? 'its lanes are not up yet'}`
  return { ...presence, state: 'reachable', via, reason, fix: FIX.reachable }
}
