import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Contender, Ears } from './contender.ts'
import { FramedStream } from './framed-stream.ts'

const PROTOCOL = '/bench/framed'
const PUBLISH = 1
const REQUEST = 2
const ANSWER = 3
const BULK = 4

/** One kept libp2p stream with the encrypter and the muxer that the bus uses, and nothing around it. */
export async function bare({ onMessage, onBulk }: Ears, packed: boolean): Promise<Contender> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [tls()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  const waiting = new Map<number, (body: Uint8Array) => void>()
  let requests = 0
  let line: FramedStream | undefined
  const talk = (stream: Stream): void => {
    const framed = new FramedStream(stream, packed, (kind, id, body) => {
      if (kind === PUBLISH) onMessage()
      else if (kind === BULK) onBulk(body)
      else if (kind === REQUEST) void framed.send(ANSWER, id, body)
      else waiting.get(id)?.(body)
    })
    line = framed
  }
  const send = (kind: number, id: number, body: Uint8Array): Promise<unknown> | undefined => {
    if (line === undefined) throw new Error('not connected')
    return line.send(kind, id, body)
  }
  await node.handle(PROTOCOL, talk)
  return {
    addresses: node.getMultiaddrs().map(String),
    connect: async ([addresses = []]) => talk(await node.dialProtocol(addresses.map(toMultiaddr), PROTOCOL)),
    subscribe: async () => undefined,
    publish: (body) => send(PUBLISH, 0, body),
    request: (body) =>
      new Promise((resolve) => {
        const id = ++requests
        waiting.set(id, (answer) => {
          waiting.delete(id)
          resolve(answer)
        })
        void send(REQUEST, id, body)
      }),
    bulk: (body) => send(BULK, 0, body),
  }
}

function toMultiaddr(address: string): Multiaddr {
  return multiaddr(address)
}
