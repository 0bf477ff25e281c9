import {
  abortable,
  BaseError,
  type Clock,
  type ComponentState,
  type ComponentStatus,
  Events,
  type Logger,
  type PeerId,
  reasonOf,
  type StartOptions,
  shortPeerId,
  type Timer,
  withDeadline,
} from '../base/index.ts'
import { fewAddresses, joinAddress } from './addresses.ts'
import type { Carrier, CarrierEvents, Connection } from './carrier.ts'
import type { StreamChannel } from './channel.ts'
import { Dialer } from './dialer.ts'
import { NetworkError } from './errors.ts'
import { LinkTable } from './link-table.ts'
import type { Channel, DialOptions, HandleOptions, Link, Transport, TransportEvents } from './transport.ts'

/** Connections held at once; beyond it we neither dial nor accept. */
export const MAX_CONNECTIONS = 100
/** Of one peer: two that dial each other at once have two; more is somebody who wants the room of others. */
export const CONNECTIONS_PER_PEER = 8
/** Opening a stream, from the request to the agreed protocol. */
export const OPEN_TIMEOUT_MS = 5_000
export const STOP_TIMEOUT_MS = 3_000
/** How long the second of two connections to one peer may stay without a channel. */
export const SURPLUS_GRACE_MS = 10_000
/** How long channels may stay on a relayed connection once there is a direct one; then they are reset. */
export const RELAYED_GRACE_MS = 30_000
/** Interfaces come and go; this often we look whether our addresses changed. */
export const ADDRESS_CHECK_MS = 10_000

interface Handler {
  readonly options: HandleOptions
  readonly run: (channel: Channel) => Promise<void>
  /** Open inbound channels per peer. */
  readonly open: Map<PeerId, number>
}

export interface StreamTransportComponents {
  readonly clock: Clock
  readonly log: Logger
}

/** `Transport` over any `Carrier`. */
export class StreamTransport implements Transport {
  readonly name = 'network'
  readonly self: PeerId
  readonly events: Events<TransportEvents>
  readonly #carrier: Carrier
  readonly #clock: Clock
  readonly #log: Logger
  readonly #dialer: Dialer<Connection>
  readonly #links: LinkTable<Connection>
  readonly #handlers = new Map<string, Handler>()
  readonly #counts = { refusedStreams: 0, failedHandlers: 0, failedDials: 0 }
  #state: ComponentState = 'stopped'
  /** What made `start` fail. */
  #failure: { readonly reason: string; readonly fix: string } | undefined
  #since: number
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #also: readonly string[] = []
  #told: readonly string[] = []
  #addressTimer: Timer | undefined

  constructor(self: PeerId, carrier: Carrier, components: StreamTransportComponents) {
    this.self = self
    this.#carrier = carrier
    this.#clock = components.clock
    this.#log = components.log
    this.#since = components.clock.now()
    this.events = new Events(components.log)
    this.#links = new LinkTable(self)
    this.#dialer = new Dialer(
      {
        attempt: (peer, address, signal) => carrier.connect(peer, address, signal),
        discard: (connection) => this.#detach(connection, 'another connection was faster'),
      },
      components,
    )
  }

  async start(options: StartOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await this.#stopping
    if (this.#state === 'ok') return
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async stop(options: StartOptions = {}): Promise<void> {
    await this.#starting?.catch((error: unknown) => this.#log.debug({ reason: reasonOf(error) }, 'start had failed'))
    if (this.#state !== 'ok' && this.#stopping === undefined) return
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
    })
    await abortable(this.#stopping, options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const complaint = this.#state === 'ok' ? this.#carrier.complaint() : undefined
    return {
      state: complaint === undefined ? this.#state : 'degraded',
      since: this.#since,
      ...this.#failure,
      ...complaint,
      figures: {
        peers: this.#links.peers().length,
        connections: this.#links.size,
        dials: this.#dialer.size,
        ...this.#counts,
        ...this.#carrier.figures(),
      },
    }
  }

  addresses(): readonly string[] {
    if (this.#state !== 'ok') return []
    const addresses = fewAddresses([...new Set([...this.#also, ...this.#carrier.addresses()])])
    return addresses.map((address) => joinAddress(address, this.self))
  }

  links(): readonly Link[] {
    return this.#links.peers().flatMap((peer) => this.#links.preferred(peer)?.link ?? [])
  }

  alsoAt(addresses: readonly string[]): void {
    this.#also = addresses
    this.#carrier.alsoAt(addresses)
    if (this.#state === 'ok') this.#tellAddresses()
  }

  async dial(peer: PeerId, addresses: readonly string[], options: DialOptions = {}): Promise<Link> {
    this.#assertRunning()
    options.signal?.throwIfAborted()
    if (peer === this.self) throw new BaseError('ERR_INVALID_ARGUMENT', 'a peer does not dial itself')
    const known = options.anew === true ? undefined : this.#links.preferred(peer)
    if (known !== undefined && (options.direct !== true || known.link.kind === 'direct')) return known.link
    if (this.#links.size + this.#dialer.size >= MAX_CONNECTIONS) {
      throw new NetworkError('ERR_OVERLOADED', `${MAX_CONNECTIONS} connections are open`, { fix: 'Try again later.' })
    }
    try {
      const connection = await this.#dialer.dial(peer, addresses, options)
      const usual = options.anew === true ? undefined : this.#links.preferred(peer)
      return (usual ?? connection).link
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      if (known !== undefined) return await this.#punch(known, error, options.signal)
      this.#counts.failedDials++
      throw error
    }
  }

  /** The last resort for a direct link: both ends dial at once. It is the end that was called over the relay that begins. */
  async #punch(relayed: Connection, failure: NetworkError, signal: AbortSignal | undefined): Promise<Link> {
    const { peer } = relayed.link
    try {
      if (this.#carrier.punch === undefined || relayed.link.direction === 'outbound') throw failure
      const connection = await this.#carrier.punch(relayed, signal ?? new AbortController().signal)
      return (this.#links.preferred(peer) ?? connection).link
    } catch (error) {
      signal?.throwIfAborted()
      this.#counts.failedDials++
      if (error === failure || !(error instanceof NetworkError)) throw error
      const message = `${failure.message}; both at once: ${error.message}`
      throw new NetworkError('ERR_UNREACHABLE', message, { cause: error, failures: failure.failures })
    }
  }

  async open(peer: PeerId, protocol: string, options: { readonly signal?: AbortSignal } = {}): Promise<Channel> {
    this.#assertRunning()
    options.signal?.throwIfAborted()
    const connection = this.#links.preferred(peer)
    if (connection === undefined) {
      throw new NetworkError('ERR_NOT_CONNECTED', `there is no connection to peer ${shortPeerId(peer)}`)
    }
    const timeout = new AbortController()
    using _timer = this.#clock.setTimer(OPEN_TIMEOUT_MS, () =>
      timeout.abort(
        new NetworkError(
          'ERR_TIMEOUT',
          `peer ${shortPeerId(peer)} did not agree to ${protocol} in ${OPEN_TIMEOUT_MS} ms`,
        ),
      ),
    )
    const signal = options.signal === undefined ? timeout.signal : AbortSignal.any([options.signal, timeout.signal])
    // Awaited here, or the deadline would be disposed of first.
    return await connection.openChannel(protocol, signal)
  }

  handle(protocol: string, options: HandleOptions, run: (channel: Channel) => Promise<void>): Disposable {
    if (this.#handlers.has(protocol)) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `protocol ${protocol} already has a handler`)
    }
    const handler: Handler = { options, run, open: new Map() }
    this.#handlers.set(protocol, handler)
    this.#carrier.handle(protocol, true)
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(protocol) !== handler) return
        this.#handlers.delete(protocol)
        this.#carrier.handle(protocol, false)
      },
    }
  }

  async disconnect(peer: PeerId, reason: string): Promise<void> {
    // The preferred one goes last, so that no other takes its place meanwhile.
    const connections = new Set([...this.#links.surplus(peer), ...this.#links.of(peer)])
    for (const connection of connections) this.#forget(connection, reason)
    await Promise.all([...connections].map((connection) => connection.close(reason)))
  }

  async #start(): Promise<void> {
    this.#enter('starting')
    const events: CarrierEvents = {
      opened: (connection) => this.#opened(connection),
      closed: (connection, reason) => this.#forget(connection, reason),
      accepted: (channel, link) => this.#accepted(channel, link),
      discovered: (peer, addresses, by) => {
        if (peer !== this.self) this.events.emit('peer:discovered', { peer, addresses, by })
      },
    }
    try {
      await this.#carrier.start(events)
    } catch (error) {
      this.#enter('failed')
      this.#failure = { reason: reasonOf(error), fix: fixOf(error) }
      throw error
    }
    this.#enter('ok')
    this.#tellAddresses()
  }

  async #stop(): Promise<void> {
    this.#enter('stopping')
    this.#addressTimer?.cancel()
    this.#dialer.stop('the network is stopping')
    const closing = this.#links.peers().map((peer) => this.disconnect(peer, 'the network is stopping'))
    try {
      await withDeadline(
        Promise.all(closing).then(() => this.#carrier.stop()),
        { clock: this.#clock, timeoutMs: STOP_TIMEOUT_MS, what: 'closing connections and listeners' },
      )
    } catch (error) {
      this.#log.warn({ reason: reasonOf(error) }, 'the network did not stop cleanly')
    }
    this.#told = []
    this.#enter('stopped')
  }

  #opened(connection: Connection): void {
    const { link } = connection
    if (this.#state !== 'ok' && this.#state !== 'starting') {
      this.#detach(connection, 'the network is stopping')
      return
    }
    const before = this.#links.preferred(link.peer)
    if (this.#links.add(connection)) {
      this.events.emit('peer:connect', link)
      return
    }
    if (this.#links.of(link.peer).length > CONNECTIONS_PER_PEER) {
      this.#detach(connection, 'too many of one peer')
      return
    }
    this.#tellChange(before, link.peer)
    this.#clock.setTimer(SURPLUS_GRACE_MS, () => this.#thinOut(link.peer))
    this.#clock.setTimer(RELAYED_GRACE_MS, () => this.#leaveRelays(link.peer))
  }

  /** Takes a connection out of the table; the last of a peer is an event. */
  #forget(connection: Connection, reason: string): void {
    const { peer } = connection.link
    const before = this.#links.preferred(peer)
    if (this.#links.remove(connection)) this.events.emit('peer:disconnect', { peer, reason })
    else this.#tellChange(before, peer)
  }

  #tellChange(before: Connection | undefined, peer: PeerId): void {
    const previous = before?.link
    const link = this.#links.preferred(peer)?.link
    if (link === undefined || previous === undefined || link.kind === previous.kind) return
    this.events.emit('link:changed', { link, previous })
  }

  #detach(connection: Connection, reason: string): void {
    this.#forget(connection, reason)
    connection.close(reason).catch((error: unknown) => this.#log.debug({ reason: reasonOf(error) }, 'close failed'))
  }

  #thinOut(peer: PeerId): void {
    for (const connection of this.#links.surplus(peer)) {
      if (connection.channels === 0) this.#detach(connection, 'there is another connection to this peer')
    }
  }

  #leaveRelays(peer: PeerId): void {
    if (this.#links.preferred(peer)?.link.kind !== 'direct') return
    const relayed = this.#links.of(peer).filter(({ link }) => link.kind === 'relayed')
    for (const connection of relayed) this.#detach(connection, 'there is a direct connection to this peer')
  }

  #accepted(channel: StreamChannel, link: Link): void {
    const { peer, protocol } = channel
    const handler = this.#handlers.get(protocol)
    const open = handler?.open.get(peer) ?? 0
    const isMisplaced = handler?.options.directOnly === true && link.kind === 'relayed'
    if (handler === undefined || isMisplaced || open >= handler.options.maxInboundStreams) {
      this.#counts.refusedStreams++
      const reason = isMisplaced ? `${protocol} is not spoken over relays` : `too many streams of ${protocol}`
      channel.abort(new NetworkError('ERR_OVERLOADED', reason))
      return
    }
    handler.open.set(peer, open + 1)
    this.#serve(handler, channel).catch((error: unknown) => {
      this.#counts.failedHandlers++
      this.#log.warn({ peer, protocol, reason: reasonOf(error) }, 'a protocol handler failed')
      channel.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }

  async #serve(handler: Handler, channel: StreamChannel): Promise<void> {
    const release = channel.closed.then(() => {
      const left = (handler.open.get(channel.peer) ?? 1) - 1
      if (left === 0) handler.open.delete(channel.peer)
      else handler.open.set(channel.peer, left)
    })
    await handler.run(channel)
    await release
  }

  #tellAddresses(): void {
    const addresses = this.addresses()
    if (addresses.join() !== this.#told.join()) {
      this.#told = addresses
      this.events.emit('self:addresses', { addresses })
    }
    this.#addressTimer?.cancel()
    this.#addressTimer = this.#clock.setTimer(ADDRESS_CHECK_MS, () => this.#tellAddresses())
  }

  #enter(state: ComponentState): void {
    this.#state = state
    this.#failure = undefined
    this.#since = this.#clock.now()
  }

  #assertRunning(): void {
    // A peer may connect, and its handlers run, before `start` has returned.
    if (this.#state === 'ok' || this.#state === 'starting') return
    throw new BaseError('ERR_LIFECYCLE', `the network is ${this.#state}`)
  }
}

function fixOf(error: unknown): string {
  return (error instanceof NetworkError ? error.fix : undefined) ?? 'Read the log, then start again.'
}
