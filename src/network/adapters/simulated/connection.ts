import { abortable, type Clock, type PeerId } from '../../../base/index.ts'
import { relayedAddress, relayOf } from '../../addresses.ts'
import { type Connection, relayedReason } from '../../carrier.ts'
import { StreamChannel } from '../../channel.ts'
import { NetworkError } from '../../errors.ts'
import type { Link } from '../../transport.ts'
import type { Pipe } from './pipe.ts'
import { SimulatedStream } from './stream.ts'

/** What a frame costs on the line besides its data. */
const FRAME_BYTES = 12

/** What an end tells the carrier it belongs to. */
export interface EndOwner {
  speaks(protocol: string): boolean
  accepted(channel: StreamChannel, link: Link): void
  closed(end: SimulatedEnd, reason: string): void
}

export interface SimulatedEndInit {
  readonly self: PeerId
  /** Where this end's own peer answers. */
  readonly from: string
  readonly peer: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly address: string
  readonly owner: EndOwner
  /** Towards the other end. */
  readonly pipe: Pipe
}

/** A stream that the other end has not agreed to yet. */
interface Opening {
  readonly protocol: string
  readonly settle: PromiseWithResolvers<StreamChannel>
}

/** One end of a simulated connection: streams with numbers, over a pipe to the other end. */
export class SimulatedEnd implements Connection {
  readonly link: Link
  readonly self: PeerId
  readonly from: string
  readonly #owner: EndOwner
  readonly #pipe: Pipe
  readonly #clock: Clock
  readonly #streams = new Map<number, SimulatedStream>()
  readonly #channels = new Set<StreamChannel>()
  readonly #openings = new Map<number, Opening>()
  #other: SimulatedEnd | undefined
  #nextStream: number
  #isOpen = true

  constructor(init: SimulatedEndInit, clock: Clock) {
    this.self = init.self
    this.from = init.from
    this.#owner = init.owner
    this.#pipe = init.pipe
    this.#clock = clock
    this.#nextStream = init.direction === 'outbound' ? 1 : 2
    const relay = relayOf(init.address)
    this.link = {
      peer: init.peer,
      kind: relay === undefined ? 'direct' : 'relayed',
      direction: init.direction,
      address: init.address,
      encryption: 'simulated',
      since: clock.now(),
      ...(relay === undefined ? {} : { via: relay.peer, reason: relayedReason(relay.peer) }),
    }
  }

  /** Whether both ends still stand: one may fall before the other knows that it was called. */
  get isWhole(): boolean {
    return this.#isOpen && this.#other !== undefined && this.#other.#isOpen
  }

  get channels(): number {
    return this.#channels.size
  }

  /** The address of the other end, as this end sees it: over the same relay. */
  returnAddress(direct: string): string {
    const relay = relayOf(this.link.address)
    return relay === undefined ? direct : relayedAddress(relay.address, relay.peer)
  }

  join(other: SimulatedEnd): void {
    this.#other = other
  }

  async openChannel(protocol: string, signal: AbortSignal): Promise<StreamChannel> {
    if (!this.#isOpen) throw new NetworkError('ERR_NOT_CONNECTED', 'the connection is closed')
    const id = this.#nextStream
    this.#nextStream += 2
    const settle = Promise.withResolvers<StreamChannel>()
    this.#openings.set(id, { protocol, settle })
    this.#send(0, (other) => other.#onOpen(id, protocol))
    return abortable(settle.promise, signal, () => {
      this.#openings.delete(id)
      this.#send(0, (other) => other.#onReset(id))
      // It may have been agreed to in this very moment. If it was refused instead, nobody is left to be told.
      settle.promise.then(
        (channel) => channel.abort(signal.reason),
        () => undefined,
      )
    })
  }

  async close(reason: string): Promise<void> {
    this.hangUp(reason)
  }

  hangUp(reason: string): void {
    for (const channel of this.#channels) channel.abort(new NetworkError('ERR_CHANNEL_CLOSED', reason))
    this.#send(0, (other) => other.end('the connection was closed'))
    this.end(reason)
  }

  /** The connection is gone, as far as this end knows. */
  end(reason: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const stream of this.#streams.values()) stream.onLost('the connection was lost')
    for (const opening of this.#openings.values()) opening.settle.reject(new NetworkError('ERR_NOT_CONNECTED', reason))
    this.#openings.clear()
    this.#streams.clear()
    this.#owner.closed(this, reason)
  }

  #send(bytes: number, deliver: (other: SimulatedEnd) => void): void {
    const other = this.#other
    if (!this.#isOpen || other === undefined) return
    this.#pipe.push(FRAME_BYTES + bytes, () => {
      if (other.#isOpen) deliver(other)
    })
  }

  #adopt(id: number, protocol: string, direction: 'inbound' | 'outbound'): StreamChannel {
    const wire = new SimulatedStream({
      data: (bytes) => this.#send(bytes.byteLength, (other) => other.#streams.get(id)?.onData(bytes)),
      window: (bytes) => this.#send(0, (other) => other.#streams.get(id)?.onWindow(bytes)),
      end: () => this.#send(0, (other) => other.#streams.get(id)?.onEnd()),
      reset: () => this.#send(0, (other) => other.#onReset(id)),
    })
    const channel = new StreamChannel({ peer: this.link.peer, protocol, direction, wire }, { clock: this.#clock })
    wire.attach(channel)
    this.#streams.set(id, wire)
    this.#channels.add(channel)
    channel.closed.then(() => {
      this.#streams.delete(id)
      this.#channels.delete(channel)
    }, undefined)
    return channel
  }

  #onOpen(id: number, protocol: string): void {
    if (!this.#owner.speaks(protocol)) {
      this.#send(0, (other) => other.#onRefused(id, protocol))
      return
    }
    const channel = this.#adopt(id, protocol, 'inbound')
    this.#send(0, (other) => other.#onAccepted(id))
    this.#owner.accepted(channel, this.link)
  }

  #onAccepted(id: number): void {
    const opening = this.#openings.get(id)
    this.#openings.delete(id)
    opening?.settle.resolve(this.#adopt(id, opening.protocol, 'outbound'))
  }

  #onRefused(id: number, protocol: string): void {
    const opening = this.#openings.get(id)
    this.#openings.delete(id)
    opening?.settle.reject(new NetworkError('ERR_PROTOCOL_UNSUPPORTED', `the peer does not speak ${protocol}`))
  }

  #onReset(id: number): void {
    this.#streams.get(id)?.onLost('the peer reset the stream')
    this.#streams.delete(id)
  }
}
