import { setImmediate } from 'node:timers/promises'
import { silentLogger, systemRandom, VirtualClock } from '../../src/base/index.ts'
import {
  type KadDiscovery,
  type KadDiscoveryInit,
  kadDiscovery,
  libp2pTransport,
  type Transport,
} from '../../src/network/index.ts'
import { discoverySuite } from './discovery.ts'

/** Two servers that know each other make the directory; everybody else begins at one of them. */
discoverySuite('libp2p', async () => {
  const clock = new VirtualClock()
  const random = systemRandom()
  const log = silentLogger()
  const started: Transport[] = []
  const start = async (init: KadDiscoveryInit): Promise<{ transport: Transport; discovery: KadDiscovery }> => {
    const discovery = kadDiscovery(init)({ clock, random, log })
    const transport = await libp2pTransport({ deviceSeed: random.bytes(32), extras: [discovery] })({ clock, log })
    await transport.start()
    started.push(transport)
    return { transport, discovery }
  }
  const first = await start({ bootstrap: [], server: true })
  const second = await start({ bootstrap: first.transport.addresses(), server: true })
  const servers = [first, second].map(({ transport }) => transport)
  let turn = 0
  return {
    finder: async () => {
      const { transport, discovery } = await start({ bootstrap: servers[turn++ % 2]?.addresses() ?? [] })
      return { peer: transport.self, discovery }
    },
    takeDown: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
    elapse: async (ms) => {
      await setImmediate()
      clock.advance(ms)
    },
    run: (body) => body(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((transport) => transport.stop()))
    },
  }
})
