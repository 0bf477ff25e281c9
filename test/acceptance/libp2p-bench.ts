import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { silentLogger, systemRandom, VirtualClock } from '../../src/base/index.ts'
import { libp2pTransport, type Transport } from '../../src/network/index.ts'
import type { TransportBench } from './transport-bench.ts'

/** Peers over libp2p on the loopback interface; `layer` is what follows the port in an address: nothing, or `/ws`. */
export async function libp2pBench(layer = ''): Promise<TransportBench> {
  // Deadlines run on a virtual clock: none passes unless a test says so, however slow the machine is.
  const clock = new VirtualClock()
  const seeds = new Map<string, Uint8Array>()
  const peers: Transport[] = []
  const make = async (deviceSeed: Uint8Array, listen: string): Promise<Transport> => {
    const peer = await libp2pTransport({ deviceSeed, listen: [listen] })({ clock, log: silentLogger() })
    seeds.set(peer.self, deviceSeed)
    peers.push(peer)
    return peer
  }
  const sockets = new Set<Socket>()
  const silent = await listening(createServer((socket) => sockets.add(socket)))
  const dead = await listening(createServer())
  const bench: TransportBench = {
    peer: () => make(systemRandom().bytes(32), `/ip4/127.0.0.1/tcp/0${layer}`),
    again: (stopped, [address = '']) =>
      make(seeds.get(stopped.self) ?? new Uint8Array(), address.replace(/\/p2p.*/, '')),
    deadAddress: `/ip4/127.0.0.1/tcp/${portOf(dead)}${layer}`,
    deadReason: layer === '' ? 'connection refused' : 'the WebSocket could not be opened',
    silentAddress: `/ip4/127.0.0.1/tcp/${portOf(silent)}${layer}`,
    elapse: async (ms) => {
      await setImmediate()
      clock.advance(ms)
    },
    run: (body) => body(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(peers.map((peer) => peer.stop()))
      for (const socket of sockets) socket.destroy()
      await closed(silent)
    },
  }
  await closed(dead)
  return bench
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
