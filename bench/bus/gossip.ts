import { type GossipSub, type GossipsubOpts, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Contender, Ears } from './contender.ts'

const TOPIC = 'bench'
const SETTLE_POLL_MS = 50
/** A mesh is grown at the heartbeat, once a second. */
const MESH_MS = 1_500

export type GossipSettings = 'defaults' | 'best' | 'mesh'

const BEST = { globalSignaturePolicy: 'StrictNoSign', scoreParams: { IPColocationFactorWeight: 0 } } as const
const MESH = { ...BEST, floodPublish: false, D: 4, Dlo: 3, Dhi: 6 }
const SETTINGS: Readonly<Record<GossipSettings, Partial<GossipsubOpts>>> = { defaults: {}, best: BEST, mesh: MESH }

/**
 * js gossipsub as it comes (noise, every message signed by libp2p), and as fast as it goes: TLS, no second signature, no penalty
 * for peers behind one address. `mesh` besides sends what is published to a few, who pass it on.
 */
export async function gossip({ onMessage }: Ears, settings: GossipSettings): Promise<Contender> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [settings === 'defaults' ? noise() : tls()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), pubsub: gossipsub(SETTINGS[settings]) },
  })
  const pubsub = node.services.pubsub as GossipSub
  pubsub.addEventListener('message', onMessage)
  return {
    addresses: node.getMultiaddrs().map(String),
    connect: async (peers) => {
      pubsub.subscribe(TOPIC)
      for (const addresses of peers) await node.dial(addresses.map((address) => multiaddr(address)))
      while (pubsub.getSubscribers(TOPIC).length < peers.length) await pause(SETTLE_POLL_MS)
      await pause(MESH_MS)
    },
    subscribe: async () => pubsub.subscribe(TOPIC),
    publish: (body) => pubsub.publish(TOPIC, body),
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
