import { identify } from '@libp2p/identify'
import type { ConnectionGater, PrivateKey } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'
import { ADDRESSES_PER_PEER, announced } from '../../addresses.ts'
import { DIAL_TIMEOUT_MS, PARALLEL_DIALS, QUEUED_DIALS } from '../../dialer.ts'
import { MAX_CONNECTIONS, OPEN_TIMEOUT_MS } from '../../stream-transport.ts'
import { circuits } from './circuits.ts'
import { guarded } from './frame-guard.ts'
import { RawDials } from './raw-dials.ts'
import { boundedWebSockets } from './web-sockets.ts'

/** Handshakes of one remote host per second. A laboratory behind one address is one host. */
const INBOUND_PER_HOST_PER_SECOND = 64
/** Handshakes under way at once, from all hosts. */
const INBOUND_PENDING = 64
const UPGRADE_TIMEOUT_MS = 5_000
/** Streams that one connection may hold open towards us, of all protocols together. */
export const STREAMS_PER_CONNECTION = 64
/** Fixed by the yamux specification; grows up to the maximum where the round trip is long. */
const FIRST_WINDOW_BYTES = 256 * 1024
const MAX_WINDOW_BYTES = 1024 * 1024
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024
const IDENTIFY_MESSAGE_BYTES = 8 * 1024

/** Parts of libp2p that the node itself does not offer; a service is given them. */
export interface Internals {
  readonly dials: RawDials
  /** Where we listen; the node's own list leaves out public addresses that no server has confirmed. */
  addresses(): readonly Multiaddr[]
  readonly mdnsComponents: MulticastDNSComponents
}

export type ExtraServices = ServiceFactoryMap<Record<string, unknown>>

export interface Services extends Record<string, unknown> {
  readonly identify: unknown
  readonly internals: Internals
}

export interface OptionsInit {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly gater: ConnectionGater
  readonly onOversizedFrame: () => void
  /** Services besides our own, by name. */
  readonly services?: ExtraServices
}

/** How we run libp2p. Its defaults are made for an open network of servers; each limit here is chosen. */
export function nodeOptions(init: OptionsInit): Libp2pOptions<Services> {
  const frames = { maxFrameBytes: MAX_WINDOW_BYTES, onViolation: init.onOversizedFrame }
  return {
    start: false,
    privateKey: init.privateKey,
    addresses: { listen: [...init.listen], announceFilter: keepAnnounced },
    nodeInfo: { name: 'plexus', version: '1', userAgent: 'plexus' },
    transports: [tcp(), boundedWebSockets(), circuits()],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [() => guarded(yamux(muxerOptions())(), frames)],
    connectionGater: init.gater,
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: INBOUND_PER_HOST_PER_SECOND,
      maxIncomingPendingConnections: INBOUND_PENDING,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      maxParallelDials: PARALLEL_DIALS,
      maxDialQueueLength: QUEUED_DIALS,
      maxPeerAddrsToDial: ADDRESSES_PER_PEER,
      dialTimeout: DIAL_TIMEOUT_MS,
    },
    // It would ping each connection every 10 s on a new stream and abort those that are slow. The bus watches liveness.
    connectionMonitor: { enabled: false, abortConnectionOnPingFailure: false },
    services: {
      ...init.services,
      identify: identify({ timeout: UPGRADE_TIMEOUT_MS, maxMessageSize: IDENTIFY_MESSAGE_BYTES }),
      internals: ({ transportManager, upgrader, addressManager, logger }) => ({
        dials: new RawDials({ transportManager, upgrader }),
        addresses: () => transportManager.getAddrs(),
        mdnsComponents: { addressManager, logger },
      }),
    },
  }
}

function keepAnnounced(addresses: Multiaddr[]): Multiaddr[] {
  const kept = announced(addresses.map(String))
  return addresses.filter((address) => kept.includes(String(address)))
}

function muxerOptions(): Parameters<typeof yamux>[0] {
  return {
    maxInboundStreams: STREAMS_PER_CONNECTION,
    maxOutboundStreams: STREAMS_PER_CONNECTION,
    streamOptions: {
      initialStreamWindowSize: FIRST_WINDOW_BYTES,
      maxStreamWindowSize: MAX_WINDOW_BYTES,
      maxReadBufferLength: MAX_WINDOW_BYTES,
      maxWriteBufferLength: WRITE_BUFFER_BYTES,
    },
  }
}
