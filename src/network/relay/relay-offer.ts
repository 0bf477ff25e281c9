import {
  type Clock,
  type Component,
  type ComponentStatus,
  type Logger,
  type PeerId,
  reasonOf,
  withDeadline,
} from '../../base/index.ts'
import { NetworkError } from '../errors.ts'
import type { Channel, Transport } from '../transport.ts'
import { MessageChannel } from '../wire/message-channel.ts'
import { Circuit, type CircuitEnd } from './circuit.ts'
import {
  CIRCUIT_MESSAGE_MAX_BYTES,
  type CircuitLimit,
  decodeHopRequest,
  decodeStopAnswer,
  encodeHopAnswer,
  encodeStopRequest,
  HOP_PROTOCOL,
  RELAY_STATUS,
  type RelayStatus,
  STOP_PROTOCOL,
} from './circuit-messages.ts'

/** Reservations held for others. */
export const RESERVATIONS_MAX = 128
export const RESERVATION_MS: number = 2 * 60 * 60 * 1000
/** A circuit that a member opened. */
export const MEMBER_CIRCUIT: CircuitLimit = { seconds: 60 * 60, bytes: 64 * 1024 * 1024 }
/** One that a stranger opened: enough to redeem a ticket at a member behind us, whose answer has at most 16 MiB. */
export const STRANGER_CIRCUIT: CircuitLimit = { seconds: 2 * 60, bytes: 20 * 1024 * 1024 }
/** Circuits at once: of all, of one source, of strangers together. */
export const CIRCUITS_MAX = 64
export const CIRCUITS_PER_SOURCE = 8
export const STRANGER_CIRCUITS_MAX = 8
/** From the opening of a stream to the request, and from asking the target to its answer. */
const MESSAGE_TIMEOUT_MS = 10_000

export interface RelayOfferInit {
  /** Whom we relay for. Others may only knock at those for whom we do: short circuits, few at a time. */
  readonly mayRelay: (peer: PeerId) => boolean
}

export interface RelayOfferComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

interface Underway {
  readonly source: PeerId
  readonly target: PeerId
  isStranger: boolean
  circuit: Circuit | undefined
}

/**
 * Relays for members: circuit relay v2, the relay's side. What it passes on is encrypted between the two ends. Memory per
 * circuit is bounded by the buffers of two channels, because nothing is read that cannot be written.
 */
export class RelayOffer implements Component {
  readonly name = 'relay'
  readonly #init: RelayOfferInit
  readonly #use: RelayOfferComponents
  /** When each ends, on the monotonic clock. */
  readonly #reservations = new Map<PeerId, number>()
  readonly #underway = new Set<Underway>()
  readonly #counts = { reserved: 0, circuitsOpened: 0, refused: 0, failed: 0, bytesRelayed: 0 }
  #subscriptions: DisposableStack | undefined
  #since: number

  constructor(init: RelayOfferInit, components: RelayOfferComponents) {
    this.#init = init
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#subscriptions !== undefined) return
    const { transport, clock } = this.#use
    this.#since = clock.now()
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    const options = { maxInboundStreams: CIRCUITS_PER_SOURCE + 2, directOnly: true }
    subscriptions.use(transport.handle(HOP_PROTOCOL, options, (channel) => this.#serve(channel)))
    subscriptions.use(transport.events.on('peer:disconnect', ({ peer }) => void this.#reservations.delete(peer)))
  }

  async stop(): Promise<void> {
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    for (const { circuit } of this.#underway) circuit?.end(stopping().message)
    this.#reservations.clear()
    this.#since = this.#use.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    this.#dropExpired()
    return {
      state: this.#subscriptions === undefined ? 'stopped' : 'ok',
      since: this.#since,
      figures: { reservations: this.#reservations.size, circuits: this.#underway.size, ...this.#counts },
    }
  }

  /** Ends what members had that are none any more; gives strangers that have joined what members have. */
  reconsider(): void {
    const { mayRelay } = this.#init
    for (const peer of this.#reservations.keys()) if (!mayRelay(peer)) this.#reservations.delete(peer)
    for (const underway of this.#underway) {
      const { source, target, isStranger, circuit } = underway
      if (!mayRelay(target) || !(isStranger || mayRelay(source))) circuit?.end('an end of it is no longer a member')
      else if (isStranger && mayRelay(source)) {
        underway.isStranger = false
        if (circuit !== undefined) circuit.limit = MEMBER_CIRCUIT
      }
    }
  }

  async #serve(channel: Channel): Promise<void> {
    const messages = new MessageChannel(channel, CIRCUIT_MESSAGE_MAX_BYTES)
    const answer = async (status: RelayStatus): Promise<void> => {
      if (status !== RELAY_STATUS.ok) this.#counts.refused++
      await messages.send(encodeHopAnswer({ status }))
      await channel.close()
    }
    try {
      const request = decodeHopRequest(await this.#within('a request to the relay', messages.read()))
      if (request.is === 'reserve') await this.#reserve(channel, messages, answer)
      else await this.#connect({ channel, messages, target: request.peer, answer })
    } catch (error) {
      this.#counts.failed++
      this.#use.log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a request to the relay failed')
      const isMalformed = error instanceof NetworkError && error.code === 'ERR_MALFORMED_MESSAGE'
      if (isMalformed) await answer(RELAY_STATUS.malformedMessage)
      else channel.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    }
  }

  async #reserve(
    channel: Channel,
    messages: MessageChannel,
    answer: (status: RelayStatus) => Promise<void>,
  ): Promise<void> {
    const { clock } = this.#use
    const { peer } = channel
    if (!this.#init.mayRelay(peer)) return answer(RELAY_STATUS.permissionDenied)
    this.#dropExpired()
    if (!this.#reservations.has(peer) && this.#reservations.size >= RESERVATIONS_MAX) {
      return answer(RELAY_STATUS.reservationRefused)
    }
    this.#reservations.set(peer, clock.monotonic() + RESERVATION_MS)
    this.#counts.reserved++
    const reservation = { expires: Math.floor((clock.now() + RESERVATION_MS) / 1000) }
    await messages.send(encodeHopAnswer({ status: RELAY_STATUS.ok, reservation, limit: MEMBER_CIRCUIT }))
    await channel.close()
  }

  async #connect(request: {
    readonly channel: Channel
    readonly messages: MessageChannel
    readonly target: PeerId
    readonly answer: (status: RelayStatus) => Promise<void>
  }): Promise<void> {
    const { channel, messages, target, answer } = request
    const source = channel.peer
    this.#dropExpired()
    if (source === target || !this.#serves(target)) return answer(RELAY_STATUS.noReservation)
    const isStranger = !this.#init.mayRelay(source)
    if (!this.#hasRoom(source, isStranger)) return answer(RELAY_STATUS.resourceLimitExceeded)
    const underway: Underway = { source, target, isStranger, circuit: undefined }
    this.#underway.add(underway)
    try {
      const told = isStranger ? STRANGER_CIRCUIT : MEMBER_CIRCUIT
      const far = await this.#reach(target, source, told)
      if (far === undefined) return await answer(RELAY_STATUS.connectionFailed)
      // Much may have changed while the target took its time.
      const isAllowed = this.#serves(target) && (underway.isStranger || this.#init.mayRelay(source))
      if (this.#subscriptions === undefined || !isAllowed) {
        far.channel.abort(stopping())
        return channel.abort(stopping())
      }
      const near = { channel, rest: messages.takeRest() }
      const onBytes = (bytes: number): void => {
        this.#counts.bytesRelayed += bytes
      }
      const limit = underway.isStranger ? STRANGER_CIRCUIT : MEMBER_CIRCUIT
      underway.circuit = new Circuit({ ends: [near, far], limit, onBytes }, this.#use)
      this.#counts.circuitsOpened++
      // Not awaited: should the source be gone, the circuit says so to the target.
      void messages.send(encodeHopAnswer({ status: RELAY_STATUS.ok, limit })).catch(() => undefined)
      await underway.circuit.run()
    } finally {
      this.#underway.delete(underway)
    }
  }

  /** Asks the target to take the circuit. */
  async #reach(target: PeerId, source: PeerId, limit: CircuitLimit): Promise<CircuitEnd | undefined> {
    let channel: Channel | undefined
    try {
      channel = await this.#use.transport.open(target, STOP_PROTOCOL)
      const messages = new MessageChannel(channel, CIRCUIT_MESSAGE_MAX_BYTES)
      await messages.send(encodeStopRequest(source, limit))
      const status = decodeStopAnswer(await this.#within('the answer of the target', messages.read()))
      if (status === RELAY_STATUS.ok) return { channel, rest: messages.takeRest() }
      channel.abort(new NetworkError('ERR_CHANNEL_CLOSED', `the target refused with status ${status}`))
    } catch (error) {
      this.#use.log.debug({ target, source, reason: reasonOf(error) }, 'a circuit could not be made')
      channel?.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    }
    return undefined
  }

  /** Whether there is somebody to relay to: a member with a reservation whose link is its own, not relayed in turn. */
  #serves(target: PeerId): boolean {
    const isLinked = this.#use.transport.links().some(({ peer, kind }) => peer === target && kind === 'direct')
    return isLinked && this.#reservations.has(target) && this.#init.mayRelay(target)
  }

  #hasRoom(source: PeerId, isStranger: boolean): boolean {
    const underway = [...this.#underway]
    const ofSource = underway.filter((one) => one.source === source).length
    const ofStrangers = underway.filter((one) => one.isStranger).length
    if (isStranger && (ofSource > 0 || ofStrangers >= STRANGER_CIRCUITS_MAX)) return false
    return underway.length < CIRCUITS_MAX && ofSource < CIRCUITS_PER_SOURCE
  }

  #dropExpired(): void {
    const now = this.#use.clock.monotonic()
    for (const [peer, endsAt] of this.#reservations) if (endsAt <= now) this.#reservations.delete(peer)
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    return await withDeadline(work, { clock: this.#use.clock, timeoutMs: MESSAGE_TIMEOUT_MS, what })
  }
}

export function relayOffer(init: RelayOfferInit): (components: RelayOfferComponents) => RelayOffer {
  return (components) => new RelayOffer(init, components)
}

function stopping(): NetworkError {
  return new NetworkError('ERR_CHANNEL_CLOSED', 'the relay is stopping')
}
