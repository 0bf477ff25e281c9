import type { PeerId } from '../../../base/index.ts'
import { StreamTransport } from '../../stream-transport.ts'
import type { Transport } from '../../transport.ts'
import { SimulatedCarrier } from './carrier.ts'
import type { SimulatedNetwork } from './network.ts'

export interface SimulatedTransportOptions {
  /** Where it answers. Default: the address that the network gave this peer; two with one key need one each. */
  readonly address?: string
}

/** A peer of `network`. After `network.kill(peer)` make a new one to bring the peer back. */
export function simulatedTransport(
  network: SimulatedNetwork,
  peer: PeerId,
  options: SimulatedTransportOptions = {},
): Transport {
  const { address = network.addressOf(peer) } = options
  return new StreamTransport(peer, new SimulatedCarrier(network, peer, address), network)
}
