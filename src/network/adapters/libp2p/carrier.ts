import type { Connection as Libp2pConnection, PeerId as Libp2pPeerId, PrivateKey, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type Clock, type Logger, type PeerId, reasonOf, whenAborted } from '../../../base/index.ts'
import { announced, joinAddress, relayOf, splitAddress } from '../../addresses.ts'
import type { Carrier, CarrierEvents, Connection } from '../../carrier.ts'
import { NetworkError } from '../../errors.ts'
import { CarriedConnection } from './connection.ts'
import { dialError, listenError } from './dial-errors.ts'
import { DCUTR_PROTOCOL, HolePunch, isPunchable, type Source } from './hole-punch.ts'
import { LanDiscovery } from './lan-discovery.ts'
import { type ExtraServices, type Internals, nodeOptions, type Services, STREAMS_PER_CONNECTION } from './options.ts'

export interface Libp2pCarrierInit {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  /** `undefined`: do not look for peers on the local network. */
  readonly lanService: string | undefined
  /** libp2p services besides our own. */
  readonly services?: ExtraServices
}

/** Carries `StreamTransport` over libp2p: TCP, TLS 1.3 or noise, yamux. */
export class Libp2pCarrier implements Carrier {
  readonly #init: Libp2pCarrierInit
  readonly #components: { readonly clock: Clock; readonly log: Logger }
  readonly #log: Logger
  readonly #protocols = new Set<string>()
  readonly #connections = new Map<string, CarriedConnection>()
  /** What a peer sees of a connection to it, by the connection's id. */
  readonly #observed = new Map<string, string>()
  readonly #holePunch: HolePunch
  readonly #counts = { refusedPeers: 0, refusedCircuits: 0, oversizedFrames: 0 }
  #running = new AbortController()
  #node: Libp2p<Services> | undefined
  #events: CarrierEvents | undefined
  #lan: LanDiscovery | undefined
  /** From these, circuits are taken. */
  #relays: ReadonlySet<string> = new Set()

  constructor(init: Libp2pCarrierInit, components: { readonly clock: Clock; readonly log: Logger }) {
    this.#init = init
    this.#components = components
    this.#log = components.log
    this.#holePunch = new HolePunch(
      {
        sourceFor: (relayed) => this.#sourceFor(relayed),
        dial: (relayed, address, options) =>
          this.#connected(({ dials }) => dials.dialFrom(parsed(joinAddress(address, relayed.link.peer)), options)),
      },
      components,
    )
  }

  async start(events: CarrierEvents): Promise<void> {
    this.#events = events
    this.#running = new AbortController()
    const node = await this.#create()
    this.#node = node
    node.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    node.addEventListener('peer:identify', ({ detail }) => {
      const seen = splitAddress(detail.observedAddr?.toString() ?? '').address
      if (this.#connections.has(detail.connection.id)) this.#observed.set(detail.connection.id, seen)
    })
    for (const protocol of this.#protocols) this.#announce(node, protocol)
    this.#acceptPunches(node)
    try {
      await node.start()
    } catch (error) {
      this.#node = undefined
      throw listenError(error, this.#init.listen)
    }
    await this.#startLan(node, events)
  }

  async stop(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    this.#running.abort(new NetworkError('ERR_CHANNEL_CLOSED', 'the network is stopping'))
    await this.#lan?.stop()
    await node?.stop()
    this.#connections.clear()
    this.#observed.clear()
  }

  addresses(): readonly string[] {
    return announced(this.#node?.services.internals.addresses().map(String) ?? [])
  }

  async connect(peer: PeerId, address: string, signal: AbortSignal): Promise<Connection> {
    const relay = relayOf(address)
    if (relay !== undefined && !this.#isLinked(relay.peer)) await this.connect(relay.peer, relay.address, signal)
    // The socket keeps listening to the signal it was dialled with, for as long as it lives: give it one of its own.
    const dialling = new AbortController()
    using _abort = whenAborted(signal, (reason) => dialling.abort(reason))
    try {
      return await this.#connected(({ dials }) => dials.dial(parsed(joinAddress(address, peer)), dialling.signal))
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  }

  async punch(relayed: Connection, signal: AbortSignal): Promise<Connection> {
    if (!(relayed instanceof CarriedConnection))
      throw new NetworkError('ERR_UNREACHABLE', 'it is not carried by libp2p')
    try {
      return await this.#holePunch.lead(relayed, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NetworkError) throw error
      throw new NetworkError('ERR_UNREACHABLE', reasonOf(error), { cause: error })
    }
  }

  alsoAt(addresses: readonly string[]): void {
    this.#relays = new Set(addresses.flatMap((address) => relayOf(address)?.peer ?? []))
  }

  handle(protocol: string, accept: boolean): void {
    if (accept) this.#protocols.add(protocol)
    else this.#protocols.delete(protocol)
    if (this.#node !== undefined) this.#announce(this.#node, protocol)
  }

  complaint(): { readonly reason: string; readonly fix: string } | undefined {
    const problem = this.#lan?.problem
    if (problem === undefined) return undefined
    return {
      reason: `peers on the local network are not found: ${problem}`,
      fix: 'Invite by ticket or give addresses by hand, or free UDP port 5353.',
    }
  }

  figures(): Readonly<Record<string, number>> {
    return { ...this.#counts, ignoredLanPeers: this.#lan?.ignored ?? 0 }
  }

  #create(): Promise<Libp2p<Services>> {
    const refuse = (peer: Libp2pPeerId): boolean => this.#refuses(peer)
    return createLibp2p(
      nodeOptions({
        privateKey: this.#init.privateKey,
        listen: this.#init.listen,
        gater: {
          denyInboundEncryptedConnection: refuse,
          denyOutboundEncryptedConnection: refuse,
          denyInboundRelayedConnection: (relay) => this.#refusesCircuits(relay),
        },
        onOversizedFrame: () => void this.#counts.oversizedFrames++,
        ...(this.#init.services === undefined ? {} : { services: this.#init.services }),
      }),
    )
  }

  /** Begins once we listen, so that our first question is answered by ourselves too, and all hear where we are. */
  async #startLan(node: Libp2p<Services>, events: CarrierEvents): Promise<void> {
    const service = this.#init.lanService
    if (service === undefined) return
    this.#lan = new LanDiscovery(
      { service, onPeer: (peer, addresses) => events.discovered(peer, addresses, 'mdns') },
      { ...this.#components, ...node.services.internals.mdnsComponents },
    )
    await this.#lan.start()
  }

  /** Only Ed25519 peers have an id that contains their key; others are closed and counted. */
  #refuses(peer: Libp2pPeerId): boolean {
    if (peer.type === 'Ed25519') return false
    this.#counts.refusedPeers++
    return true
  }

  /** A relay may bring us peers only if we asked it to. */
  #refusesCircuits(relay: Libp2pPeerId): boolean {
    if (this.#relays.has(relay.toString())) return false
    this.#counts.refusedCircuits++
    return true
  }

  /** The connection that a dial of libp2p leads to. Rejects with a `NetworkError`. */
  async #connected(dial: (internals: Internals) => Promise<Libp2pConnection>): Promise<CarriedConnection> {
    const node = this.#node
    if (node === undefined) throw new NetworkError('ERR_UNREACHABLE', 'the network is not running')
    let raw: Libp2pConnection
    try {
      raw = await dial(node.services.internals)
    } catch (error) {
      throw dialError(error)
    }
    const connection = this.#connections.get(raw.id)
    if (connection === undefined) throw new NetworkError('ERR_UNREACHABLE', 'the peer closed the connection at once')
    return connection
  }

  #isLinked(peer: PeerId): boolean {
    return [...this.#connections.values()].some(({ link }) => link.peer === peer && link.kind === 'direct')
  }

  /** What a hole can be punched from: our own connection to the relay, if we opened it and know what the relay sees of it. */
  #sourceFor(relayed: CarriedConnection): Source | undefined {
    for (const { link, raw } of this.#connections.values()) {
      if (link.peer !== relayed.link.via || link.direction === 'inbound') continue
      const localPort = this.#node?.services.internals.dials.localPortOf(raw)
      const observed = this.#observed.get(raw.id)
      if (localPort !== undefined && observed !== undefined && isPunchable(observed)) return { localPort, observed }
    }
    return undefined
  }

  #acceptPunches(node: Libp2p<Services>): void {
    const accept = (stream: Stream, raw: Libp2pConnection): void => {
      const connection = this.#connections.get(raw.id)
      // Only whom we called may make us dial.
      if (connection?.link.kind === 'relayed' && connection.link.direction === 'outbound') {
        void this.#holePunch.follow(connection.adopt(stream, 'inbound'), connection, this.#running.signal)
      } else stream.abort(new Error('there is nothing to upgrade'))
    }
    const limits = { maxInboundStreams: 1, runOnLimitedConnection: true }
    node.handle(DCUTR_PROTOCOL, accept, limits).catch((error: unknown) => {
      this.#log.warn({ reason: reasonOf(error) }, 'hole punching was not announced')
    })
  }

  #opened(raw: Libp2pConnection): void {
    if (raw.status !== 'open') return
    const connection = new CarriedConnection(raw, this.#components)
    this.#connections.set(raw.id, connection)
    raw.addEventListener('close', ({ error }) => {
      this.#connections.delete(raw.id)
      this.#observed.delete(raw.id)
      this.#forget(raw.remotePeer)
      this.#events?.closed(connection, error === undefined ? 'the connection was closed' : reasonOf(error))
    })
    this.#events?.opened(connection)
  }

  /** libp2p keeps what a peer said of itself for hours; without a connection we have no use for it. */
  #forget(peer: Libp2pPeerId): void {
    const node = this.#node
    if (node === undefined || node.getConnections(peer).some(({ status }) => status === 'open')) return
    node.peerStore.delete(peer).catch((error: unknown) => {
      this.#log.debug({ reason: reasonOf(error) }, 'a peer could not be forgotten')
    })
  }

  /** Tells libp2p whether we speak `protocol`. It does so at once; what it awaits is its own bookkeeping. */
  #announce(node: Libp2p<Services>, protocol: string): void {
    const accept = (stream: Stream, connection: Libp2pConnection): void => this.#accepted(stream, connection)
    // The limit of a protocol is kept above, for all connections of a peer together.
    const limits = { maxInboundStreams: STREAMS_PER_CONNECTION, runOnLimitedConnection: true }
    const told = this.#protocols.has(protocol) ? node.handle(protocol, accept, limits) : node.unhandle(protocol)
    told.catch((error: unknown) =>
      this.#log.warn({ protocol, reason: reasonOf(error) }, 'a protocol was not announced'),
    )
  }

  #accepted(stream: Stream, raw: Libp2pConnection): void {
    const connection = this.#connections.get(raw.id)
    if (connection === undefined) stream.abort(new Error('the connection is closing'))
    else this.#events?.accepted(connection.adopt(stream, 'inbound'), connection.link)
  }
}

function parsed(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (error) {
    throw new NetworkError('ERR_UNREACHABLE', 'not a valid address', { cause: error })
  }
}
