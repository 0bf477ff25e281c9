import type { Clock, Events, PeerId } from '../base/index.ts'
import type { Composer } from './composer.ts'
import type { Counters } from './counters.ts'
import type { Dialogue } from './dialogue.ts'
import { envelopeFrame } from './envelope.ts'
import { BusError } from './errors.ts'
import { FRAME } from './frames.ts'
import { outgoing } from './lane-queue.ts'
import type { Peers } from './peers.ts'
import { query } from './query.ts'
import type { Ask } from './questions.ts'
import { Repeats } from './repeats.ts'
import type { Routing } from './routing/routing.ts'
import type {
  BusEvents,
  QueryOptions,
  QueryResult,
  RequestOptions,
  SendOptions,
  SingleRequestOptions,
} from './types.ts'

export interface CorrespondenceComponents {
  readonly composer: Composer
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly routing: Routing
  /** Says why a peer is not ready. */
  readonly peers: Peers
  /** Throws `ERR_BUS_STOPPED`. */
  readonly assertRunning: () => void
  readonly events: Events<BusEvents>
  readonly clock: Clock
  readonly counters: Counters
}

/** What is said to one peer, or to each of some: over its lanes, or through another member while it has none. */
export class Correspondence {
  readonly #use: CorrespondenceComponents
  readonly #repeats: Repeats

  constructor(components: CorrespondenceComponents) {
    this.#use = components
    this.#repeats = new Repeats({
      ...components,
      dialogue: (peer) => this.#dialogue(peer),
      roundabout: (peer, ask) => (this.#isRemote(peer, {}) ? components.routing.remote.request(peer, ask) : undefined),
    })
  }

  async send(peer: PeerId, kind: string, body: Uint8Array, options: SendOptions): Promise<void> {
    const { composer, clock, routing, counters } = this.#use
    const dialogue = this.#dialogueOrWay(peer, options)
    const message = composer.message('', kind, body, options)
    const frame = envelopeFrame(FRAME.message, message)
    const expiresAt = clock.monotonic() + message.ttlMs
    if (dialogue === undefined) return routing.remote.send(peer, message.priority, frame, expiresAt)
    const wait = dialogue.session.outbox.post(message.priority, outgoing(frame, expiresAt), options.signal)
    if (wait !== undefined) await wait
    counters.messagesOut++
  }

  /** Not `async`: what that costs is felt with tens of thousands of requests a second. */
  request(peer: PeerId, kind: string, body: Uint8Array, options: SingleRequestOptions): Promise<Uint8Array> {
    try {
      const { composer } = this.#use
      if (options.repeatable === true && !this.#isRemote(peer, options)) {
        return this.#repeats.request(peer, composer.repeatableAsk(kind, body, options))
      }
      const dialogue = this.#dialogueOrWay(peer, options)
      return this.#ask(peer, dialogue, composer.ask(kind, body, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async *requestStream(
    peer: PeerId,
    kind: string,
    body: Uint8Array,
    options: RequestOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const { questions } = this.#dialogue(peer)
    yield* questions.stream(this.#use.composer.ask(kind, body, options))
  }

  async query(peers: readonly PeerId[], kind: string, body: Uint8Array, options: QueryOptions): Promise<QueryResult> {
    const { assertRunning, composer, clock } = this.#use
    assertRunning()
    return query({
      peers,
      enough: options.enough,
      ask: composer.ask(kind, body, options),
      request: async (peer, ask) => this.#ask(peer, this.#dialogueOrWay(peer, options), ask),
      clock,
    })
  }

  async ping(peer: PeerId, signal: AbortSignal | undefined): Promise<number> {
    return this.#dialogue(peer).heartbeat.ping(signal)
  }

  stop(error: BusError): void {
    this.#repeats.stop(error)
  }

  #ask(peer: PeerId, dialogue: Dialogue | undefined, ask: Ask): Promise<Uint8Array> {
    return dialogue === undefined ? this.#use.routing.remote.request(peer, ask) : dialogue.questions.request(ask)
  }

  /** The lanes of a peer; nothing if others pass on what is for it. Throws `ERR_PEER_NOT_READY` if it cannot be reached at all. */
  #dialogueOrWay(peer: PeerId, options: SendOptions): Dialogue | undefined {
    return this.#isRemote(peer, options) ? undefined : this.#dialogue(peer)
  }

  /** Do others pass on what is for this peer? */
  #isRemote(peer: PeerId, { direct }: SendOptions): boolean {
    const { assertRunning, dialogues, peers, routing } = this.#use
    assertRunning()
    if (direct === true || dialogues.has(peer) || peers.contact(peer)?.state === 'refused') return false
    return routing.reaches(peer)
  }

  #dialogue(peer: PeerId): Dialogue {
    const { assertRunning, dialogues, peers } = this.#use
    assertRunning()
    const dialogue = dialogues.get(peer)
    if (dialogue !== undefined) return dialogue
    const { state, reason, fix } = peers.contact(peer)?.presence() ?? {}
    const detail = reason === undefined ? (state ?? 'not connected') : `${state}: ${reason}`
    throw new BusError('ERR_PEER_NOT_READY', `the peer cannot be reached now (${detail})`, { fix })
  }
}
