import type { PeerId } from '../../../src/base/index.ts'
import { FrameParser } from '../../../src/bus/frame-parser.ts'
import { FRAME } from '../../../src/bus/frames.ts'
import { acceptedFrame, helloFrame, parseRefusal, type Refusal } from '../../../src/bus/handshake.ts'
import { LANE_PROTOCOL, LANES, type Lane } from '../../../src/bus/index.ts'
import type { Channel, Transport } from '../../../src/network/index.ts'

/** A peer that speaks the handshake by hand, and after that says whatever a test wants. */
export class RawPeer {
  readonly lanes: Map<Lane, Channel> = new Map()
  /** Frame types that arrived on the lanes of the other side. */
  readonly heard: number[] = []
  readonly refusals: Refusal[] = []
  bytesIn = 0
  readonly #transport: Transport
  readonly #readsData: boolean
  readonly #accepts: Disposable
  #session = 0

  constructor(transport: Transport, init: { readonly readsData: boolean } = { readsData: true }) {
    this.#transport = transport
    this.#readsData = init.readsData
    this.#accepts = transport.handle(LANE_PROTOCOL, { maxInboundStreams: 16 }, (channel) => this.#accept(channel))
  }

  /** Opens all four lanes with HELLO. */
  async open(peer: PeerId): Promise<void> {
    const session = (this.#session++).toString(16).padStart(16, '0')
    for (const lane of LANES) await this.openLane(peer, lane, session)
  }

  async openLane(peer: PeerId, lane: Lane, session: string): Promise<Channel> {
    const channel = await this.#transport.open(peer, LANE_PROTOCOL)
    this.lanes.set(lane, channel)
    await channel.send(helloFrame({ lane, session, name: 'raw' }))
    const answered = Promise.withResolvers<void>()
    void this.#hear(channel, answered.resolve)
    await answered.promise
    return channel
  }

  async say(lane: Lane, bytes: Uint8Array): Promise<void> {
    await this.lanes.get(lane)?.send(bytes)
  }

  stop(): void {
    this.#accepts[Symbol.dispose]()
  }

  async #accept(channel: Channel): Promise<void> {
    await channel.send(acceptedFrame({ windowBytes: 256 * 1024 }))
    if (this.#readsData) await this.#hear(channel, () => undefined)
    await channel.closed
  }

  async #hear(channel: Channel, answered: () => void): Promise<void> {
    const parser = new FrameParser({ maxFrameBytes: 1024 * 1024 })
    try {
      for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
        this.bytesIn += chunk.byteLength
        parser.push(chunk, (type, payload) => {
          this.heard.push(type)
          const refusal = type === FRAME.refused ? parseRefusal(payload) : undefined
          if (refusal !== undefined) this.refusals.push(refusal)
          answered()
          return undefined
        })
      }
    } catch {
      // Cut off: a test looks at what was heard until then.
    }
    answered()
  }
}
