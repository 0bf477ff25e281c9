import { reasonOf } from '../base/index.ts'
import type { Channel } from '../network/index.ts'
import { ReceiveWindow } from './credit.ts'
import type { Delivery, Payer } from './dispatcher.ts'
import { FrameParser } from './frame-parser.ts'
import { FRAME_HEADER_BYTES } from './frames.ts'
import { BULK_WINDOW_BYTES, FRAME_MAX_BYTES, HANDLER_TIMEOUT_MS, HELD_MAX_BYTES, HELD_MAX_FRAMES } from './limits.ts'
import type { Lane } from './types.ts'

/** What became of a frame: dealt with; to be handled in its turn; or malformed, with a sentence. */
export type FrameOutcome = undefined | Delivery | string

export interface InboundLaneInit {
  readonly lane: Lane
  readonly channel: Channel
  readonly onFrame: (lane: Lane, type: number, payload: Buffer) => FrameOutcome
  readonly dispatch: (delivery: Delivery) => void
  /** Credit to hand to the peer; only on the bulk lane. */
  readonly onCredit: (bytes: number) => void
  readonly now: () => number
}

/** How a lane ended. */
export interface LaneEnd {
  readonly reason: string
  /** The peer broke the protocol. */
  readonly fault: boolean
}

interface Hold {
  readonly bytes: number
  readonly since: number
}

/**
 * The reading half of one lane. Reads on only while the frames whose handlers have not settled stay within bounds, so that the
 * channel's own window stops a peer that sends faster than we handle; the bulk lane is bounded by credit besides.
 */
export class InboundLane implements Payer {
  readonly #init: InboundLaneInit
  readonly #parser = new FrameParser({ maxFrameBytes: FRAME_MAX_BYTES })
  readonly #window: ReceiveWindow | undefined
  /** Frames whose handlers run. */
  readonly #holds = new Set<Hold>()
  /** Frames whose handlers have not begun. */
  #waiting = 0
  /** Of both. */
  #heldBytes = 0
  #resume: (() => void) | undefined
  #channel: Channel
  /** Where the lane goes on once the peer has closed the present channel. */
  #next: Channel | undefined
  #ended = false
  bytesIn = 0
  /** Handlers that took longer than `HANDLER_TIMEOUT_MS`. */
  stuck = 0

  constructor(init: InboundLaneInit) {
    this.#init = init
    this.#channel = init.channel
    this.#window = init.lane === 'bulk' ? new ReceiveWindow({ windowBytes: BULK_WINDOW_BYTES }) : undefined
  }

  get channel(): Channel {
    return this.#channel
  }

  /** The peer moves the lane: what it sent on the present channel is read to its end first. Says whether that may be. */
  moveTo(channel: Channel): boolean {
    if (this.#ended || this.#next !== undefined) return false
    this.#next = channel
    return true
  }

  abort(error: Error): void {
    this.#channel.abort(error)
    this.#next?.abort(error)
  }

  /** Reads until the lane ends. Never rejects. */
  async serve(): Promise<LaneEnd> {
    const { lane } = this.#init
    const sink = (type: number, payload: Buffer): string | undefined => this.#take(type, payload)
    try {
      while (!this.#ended) {
        const chunk = await this.#channel.read()
        if (chunk === undefined) {
          if (this.#goOn()) continue
          return { reason: `the peer closed its ${lane} lane`, fault: false }
        }
        this.bytesIn += chunk.byteLength
        const malformed = this.#parser.push(chunk, sink)
        if (malformed !== undefined) return { reason: `malformed input on the ${lane} lane: ${malformed}`, fault: true }
        this.#sendCredit()
        if (this.#isFull) await new Promise<void>((resolve) => (this.#resume = resolve))
      }
      return { reason: 'closed', fault: false }
    } catch (error) {
      return { reason: `the ${lane} lane broke: ${reasonOf(error)}`, fault: false }
    }
  }

  #goOn(): boolean {
    if (this.#next === undefined) return false
    void this.#channel.close()
    this.#channel = this.#next
    this.#next = undefined
    return true
  }

  /** Lets go of frames whose handlers take too long. */
  releaseStuck(): void {
    const deadline = this.#init.now() - HANDLER_TIMEOUT_MS
    for (const hold of this.#holds) {
      if (hold.since > deadline) break
      this.stuck++
      this.#release(hold)
    }
  }

  end(): void {
    this.#ended = true
    this.#resume?.()
  }

  #take(type: number, payload: Buffer): string | undefined {
    if (this.#ended) return undefined
    const bytes = payload.byteLength + FRAME_HEADER_BYTES
    if (this.#window?.arrive(bytes) === false) return 'more than the credit allows'
    const outcome = this.#init.onFrame(this.#init.lane, type, payload)
    if (typeof outcome === 'string') return outcome
    if (outcome === undefined) {
      this.#window?.settle(bytes)
      return undefined
    }
    outcome.payer = this
    outcome.bytes = bytes
    this.#waiting++
    this.#heldBytes += bytes
    this.#init.dispatch(outcome)
    return undefined
  }

  dealt(bytes: number, settled: Promise<void> | undefined): void {
    this.#waiting--
    if (settled === undefined) {
      this.#settle(bytes)
      return
    }
    const hold: Hold = { bytes, since: this.#init.now() }
    this.#holds.add(hold)
    void settled.then(() => this.#release(hold))
  }

  #release(hold: Hold): void {
    if (this.#holds.delete(hold)) this.#settle(hold.bytes)
  }

  #settle(bytes: number): void {
    this.#heldBytes -= bytes
    this.#window?.settle(bytes)
    if (this.#ended) return
    this.#sendCredit()
    if (this.#isFull || this.#resume === undefined) return
    this.#resume()
    this.#resume = undefined
  }

  get #isFull(): boolean {
    return this.#holds.size + this.#waiting >= HELD_MAX_FRAMES || this.#heldBytes >= HELD_MAX_BYTES
  }

  #sendCredit(): void {
    const due = this.#window?.take() ?? 0
    if (due > 0) this.#init.onCredit(due)
  }
}
