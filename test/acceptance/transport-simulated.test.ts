import { delay, peerIdOfKey, seededRandom, silentLogger, VirtualClock } from '../../src/base/index.ts'
import { runUntil, SimulatedNetwork, simulatedTransport } from '../../src/network/index.ts'
import { transportSuite } from './transport.ts'
import type { TransportBench } from './transport-bench.ts'

transportSuite('simulated', async (): Promise<TransportBench> => {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const network = new SimulatedNetwork({}, { clock, random, log: silentLogger() })
  const frozen = simulatedTransport(network, peerIdOfKey(random.bytes(32)))
  await frozen.start()
  network.freeze(frozen.self)
  const peers = [frozen]
  return {
    peer: async () => {
      const peer = simulatedTransport(network, peerIdOfKey(random.bytes(32)))
      peers.push(peer)
      return peer
    },
    again: async (stopped) => {
      const peer = simulatedTransport(network, stopped.self)
      peers.push(peer)
      return peer
    },
    deadAddress: '/ip4/10.255.255.255/tcp/4001',
    deadReason: 'connection refused',
    silentAddress: network.addressOf(frozen.self),
    elapse: (ms) => delay(clock, ms),
    run: (body) => runUntil(clock, body()),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(peers.map((peer) => runUntil(clock, peer.stop())))
    },
  }
})
