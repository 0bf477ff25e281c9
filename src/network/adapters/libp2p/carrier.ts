import type { Connection as Libp2pConnection, PeerId as Libp2pPeerId, PrivateKey, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type Clock, type Logger, type PeerId, reasonOf, whenAborted } from '../../../base/index.ts'
import { announced, joinAddress } from '../../addresses.ts'
import type { Carrier, CarrierEvents, Connection } from '../../carrier.ts'
import { NetworkError } from '../../errors.ts'
import { CarriedConnection } from './connection.ts'
import { dialError, listenError } from './dial-errors.ts'
import { LanDiscovery } from './lan-discovery.ts'
import { nodeOptions, type Services, STREAMS_PER_CONNECTION } from './options.ts'

export interface Libp2pCarrierInit {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  /** `undefined`: do not look for peers on the local network. */
  readonly lanService: string | undefined
}

/** Carries `StreamTransport` over libp2p: TCP, TLS 1.3 or noise, yamux. */
export class Libp2pCarrier implements Carrier {
  readonly #init: Libp2pCarrierInit
  readonly #components: { readonly clock: Clock; readonly log: Logger }
  readonly #log: Logger
  readonly #protocols = new Set<string>()
  readonly #connections = new Map<string, CarriedConnection>()
  readonly #counts = { refusedPeers: 0, oversizedFrames: 0 }
  #node: Libp2p<Services> | undefined
  #events: CarrierEvents | undefined
  #lan: LanDiscovery | undefined

  constructor(init: Libp2pCarrierInit, components: { readonly clock: Clock; readonly log: Logger }) {
    this.#init = init
    this.#components = components
    this.#log = components.log
  }

  async start(events: CarrierEvents): Promise<void> {
    this.#events = events
    const node = await this.#create()
    this.#node = node
    node.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    for (const protocol of this.#protocols) this.#announce(node, protocol)
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
    await this.#lan?.stop()
    await node?.stop()
    this.#connections.clear()
  }

  addresses(): readonly string[] {
    return announced(this.#node?.services.internals.addresses().map(String) ?? [])
  }

  async connect(peer: PeerId, address: string, signal: AbortSignal): Promise<Connection> {
    const node = this.#node
    if (node === undefined) throw new NetworkError('ERR_UNREACHABLE', 'the network is not running')
    // The socket keeps listening to the signal it was dialled with, for as long as it lives: give it one of its own.
    const dialling = new AbortController()
    using _abort = whenAborted(signal, (reason) => dialling.abort(reason))
    let raw: Libp2pConnection
    try {
      raw = await node.services.internals.dial(parsed(joinAddress(address, peer)), dialling.signal)
    } catch (error) {
      signal.throwIfAborted()
      throw dialError(error)
    }
    const connection = this.#connections.get(raw.id)
    if (connection === undefined) throw new NetworkError('ERR_UNREACHABLE', 'the peer closed the connection at once')
    return connection
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
        gater: { denyInboundEncryptedConnection: refuse, denyOutboundEncryptedConnection: refuse },
        onOversizedFrame: () => void this.#counts.oversizedFrames++,
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

  #opened(raw: Libp2pConnection): void {
    if (raw.status !== 'open') return
    const connection = new CarriedConnection(raw, this.#components)
    this.#connections.set(raw.id, connection)
    raw.addEventListener('close', ({ error }) => {
      this.#connections.delete(raw.id)
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
    const limits = { maxInboundStreams: STREAMS_PER_CONNECTION }
    const told = this.#protocols.has(protocol) ? node.handle(protocol, accept, limits) : node.unhandle(protocol)
    told.catch((error: unknown) =>
      this.#log.warn({ protocol, reason: reasonOf(error) }, 'a protocol was not announced'),
    )
  }

  #accepted(stream: Stream, raw: Libp2pConnection): void {
    const connection = this.#connections.get(raw.id)
    if (connection === undefined) stream.abort(new Error('the connection is closing'))
    else this.#events?.accepted(connection.adopt(stream, 'inbound'))
  }
}

function parsed(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (error) {
    throw new NetworkError('ERR_UNREACHABLE', 'not a valid address', { cause: error })
  }
}
