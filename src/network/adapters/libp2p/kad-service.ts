import type { Connection, PeerId as Libp2pPeerId, PeerDiscovery, PeerInfo, Startable } from '@libp2p/interface'
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type Clock, concatBytes, isPeerId, type Logger, reasonOf, type Timer } from '../../../base/index.ts'
import { dialableAddresses } from '../../addresses.ts'
import { ANNOUNCEMENT_MS, type FoundPeer } from '../../discovery.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import { KadContacts } from './kad-contacts.ts'

/** The parts of a node that it needs. */
export type KadParts = Omit<KadDHTComponents, 'ping'>
type Manager = KadDHTComponents['connectionManager']
type Registrar = KadDHTComponents['registrar']
/** The library's class has more than its interface says. */
type Kad = KadDHT & Startable & PeerDiscovery & { readonly routingTable: { readonly size: number } }
type Cid = Parameters<KadDHT['provide']>[0]

/** Our own network of this protocol, apart from that of IPFS. */
export const KAD_PROTOCOL = '/plexus/kad/1.0.0'
/** Announcements that a server keeps; of one peer; and peers whose addresses it knows. */
export const ANNOUNCEMENTS_MAX = 8_192
export const ANNOUNCEMENTS_PER_PEER = 256
/** Peers that one key brings at most. */
const ANNOUNCEMENTS_PER_KEY = 128
const CONTACTS_MAX = 4_096
/** Streams of the protocol that one connection may hold open, towards a server and from a client. */
const INBOUND_STREAMS = 8
const OUTBOUND_STREAMS = 16
/** Peers asked at once, and paths that share none of them (S/Kademlia). */
const PARALLEL_QUERIES = 3
const FIRST_SELF_QUERY_MS = 100
const SELF_QUERY_MS: number = 30 * 60 * 1000
/** How long a connection that was made for a question may serve the next. */
const HANG_UP_AFTER_MS = 10_000
const PREFIX = '/plexus-kad'
/** A time as a varint. */
const VALUE_MAX_BYTES = 16

export interface KadServiceInit {
  /** Keep announcements of others and answer their questions. */
  readonly server: boolean
  /** Addresses of peers of less reach are not kept. */
  readonly reach: () => number
  readonly onStart: (kad: KadService) => void
  readonly onStop: () => void
}

/**
 * kad-dht in a libp2p node, held apart from the rest of it: it has its own address book and store, both bounded, dials by
 * them, and keeps no connection that nothing else needs.
 */
export class KadService implements Startable {
  readonly #init: KadServiceInit
  readonly #log: Logger
  readonly #manager: KadDHTComponents['connectionManager']
  readonly #contacts: KadContacts
  readonly #store: BoundedDatastore
  readonly #kad: Kad
  readonly #self: string
  /** Connections that were made for the directory. */
  readonly #dialled = new Set<Connection>()
  readonly #clock: Clock
  #ownAddresses: readonly Multiaddr[] = []
  #hangingUp: Timer | undefined

  constructor(
    init: KadServiceInit,
    components: KadParts,
    { clock, log }: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#init = init
    this.#log = log
    this.#clock = clock
    this.#self = components.peerId.toString()
    this.#manager = components.connectionManager
    this.#contacts = new KadContacts({ peers: CONTACTS_MAX, reach: init.reach })
    this.#store = new BoundedDatastore(
      {
        prefix: `${PREFIX}/provider/`,
        entries: ANNOUNCEMENTS_MAX,
        entriesPerOwner: ANNOUNCEMENTS_PER_PEER,
        entriesPerParent: ANNOUNCEMENTS_PER_KEY,
        valueBytes: VALUE_MAX_BYTES,
        ageMs: ANNOUNCEMENT_MS,
      },
      { clock },
    )
    const { peerId, privateKey, events, logger } = components
    this.#kad = kadDHT(kadInit(init))({ peerId, privateKey, events, logger, ...this.#substitutes(components) }) as Kad
    this.#kad.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
      this.#contacts.learn(id, multiaddrs, { own: false })
    })
  }

  async start(): Promise<void> {
    await this.#kad.start()
    this.#init.onStart(this)
  }

  async stop(): Promise<void> {
    this.#init.onStop()
    this.#hangingUp?.cancel()
    await this.#kad.stop()
    this.#dialled.clear()
  }

  /** Peers of the directory that we know and found alive. */
  get servers(): number {
    return this.#kad.routingTable.size
  }

  figures(): Readonly<Record<string, number>> {
    const { size, refused, evicted } = this.#store
    return { servers: this.servers, known: this.#contacts.size, kept: size, refusedPuts: refused, evicted }
  }

  async connect(address: string, signal: AbortSignal): Promise<void> {
    this.#dialled.add(await this.#manager.openConnection(multiaddr(address), { signal }))
  }

  isLinked(peer: string): boolean {
    return this.#manager.getConnections().some((one) => one.status === 'open' && one.remotePeer.toString() === peer)
  }

  /** Returns how many were told. */
  async announce(key: Uint8Array, addresses: readonly string[], signal: AbortSignal): Promise<number> {
    this.#ownAddresses = addresses.map((address) => multiaddr(address))
    let told = this.#init.server ? 1 : 0
    try {
      for await (const event of this.#kad.provide(cidOf(key), { signal })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told++
      }
    } finally {
      this.#hangUpSoon()
    }
    return told
  }

  /** Who announced, as the answers come; tells about each answer, also those that bring nobody. */
  async *find(key: Uint8Array, signal: AbortSignal): AsyncGenerator<readonly FoundPeer[]> {
    try {
      for await (const event of this.#kad.findProviders(cidOf(key), { signal })) {
        if (event.name !== 'PROVIDER' && event.name !== 'PEER_RESPONSE') continue
        // A client keeps what it announced itself; that is no answer.
        if (!this.#init.server && event.from.toString() === this.#self) continue
        yield event.name === 'PROVIDER' ? this.#found(event.providers) : []
      }
    } finally {
      this.#hangUpSoon()
    }
  }

  #found(providers: readonly PeerInfo[]): readonly FoundPeer[] {
    return providers.flatMap(({ id, multiaddrs }): readonly FoundPeer[] => {
      const peer = id.toString()
      if (peer === this.#self || !isPeerId(peer)) return []
      const addresses = dialableAddresses(peer, multiaddrs.map(String))
      return addresses.length === 0 ? [] : [{ peer, addresses }]
    })
  }

  /** What kad-dht is given in place of parts of the node. */
  #substitutes(
    components: KadParts,
  ): Pick<KadDHTComponents, 'peerStore' | 'datastore' | 'connectionManager' | 'registrar' | 'addressManager' | 'ping'> {
    const { registrar, peerStore, addressManager } = components
    const openStream: Manager['openStream'] = (to, protocol, options) =>
      this.#openStream(to as Libp2pPeerId, protocol, options)
    const register: Registrar['register'] = (protocol, topology) =>
      registrar.register(protocol, {
        onConnect: async (peer, connection) => {
          const { addresses } = await peerStore.get(peer)
          const heard = addresses.map((address) => address.multiaddr)
          const reached = connection.direction === 'outbound' ? { reached: connection.remoteAddr } : {}
          this.#contacts.learn(peer, heard, { own: true, ...reached })
          await topology.onConnect?.(peer, connection)
        },
      })
    return {
      peerStore: this.#contacts.peerStore,
      datastore: this.#store,
      connectionManager: standIn(this.#manager, { openStream }),
      registrar: standIn(registrar, { register }),
      addressManager: standIn(addressManager, { getAddresses: () => [...this.#ownAddresses] }),
      // A peer that agrees to the protocol is alive, and a server.
      ping: {
        ping: async (peer, options) => {
          const stream = await this.#openStream(peer as Libp2pPeerId, KAD_PROTOCOL, options)
          await stream.close(options)
          return 0
        },
      },
    }
  }

  async #openStream(
    to: Libp2pPeerId,
    protocol: string | string[],
    options?: Parameters<Manager['openStream']>[2],
  ): ReturnType<Manager['openStream']> {
    const linked = this.#manager.getConnections(to).find((one) => one.status === 'open' && one.limits === undefined)
    if (linked !== undefined) return await linked.newStream(protocol, options)
    const connection = await this.#manager.openConnection(this.#contacts.dialable(to), options)
    this.#dialled.add(connection)
    this.#hangUpSoon()
    return await connection.newStream(protocol, options)
  }

  /** Closes what was dialled for the directory and serves nothing else by now. */
  #hangUpSoon(): void {
    this.#hangingUp ??= this.#clock.setTimer(HANG_UP_AFTER_MS, () => {
      this.#hangingUp = undefined
      for (const connection of this.#dialled) {
        this.#dialled.delete(connection)
        if (connection.status !== 'open' || connection.streams.length > 0) continue
        connection.close().catch((error: unknown) => {
          this.#log.debug({ reason: reasonOf(error) }, 'a connection of the directory was not closed cleanly')
        })
      }
    })
  }
}

function kadInit({ server }: KadServiceInit): Parameters<typeof kadDHT>[0] {
  const refuse = async (): Promise<never> => {
    throw new Error('only announcements are kept')
  }
  return {
    protocol: KAD_PROTOCOL,
    clientMode: !server,
    // A server alone is the whole directory; a client waits until it knows a server.
    allowQueryWithZeroPeers: server,
    // The contacts are filtered already, by the reach that this network needs.
    peerInfoMapper: passthroughMapper,
    datastorePrefix: PREFIX,
    validators: { pk: refuse },
    alpha: PARALLEL_QUERIES,
    maxInboundStreams: INBOUND_STREAMS,
    maxOutboundStreams: OUTBOUND_STREAMS,
    initialQuerySelfInterval: FIRST_SELF_QUERY_MS,
    querySelfInterval: SELF_QUERY_MS,
    // Announcements are made anew by whoever made them, with the key of the day; the library would repeat that of yesterday.
    reprovide: { threshold: 0, validity: ANNOUNCEMENT_MS },
    routingTableUpdateMaxQueueSize: 1_024,
  }
}

const SHA2_256_MULTIHASH = Uint8Array.of(0x12, 0x20)

/** What kad-dht takes for the identifier of a content: of it it uses the multihash alone. */
function cidOf(key: Uint8Array): Cid {
  return { multihash: { bytes: concatBytes(SHA2_256_MULTIHASH, key) } } as Cid
}

/** The same object but for some of its methods. */
function standIn<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
