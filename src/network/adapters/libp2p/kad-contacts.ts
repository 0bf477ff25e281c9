import type { Peer, PeerId, PeerInfo } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { ADDRESSES_PER_PEER, reachOf, splitAddress } from '../../addresses.ts'

type PeerStore = KadDHTComponents['peerStore']

/** A name could stand for any address, also for one of our own network. */
const IP = /^\/ip[46]\//

export interface KadContactsInit {
  /** Peers whose addresses are kept; beyond it the one heard of longest ago is forgotten. */
  readonly peers: number
  /** Addresses of less reach are not kept: strangers would have us knock at doors of our own network. */
  readonly reach: () => number
}

interface Contact {
  readonly id: PeerId
  readonly multiaddrs: Multiaddr[]
  /** It said so itself. */
  readonly own: boolean
}

/**
 * Where the peers of the directory are: an address book of its own, so that nothing that strangers say of others gets into
 * that of the node. What a peer says of itself stands above what others say of it.
 */
export class KadContacts {
  readonly #init: KadContactsInit
  readonly #contacts = new Map<string, Contact>()

  constructor(init: KadContactsInit) {
    this.#init = init
  }

  get size(): number {
    return this.#contacts.size
  }

  /** Notes where a peer is: by its own words, or by those of another; and at which address we reached it, if we did. */
  learn(
    id: PeerId,
    heard: readonly Multiaddr[],
    options: { readonly own: boolean; readonly reached?: Multiaddr },
  ): void {
    const key = id.toString()
    const { own, reached } = options
    if (!own && this.#contacts.get(key)?.own === true) return
    const multiaddrs = [...(reached === undefined ? [] : [reached]), ...this.#usable(heard)]
    if (multiaddrs.length === 0) return
    this.#contacts.delete(key)
    this.#contacts.set(key, { id, multiaddrs, own })
    for (const oldest of this.#contacts.keys()) {
      if (this.#contacts.size <= this.#init.peers) break
      this.#contacts.delete(oldest)
    }
  }

  /** Where to dial a peer; with its id, so that only it may answer. */
  dialable(id: PeerId): Multiaddr[] {
    const { multiaddrs = [] } = this.#contacts.get(id.toString()) ?? {}
    return multiaddrs.map((address) => address.encapsulate(`/p2p/${id}`))
  }

  /**
   * What kad-dht uses of a peer store. Of a peer that is not known it says that it has no addresses: one such among those who
   * announced under a key would else make the whole answer fail.
   */
  get peerStore(): PeerStore {
    const infoOf = (id: PeerId): PeerInfo => ({ id, multiaddrs: this.#contacts.get(id.toString())?.multiaddrs ?? [] })
    const peerOf = (id: PeerId): Peer => {
      const addresses = infoOf(id).multiaddrs.map((address) => ({ multiaddr: address, isCertified: false }))
      return { id, addresses, protocols: [], metadata: new Map(), tags: new Map() }
    }
    const store: Pick<PeerStore, 'all' | 'get' | 'getInfo' | 'merge'> = {
      all: async () => [],
      get: async (id) => peerOf(id),
      getInfo: async (id) => infoOf(id),
      // Only a peer's own announcement has addresses in it; the rest are tags, which nobody reads.
      merge: async (id, { multiaddrs = [] }) => {
        this.learn(id, multiaddrs, { own: true })
        return peerOf(id)
      },
    }
    return store as PeerStore
  }

  #usable(heard: readonly Multiaddr[]): Multiaddr[] {
    const texts = heard.slice(0, 2 * ADDRESSES_PER_PEER).map((address) => splitAddress(address.toString()).address)
    const usable = [...new Set(texts)].filter((text) => IP.test(text) && reachOf(text) >= this.#init.reach())
    return usable.slice(0, ADDRESSES_PER_PEER).map((text) => multiaddr(text))
  }
}
