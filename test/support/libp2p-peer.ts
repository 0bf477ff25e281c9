import { silentLogger } from '../../src/base/index.ts'
import { libp2pTransport } from '../../src/network/index.ts'
import { type Peer, type PeerInit, startPeer } from './peer.ts'

/** A whole peer on a free port of the loopback interface. */
export function startLibp2pPeer(init: Omit<PeerInit, 'transportOf'>): Promise<Peer> {
  return startPeer({
    ...init,
    transportOf: (identity) =>
      libp2pTransport({ deviceSeed: identity.exportDeviceSeed() })({ clock: init.clock, log: silentLogger() }),
  })
}
