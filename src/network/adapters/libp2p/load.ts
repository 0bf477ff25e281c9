import { type Clock, type Logger, silentLogger, systemClock, systemRandom } from '../../../base/index.ts'
import { SEED_BYTES } from '../../../identity/index.ts'
import type { Transport } from '../../transport.ts'
import type { Libp2pExtra } from './extra.ts'

export const DEFAULT_LISTEN: readonly string[] = ['/ip4/127.0.0.1/tcp/0']
/** Under this name, and no other, peers look for each other on the local network. */
export const DEFAULT_LAN_SERVICE = '_plexus._udp.local'

export interface Libp2pTransportInit {
  /** The Ed25519 seed of the device, 32 bytes. Default: a new one, so that nobody knows this peer again. */
  readonly deviceSeed?: Uint8Array
  /** TCP multiaddrs; port 0 takes a free port, 0.0.0.0 or :: every interface. Default: loopback, any port. Empty: dial only. */
  readonly listen?: readonly string[]
  /** Look for peers on the local network by multicast DNS, and answer them. Default false. */
  readonly mdns?: boolean
  /** Default `DEFAULT_LAN_SERVICE`. */
  readonly lanService?: string
  /** What else runs in the node: `kadDiscovery`, `gossipTopics`. Only what is named here is loaded. */
  readonly extras?: readonly Libp2pExtra[]
}

export interface Libp2pTransportComponents {
  /** Default: the system's. */
  readonly clock?: Clock
  /** Default: none. */
  readonly log?: Logger
}

/**
 * The transport of real networks. libp2p takes most of a second to import, so it is loaded here and not with this
 * module: programs that only talk to a running peer never pay for it.
 */
export function libp2pTransport(
  init: Libp2pTransportInit = {},
): (components?: Libp2pTransportComponents) => Promise<Transport> {
  return async ({ clock = systemClock(), log = silentLogger() } = {}) => {
    const { createTransport } = await import('./transport.ts')
    return createTransport({ deviceSeed: systemRandom().bytes(SEED_BYTES), ...init }, { clock, log })
  }
}
