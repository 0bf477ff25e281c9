import type { PeerId } from '../../../base/index.ts'
import { StreamTransport } from '../../stream-transport.ts'
import type { Transport } from '../../transport.ts'
import { SimulatedCarrier } from './carrier.ts'
import type { SimulatedNetwork } from './network.ts'

/** A peer of `network`. After `network.kill(peer)` make a new one to bring the peer back. */
export function simulatedTransport(network: SimulatedNetwork, peer: PeerId): Transport {
  return new StreamTransport(peer, new SimulatedCarrier(network, peer), network)
}
