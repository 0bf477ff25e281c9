import { abortable, type PeerId } from '../../../base/index.ts'
import { relayOf } from '../../addresses.ts'
import type { Carrier, CarrierEvents, Connection } from '../../carrier.ts'
import type { StreamChannel } from '../../channel.ts'
import { NetworkError } from '../../errors.ts'
import { MAX_CONNECTIONS } from '../../stream-transport.ts'
import type { Link } from '../../transport.ts'
import { type EndOwner, SimulatedEnd } from './connection.ts'
import type { SimulatedHost, SimulatedNetwork } from './network.ts'
import type { Pipe } from './pipe.ts'

/** About what a handshake costs on the line, each way. */
const HANDSHAKE_BYTES = 1024

/** Carries `StreamTransport` over a `SimulatedNetwork`. */
export class SimulatedCarrier implements Carrier, SimulatedHost, EndOwner {
  readonly peer: PeerId
  readonly address: string
  readonly #network: SimulatedNetwork
  readonly #protocols = new Set<string>()
  readonly #ends = new Set<SimulatedEnd>()
  #events: CarrierEvents | undefined
  #crashed = false

  constructor(network: SimulatedNetwork, peer: PeerId, address: string) {
    this.#network = network
    this.peer = peer
    this.address = address
  }

  async start(events: CarrierEvents): Promise<void> {
    if (this.#crashed) throw new NetworkError('ERR_LISTEN', 'this peer was killed: make a new transport for it')
    this.#events = events
    this.#network.attach(this)
  }

  async stop(): Promise<void> {
    this.#network.detach(this)
    for (const end of this.#ends) end.hangUp('the network is stopping')
  }

  addresses(): readonly string[] {
    return [this.address]
  }

  async connect(peer: PeerId, address: string, signal: AbortSignal): Promise<Connection> {
    const result = Promise.withResolvers<SimulatedEnd>()
    const refuse = (): void => result.reject(new NetworkError('ERR_UNREACHABLE', 'connection refused'))
    const relay = relayOf(address)
    const where = relay === undefined ? address : this.#network.addressOf(peer)
    const there = this.#network.hostAt(where)
    if (there === undefined || !this.#isUp(relay)) {
      using _answer = this.#network.clock.setTimer(2 * this.#network.latencyMs(), refuse)
      return await abortable(result.promise, signal)
    }
    const toCallee = this.#network.pipe(this.peer, there.peer, relay?.peer)
    const toCaller = this.#network.pipe(there.peer, this.peer, relay?.peer)
    const end = this.#end(peer, 'outbound', address, toCallee)
    const onAnswer = (): void => {
      if (!end.isWhole) {
        refuse()
        return
      }
      if (signal.aborted) end.hangUp('the dial was given up')
      else this.#open(end)
      result.resolve(end)
    }
    toCallee.push(HANDSHAKE_BYTES, () => {
      const callee = this.#network.hostAt(where)
      if (callee === undefined) toCaller.push(HANDSHAKE_BYTES, refuse)
      else if (callee.peer !== peer) {
        const reason = new NetworkError('ERR_WRONG_PEER', 'another peer answered')
        toCaller.push(HANDSHAKE_BYTES, () => result.reject(reason))
      } else if (callee.answer(end, toCaller)) toCaller.push(HANDSHAKE_BYTES, onAnswer)
      else toCaller.push(HANDSHAKE_BYTES, refuse)
    })
    return abortable(result.promise, signal)
  }

  alsoAt(): void {
    // Whoever is up relays for everyone here.
  }

  handle(protocol: string, accept: boolean): void {
    if (accept) this.#protocols.add(protocol)
    else this.#protocols.delete(protocol)
  }

  complaint(): undefined {
    return undefined
  }

  figures(): Readonly<Record<string, number>> {
    return {}
  }

  answer(caller: SimulatedEnd, toCaller: Pipe): boolean {
    if (this.#ends.size >= MAX_CONNECTIONS) return false
    const end = this.#end(caller.self, 'inbound', caller.returnAddress(caller.from), toCaller)
    end.join(caller)
    caller.join(end)
    this.#open(end)
    return true
  }

  ends(): readonly SimulatedEnd[] {
    return [...this.#ends]
  }

  crash(): void {
    this.#crashed = true
    this.#network.detach(this)
    for (const end of this.#ends) end.hangUp('this peer was killed')
  }

  speaks(protocol: string): boolean {
    return this.#protocols.has(protocol)
  }

  accepted(channel: StreamChannel, link: Link): void {
    this.#events?.accepted(channel, link)
  }

  closed(end: SimulatedEnd, reason: string): void {
    this.#ends.delete(end)
    this.#events?.closed(end, reason)
  }

  #end(peer: PeerId, direction: 'inbound' | 'outbound', address: string, pipe: Pipe): SimulatedEnd {
    return new SimulatedEnd(
      { self: this.peer, from: this.address, peer, direction, address, owner: this, pipe },
      this.#network.clock,
    )
  }

  #isUp(relay: { readonly peer: PeerId; readonly address: string } | undefined): boolean {
    return relay === undefined || this.#network.hostAt(relay.address)?.peer === relay.peer
  }

  #open(end: SimulatedEnd): void {
    this.#ends.add(end)
    this.#events?.opened(end)
  }
}
