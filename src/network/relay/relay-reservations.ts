import {
  type Clock,
  type Component,
  type ComponentStatus,
  jitter,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  shortPeerId,
  type Timer,
  withDeadline,
} from '../../base/index.ts'
import { isRelayed, relayedAddress, splitAddress, widestFirst } from '../addresses.ts'
import { NetworkError } from '../errors.ts'
import type { Channel, Transport } from '../transport.ts'
import { MessageChannel } from '../wire/message-channel.ts'
import {
  CIRCUIT_MESSAGE_MAX_BYTES,
  decodeHopAnswer,
  encodeHopRequest,
  HOP_PROTOCOL,
  RELAY_STATUS,
  type Reservation,
} from './circuit-messages.ts'

/** Relays at which we hold a place at the same time: one may go away. */
export const RELAYS_WANTED = 2
/** Addresses told of each. */
const ADDRESSES_PER_RELAY = 2
/** How long a peer that does not relay for us is left alone. */
export const RELAY_RETRY_MS: number = 15 * 60 * 1000
/** A place is renewed so long before it ends, or after this time if it is given for less. */
const RENEW_BEFORE_MS: number = 10 * 60 * 1000
const RENEW_AFTER_LEAST_MS: number = 60 * 1000
const ANSWER_TIMEOUT_MS = 10_000

export interface RelayReservationsInit {
  /** At whom we may ask for a place. */
  readonly mayUse: (peer: PeerId) => boolean
  /** Whether we need any: not while others reach us without. */
  readonly isNeeded: () => boolean
  /** Where a relay is, as far as we know, besides the address that led us to it. */
  readonly addressesOf: (relay: PeerId) => readonly string[]
  /** Where others reach us through relays, whenever that changes. */
  readonly onAddresses: (addresses: readonly string[]) => void
}

export interface RelayReservationsComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** `asking`: our request is under way. `held`: others reach us at its addresses. `resting`: it does not relay for us. */
interface Place {
  state: 'asking' | 'held' | 'resting'
  addresses: readonly string[]
  timer: Timer | undefined
}

/** Holds places at peers that relay for us, as long as they are needed: circuit relay v2, the client's side. */
export class RelayReservations implements Component {
  readonly name = 'relay-places'
  readonly #init: RelayReservationsInit
  readonly #use: RelayReservationsComponents
  readonly #places = new Map<PeerId, Place>()
  #running: AbortController | undefined
  #subscriptions: DisposableStack | undefined
  #told: readonly string[] = []
  /** Why the last place is gone, while there is no other. */
  #lost: string | undefined
  #since: number

  constructor(init: RelayReservationsInit, components: RelayReservationsComponents) {
    this.#init = init
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#since = this.#use.clock.now()
    const { events } = this.#use.transport
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    subscriptions.use(events.on('peer:connect', () => this.reconsider()))
    subscriptions.use(events.on('link:changed', () => this.reconsider()))
    subscriptions.use(
      events.on('peer:disconnect', ({ peer, reason }) => {
        this.#drop(peer, reason)
        this.reconsider()
      }),
    )
    this.reconsider()
  }

  async stop(): Promise<void> {
    this.#running?.abort(new NetworkError('ERR_CHANNEL_CLOSED', 'the search for relays is stopping'))
    this.#running = undefined
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    for (const peer of [...this.#places.keys()]) this.#drop(peer)
    this.#tell()
    this.#since = this.#use.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const figures = { asking: 0, held: 0, resting: 0 }
    for (const { state } of this.#places.values()) figures[state]++
    const since = this.#since
    if (this.#running === undefined) return { state: 'stopped', since, figures }
    if (this.#lost === undefined) return { state: 'ok', since, figures }
    return {
      state: 'degraded',
      since,
      figures,
      reason: this.#lost,
      fix: 'Start the relay again, or another: `plexus up --relay` at a member that the others can reach.',
    }
  }

  /** The peers that relay for us. */
  held(): readonly PeerId[] {
    return [...this.#places].flatMap(([peer, { state }]) => (state === 'held' ? [peer] : []))
  }

  /** Asks linked peers until we have the places we want. To be called when one of `mayUse`, `isNeeded`, `addressesOf` says another thing. */
  reconsider(): void {
    if (this.#running === undefined) return
    const { signal } = this.#running
    const usable = this.#usable()
    for (const [peer, place] of [...this.#places]) {
      if (!usable.has(peer)) this.#drop(peer)
      else if (place.state === 'held') place.addresses = this.#addressesThrough(peer)
    }
    if (!this.#init.isNeeded()) this.#lost = undefined
    for (const peer of usable) {
      const busy = [...this.#places.values()].filter(({ state }) => state !== 'resting')
      if (busy.length >= RELAYS_WANTED) break
      if (this.#places.has(peer)) continue
      const place: Place = { state: 'asking', addresses: [], timer: undefined }
      this.#places.set(peer, place)
      this.#ask(peer, place, signal).catch((error: unknown) => this.#rest(peer, place, reasonOf(error)))
    }
    this.#tell()
  }

  #usable(): ReadonlySet<PeerId> {
    if (!this.#init.isNeeded()) return new Set()
    const direct = this.#use.transport.links().filter((link) => link.kind === 'direct')
    return new Set(direct.map(({ peer }) => peer).filter(this.#init.mayUse))
  }

  async #ask(peer: PeerId, place: Place, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#use
    const { expires } = await this.#reserve(peer, signal)
    if (this.#places.get(peer) !== place) return
    place.state = 'held'
    place.addresses = this.#addressesThrough(peer)
    this.#lost = undefined
    const lastsMs = expires * 1000 - clock.now()
    const renewMs = jitter(random, Math.max(lastsMs - RENEW_BEFORE_MS, RENEW_AFTER_LEAST_MS), 0.05)
    place.timer?.cancel()
    place.timer = clock.setTimer(renewMs, () => {
      this.#ask(peer, place, signal).catch((error: unknown) => this.#rest(peer, place, reasonOf(error)))
    })
    this.#tell()
  }

  async #reserve(peer: PeerId, signal: AbortSignal): Promise<Reservation> {
    const { transport, clock } = this.#use
    const channel = await transport.open(peer, HOP_PROTOCOL, { signal })
    try {
      const work = converse(channel, signal)
      const what = 'the answer of a relay'
      return await withDeadline(work, { clock, timeoutMs: ANSWER_TIMEOUT_MS, what, signal })
    } finally {
      channel.abort(new NetworkError('ERR_CHANNEL_CLOSED', 'the reservation is done'))
    }
  }

  /** The address that led us to the relay, and what else is known of it. */
  #addressesThrough(relay: PeerId): readonly string[] {
    const links = this.#use.transport.links().filter((link) => link.peer === relay && link.direction === 'outbound')
    const known = [...links.map(({ address }) => address), ...this.#init.addressesOf(relay)]
    const direct = known.filter((address) => !isRelayed(address)).map((address) => splitAddress(address).address)
    const widest = widestFirst([...new Set(direct)]).slice(0, ADDRESSES_PER_RELAY)
    return widest.map((address) => relayedAddress(address, relay))
  }

  #rest(peer: PeerId, place: Place, reason: string): void {
    if (this.#places.get(peer) !== place) return
    this.#use.log.debug({ peer, reason }, 'this peer does not relay for us')
    this.#drop(peer, reason)
    const timer = this.#use.clock.setTimer(RELAY_RETRY_MS, () => {
      this.#places.delete(peer)
      this.reconsider()
    })
    this.#places.set(peer, { state: 'resting', addresses: [], timer })
    this.reconsider()
  }

  #drop(peer: PeerId, reason?: string): void {
    const place = this.#places.get(peer)
    if (place === undefined) return
    this.#places.delete(peer)
    place.timer?.cancel()
    if (place.state !== 'held' || reason === undefined || this.held().length > 0) return
    this.#lost = `the relay ${shortPeerId(peer)} is gone: ${reason}`
    this.#since = this.#use.clock.now()
  }

  #tell(): void {
    const addresses = [...this.#places.values()].flatMap((place) => place.addresses)
    if (addresses.join() === this.#told.join()) return
    this.#told = addresses
    this.#init.onAddresses(addresses)
  }
}

export function relayReservations(
  init: RelayReservationsInit,
): (components: RelayReservationsComponents) => RelayReservations {
  return (components) => new RelayReservations(init, components)
}

async function converse(channel: Channel, signal: AbortSignal): Promise<Reservation> {
  const messages = new MessageChannel(channel, CIRCUIT_MESSAGE_MAX_BYTES)
  await messages.send(encodeHopRequest({ is: 'reserve' }), { signal })
  const { status, reservation } = decodeHopAnswer(await messages.read({ signal }))
  if (status === RELAY_STATUS.ok && reservation !== undefined) return reservation
  throw new NetworkError('ERR_UNREACHABLE', `the relay refused a reservation with status ${status}`)
}
