import { delay, peerIdOfKey, seededRandom, VirtualClock } from '../../src/base/index.ts'
import { ANNOUNCEMENT_MS, runUntil, SimulatedDirectory } from '../../src/network/index.ts'
import { discoverySuite } from './discovery.ts'

discoverySuite('simulated', async () => {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const directory = new SimulatedDirectory({ clock })
  return {
    finder: async () => {
      const peer = peerIdOfKey(random.bytes(32))
      return { peer, discovery: directory.discoveryOf(peer) }
    },
    takeDown: async () => {
      directory.isUp = false
    },
    elapse: (ms) => delay(clock, ms),
    run: (body) => runUntil(clock, body(), 2 * ANNOUNCEMENT_MS),
    [Symbol.asyncDispose]: async () => undefined,
  }
})
