import {
  type Clock,
  type Component,
  type ComponentStatus,
  keepNewest,
  type Logger,
  type PeerId,
  reasonOf,
  withDeadline,
} from '../../base/index.ts'
import { NetworkError } from '../errors.ts'
import type { Channel, Transport } from '../transport.ts'
import { MessageChannel } from '../wire/message-channel.ts'
import {
  DIAL_BACK_MESSAGE_MAX_BYTES,
  DIAL_BACK_PROTOCOL,
  type DialBackTry,
  decodeDialBackRequest,
  encodeDialBackAnswer,
  hostAndLayer,
} from './dial-back-messages.ts'

/** Requests at once, of all peers; and the least time between two of one peer. */
const AT_ONCE_MAX = 8
export const DIAL_BACK_PACE_MS = 5_000
/** Peers whose last request is remembered. */
const REMEMBERED_MAX = 1024
const REQUEST_TIMEOUT_MS = 5_000

export interface DialBackInit {
  readonly mayAsk: (peer: PeerId) => boolean
}

export interface DialBackComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Dials members that ask for it, at the host from which their own link comes and nowhere else, so that nobody can be made to
 * dial somebody else. A connection that comes up proves who answers; it is closed as any that nobody uses.
 */
export class DialBack implements Component {
  readonly name = 'dial-back'
  readonly #init: DialBackInit
  readonly #use: DialBackComponents
  /** When each peer last asked, monotonic. */
  readonly #askedAt = new Map<PeerId, number>()
  readonly #counts = { dialBacks: 0, refused: 0, failed: 0 }
  #underway = 0
  #subscriptions: DisposableStack | undefined
  #since: number

  constructor(init: DialBackInit, components: DialBackComponents) {
    this.#init = init
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#subscriptions !== undefined) return
    const { transport, clock } = this.#use
    this.#since = clock.now()
    this.#subscriptions = new DisposableStack()
    const options = { maxInboundStreams: 1, directOnly: true }
    this.#subscriptions.use(transport.handle(DIAL_BACK_PROTOCOL, options, (channel) => this.#serve(channel)))
  }

  async stop(): Promise<void> {
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    this.#askedAt.clear()
    this.#since = this.#use.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const state = this.#subscriptions === undefined ? 'stopped' : 'ok'
    return { state, since: this.#since, figures: { underway: this.#underway, ...this.#counts } }
  }

  async #serve(channel: Channel): Promise<void> {
    const { peer } = channel
    if (!this.#mayServe(peer)) {
      this.#counts.refused++
      return channel.abort(new NetworkError('ERR_OVERLOADED', 'not now, or not for this peer'))
    }
    // Kept when the peer goes: coming back at once wins nothing.
    this.#askedAt.delete(peer)
    this.#askedAt.set(peer, this.#use.clock.monotonic())
    keepNewest(this.#askedAt, REMEMBERED_MAX)
    this.#underway++
    try {
      await this.#answer(channel)
      this.#counts.dialBacks++
    } catch (error) {
      this.#counts.failed++
      this.#use.log.debug({ peer, reason: reasonOf(error) }, 'a peer was not dialled back')
      channel.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    } finally {
      this.#underway--
    }
  }

  async #answer(channel: Channel): Promise<void> {
    const { transport, clock } = this.#use
    const { peer } = channel
    const messages = new MessageChannel(channel, DIAL_BACK_MESSAGE_MAX_BYTES)
    const asked = withDeadline(messages.read(), { clock, timeoutMs: REQUEST_TIMEOUT_MS, what: 'what to dial back' })
    const layers = decodeDialBackRequest(await asked)
    const link = transport.links().find((one) => one.peer === peer && one.kind === 'direct')
    const host = hostAndLayer(link?.address ?? '')?.host
    if (host === undefined) throw new NetworkError('ERR_UNREACHABLE', 'its host is not known')
    const tried = await Promise.all(layers.map((layer) => this.#dial(peer, host, layer)))
    await messages.send(encodeDialBackAnswer({ host, tried }))
    await channel.close()
  }

  async #dial(peer: PeerId, host: string, layer: string): Promise<DialBackTry> {
    try {
      await this.#use.transport.dial(peer, [host + layer], { anew: true })
      return { layer, reason: '' }
    } catch (error) {
      // Ours, and says nothing of the asker.
      if (!(error instanceof NetworkError) || error.code === 'ERR_OVERLOADED') throw error
      const [failure] = error.failures
      return { layer, reason: failure?.reason ?? error.message }
    }
  }

  #mayServe(peer: PeerId): boolean {
    const since = this.#use.clock.monotonic() - (this.#askedAt.get(peer) ?? Number.NEGATIVE_INFINITY)
    return this.#init.mayAsk(peer) && since >= DIAL_BACK_PACE_MS && this.#underway < AT_ONCE_MAX
  }
}

export function dialBack(init: DialBackInit): (components: DialBackComponents) => DialBack {
  return (components) => new DialBack(init, components)
}
