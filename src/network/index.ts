/**
 * Layer 2, the live pillar: authenticated byte streams between peers. The transport port, its adapters over libp2p and over a
 * simulated network, and the keeper of connections.
 */
export type { Libp2pExtra } from './adapters/libp2p/extra.ts'
export {
  GossipTopics,
  type GossipTopicsComponents,
  type GossipTopicsInit,
  gossipTopics,
} from './adapters/libp2p/gossip-topics.ts'
export {
  BOOTSTRAP_MAX,
  KadDiscovery,
  type KadDiscoveryComponents,
  type KadDiscoveryInit,
  kadDiscovery,
} from './adapters/libp2p/kad-discovery.ts'
export {
  DEFAULT_LAN_SERVICE,
  type Libp2pTransportComponents,
  type Libp2pTransportInit,
  libp2pTransport,
} from './adapters/libp2p/load.ts'
export { SimulatedDirectory } from './adapters/simulated/directory.ts'
export {
  SimulatedNetwork,
  type SimulatedNetworkComponents,
  type SimulatedNetworkInit,
} from './adapters/simulated/network.ts'
export { simulatedTransport } from './adapters/simulated/transport.ts'
export { runFor, runUntil } from './adapters/simulated/virtual-time.ts'
export { ADDRESS_MAX_CHARS, ADDRESSES_PER_PEER, reachOf } from './addresses.ts'
export type { ContactState, ContactStatus } from './contacts.ts'
export { ANNOUNCEMENT_MS, DISCOVERY_KEY_BYTES, type Discovery, FOUND_PEERS_MAX, type FoundPeer } from './discovery.ts'
export { type AddressFailure, NetworkError, type NetworkErrorCode } from './errors.ts'
export {
  ConnectionKeeper,
  type ConnectionKeeperComponents,
  type ConnectionKeeperEvents,
  connectionKeeper,
} from './keeper.ts'
export { offlineTransport } from './offline.ts'
export {
  OPEN_MESSAGE_MAX_BYTES,
  OPEN_TOPICS_MAX,
  type OpenJudge,
  type OpenTopics,
  type OpenVerdict,
} from './open-topics.ts'
export { type DialBack, type DialBackComponents, type DialBackInit, dialBack } from './reach/dial-back.ts'
export {
  type Reach,
  type Reachability,
  type ReachabilityComponents,
  type ReachabilityInit,
  type ReachFrom,
  reachability,
} from './reach/reachability.ts'
export { type RelayOffer, type RelayOfferComponents, type RelayOfferInit, relayOffer } from './relay/relay-offer.ts'
export {
  type RelayReservations,
  type RelayReservationsComponents,
  type RelayReservationsInit,
  relayReservations,
} from './relay/relay-reservations.ts'
export {
  CHANNEL_MAX_WRITE_BYTES,
  CHANNEL_READ_BUFFER_BYTES,
  type Channel,
  type DialOptions,
  type HandleOptions,
  type Link,
  type LinkKind,
  type Transport,
  type TransportEvents,
} from './transport.ts'
