import { type Clock, jitter, type Logger, type PeerId, type Random } from '../../../base/index.ts'
import type { SimulatedEnd } from './connection.ts'
import { Pipe } from './pipe.ts'

export interface SimulatedNetworkInit {
  /** One way, on average. Default 5. */
  readonly latencyMs?: number
  /** How far a single packet may be off, as a fraction of the latency. Default 0.5. */
  readonly latencySpread?: number
  /** Of each direction of a connection. Default: no limit. */
  readonly bytesPerSecond?: number
}

export interface SimulatedNetworkComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** A peer as the network sees it. */
export interface SimulatedHost {
  readonly peer: PeerId
  /** Where it answers. */
  readonly address: string
  /** Answers a call with an end of its own, or not at all. */
  answer(caller: SimulatedEnd, toCaller: Pipe): boolean
  ends(): readonly SimulatedEnd[]
  crash(): void
}

/**
 * Peers, the lines between them, and what can go wrong with them, in one process. With a `VirtualClock` and a seeded
 * `Random` a run repeats exactly.
 */
export class SimulatedNetwork {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly #latencyMs: number
  readonly #latencySpread: number
  readonly #bytesPerSecond: number
  readonly #addresses = new Map<PeerId, string>()
  readonly #extraMs = new Map<string, number>()
  readonly #hosts = new Map<string, SimulatedHost>()
  readonly #partitions = new Set<string>()
  readonly #frozen = new Set<PeerId>()
  readonly #held = new Set<Pipe>()

  constructor(init: SimulatedNetworkInit, components: SimulatedNetworkComponents) {
    this.clock = components.clock
    this.random = components.random
    this.log = components.log
    this.#latencyMs = init.latencyMs ?? 5
    this.#latencySpread = init.latencySpread ?? 0.5
    this.#bytesPerSecond = init.bytesPerSecond ?? Number.POSITIVE_INFINITY
  }

  /** The address of a peer, the same after a restart: `/ip4/10.x.y.z/tcp/4001`. */
  addressOf(peer: PeerId): string {
    const known = this.#addresses.get(peer)
    if (known !== undefined) return known
    const number = this.#addresses.size + 1
    const address = `/ip4/10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}/tcp/4001`
    this.#addresses.set(peer, address)
    return address
  }

  attach(host: SimulatedHost): void {
    this.#hosts.set(host.address, host)
  }

  detach(host: SimulatedHost): void {
    if (this.#hosts.get(host.address) === host) this.#hosts.delete(host.address)
  }

  hostAt(address: string): SimulatedHost | undefined {
    return this.#hosts.get(address)
  }

  /** A new line from one peer to another, or over a third. */
  pipe(from: PeerId, to: PeerId, via?: PeerId): Pipe {
    const stops = via === undefined ? [from, to] : [from, via, to]
    const holds = (pipe: Pipe): boolean => {
      const isCut = stops.some((stop, index) => this.#partitions.has(wayKey(stops[index - 1] ?? stop, stop)))
      const held = isCut || stops.some((stop) => this.#frozen.has(stop))
      if (held) this.#held.add(pipe)
      return held
    }
    const latencyMs = (): number =>
      this.latencyMs() * (stops.length - 1) + (this.#extraMs.get(wayKey(from, to)) ?? 0) * this.random.unit()
    return new Pipe({ latencyMs, bytesPerSecond: this.#bytesPerSecond, holds }, this.clock)
  }

  latencyMs(): number {
    return jitter(this.random, this.#latencyMs, this.#latencySpread)
  }

  /** From now on nothing gets from one side to the other, or from the left to the right alone; nobody is told. */
  partition(left: readonly PeerId[], right: readonly PeerId[], options: { readonly oneWay?: boolean } = {}): void {
    for (const a of left) {
      for (const b of right) {
        this.#partitions.add(wayKey(a, b))
        if (options.oneWay !== true) this.#partitions.add(wayKey(b, a))
      }
    }
  }

  /** What goes from one peer to another takes up to so much longer; 0 ends that. */
  slow(from: PeerId, to: PeerId, extraMs: number): void {
    if (extraMs > 0) this.#extraMs.set(wayKey(from, to), extraMs)
    else this.#extraMs.delete(wayKey(from, to))
  }

  /** Ends all partitions; what was held back arrives. */
  heal(): void {
    this.#partitions.clear()
    this.#release()
  }

  /** The peer neither sends nor receives, and keeps its connections, as a process that was stopped. */
  freeze(peer: PeerId): void {
    this.#frozen.add(peer)
  }

  thaw(peer: PeerId): void {
    this.#frozen.delete(peer)
    this.#release()
  }

  /** Ends the connections between two peers at once, on both sides. */
  cut(a: PeerId, b: PeerId, reason = 'the line was cut'): void {
    const ends = [...this.#hosts.values()].flatMap((host) => host.ends())
    for (const end of ends) if (pairKey(end.self, end.link.peer) === pairKey(a, b)) end.end(reason)
  }

  /**
   * The peer is gone without a word of its own; its operating system closes the connections. Of two with one key, the one at
   * `address`, by default at the address that the network gave this peer.
   */
  kill(peer: PeerId, address: string = this.addressOf(peer)): void {
    this.#hosts.get(address)?.crash()
    const ends = [...this.#hosts.values()].flatMap((host) => host.ends())
    for (const end of ends) if (end.link.via === peer) end.end('the relay is gone')
  }

  #release(): void {
    const held = [...this.#held]
    this.#held.clear()
    for (const pipe of held) pipe.release()
  }
}

function wayKey(from: PeerId, to: PeerId): string {
  return `${from} ${to}`
}

function pairKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
