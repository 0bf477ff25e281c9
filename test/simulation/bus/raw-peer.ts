import type { PeerId } from '../../../src/base/index.ts'
import { FrameParser } from '../../../src/bus/frame-parser.ts'
import { FRAME, parseToken, pingFrame } from '../../../src/bus/frames.ts'
import { acceptedFrame, helloFrame, parseRefusal, type Refusal } from '../../../src/bus/handshake.ts'
import { LANE_PROTOCOL, LANES, type Lane } from '../../../src/bus/index.ts'
import type { Channel, Transport } from '../../../src/network/index.ts'

export interface RawPeerInit {
  /** Default true. */
  readonly readsData?: boolean
  /** Shows signs of life, unlike by default. */
  readonly answersPings?: boolean
}

/** A peer that speaks the handshake by hand, and after that says whatever a test wants. */
export class RawPeer {
  readonly lanes: Map<Lane, Channel> = new Map()
  /** Frame types that arrived on the lanes of the other side. */
  readonly heard: number[] = []
  readonly refusals: Refusal[] = []
  bytesIn = 0
  readonly #transport: Transport
  readonly #readsData: boolean
  readonly #answersPings: boolean
  readonly #accepts: Disposable
  #session = 0
  #opened: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(transport: Transport, init: RawPeerInit = {}) {
    this.#transport = transport
    this.#readsData = init.readsData ?? true
    this.#answersPings = init.answersPings ?? false
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

  /** Resolves when the other side next opens a lane. */
  lanesOpened(): Promise<void> {
    return this.#opened.promise
  }

  stop(): void {
    this.#accepts[Symbol.dispose]()
  }

  async #accept(channel: Channel): Promise<void> {
    this.#opened.resolve()
    this.#opened = Promise.withResolvers()
    await channel.send(acceptedFrame({ windowBytes: 256 * 1024 }))
    if (this.#readsData) await this.#hear(channel, () => undefined)
    await channel.closed
  }

  async #pong(payload: Buffer): Promise<void> {
    try {
      await this.say('control', pingFrame(FRAME.pong, parseToken(payload) ?? 0))
    } catch {
      // The lane is gone, and with it the need of an answer.
    }
  }

  async #hear(channel: Channel, answered: () => void): Promise<void> {
    const parser = new FrameParser({ maxFrameBytes: 1024 * 1024 })
    try {
      for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
        this.bytesIn += chunk.byteLength
        parser.push(chunk, (type, payload) => {
          this.heard.push(type)
          if (type === FRAME.ping && this.#answersPings) void this.#pong(payload)
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
