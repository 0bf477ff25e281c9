import { type PeerInfo, start, stop } from '@libp2p/interface'
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns'
import { type Clock, isPeerId, type Logger, type PeerId, reasonOf } from '../../../base/index.ts'
import { dialableAddresses } from '../../addresses.ts'

/** Peers remembered on one local network; further ones are ignored until some have fallen silent. */
const LAN_PEERS = 256
/** A peer that keeps answering is told again after this time, so that a listener which came late hears of it. */
const REPEAT_AFTER_MS = 60_000
/** New addresses of one peer are told no more often than this. */
const CHANGE_AFTER_MS = 5_000
const FORGET_AFTER_MS = 120_000

export interface LanDiscoveryInit {
  readonly service: string
  readonly onPeer: (peer: PeerId, addresses: readonly string[]) => void
}

interface Told {
  readonly addresses: string
  readonly at: number
}

/**
 * Multicast DNS. What it hears is unsigned and may be made up: it is a hint where to dial, no more.
 * Kept out of libp2p's own discovery hook, which would store every peer that anyone on the network cares to announce.
 */
export class LanDiscovery {
  readonly #mdns: ReturnType<ReturnType<typeof mdns>> & { mdns?: NodeJS.EventEmitter }
  readonly #init: LanDiscoveryInit
  readonly #clock: Clock
  readonly #log: Logger
  readonly #told = new Map<PeerId, Told>()
  #problem: string | undefined
  #ignored = 0

  constructor(
    init: LanDiscoveryInit,
    components: MulticastDNSComponents & { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#init = init
    this.#clock = components.clock
    this.#log = components.log
    this.#mdns = mdns({ serviceTag: init.service })(components)
    this.#mdns.addEventListener('peer', ({ detail }) => this.#heard(detail))
  }

  get ignored(): number {
    return this.#ignored
  }

  /** Why nothing may be heard, if something went wrong. */
  get problem(): string | undefined {
    return this.#problem
  }

  async start(): Promise<void> {
    this.#problem = undefined
    try {
      await start(this.#mdns)
    } catch (error) {
      this.#complain(error)
    }
    // Stays attached when the library takes its own listeners off, so that a late socket error has somewhere to go.
    this.#mdns.mdns?.on('error', (error: unknown) => this.#complain(error))
    this.#mdns.mdns?.on('warning', (error: unknown) => this.#log.debug({ reason: reasonOf(error) }, 'mDNS warning'))
  }

  async stop(): Promise<void> {
    this.#told.clear()
    try {
      await stop(this.#mdns)
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'mDNS did not stop cleanly')
    }
  }

  #complain(error: unknown): void {
    this.#problem = reasonOf(error)
    this.#log.warn({ reason: this.#problem }, 'mDNS does not work')
  }

  #heard(info: PeerInfo): void {
    const peer = info.id.toString()
    const addresses = isPeerId(peer) ? dialableAddresses(peer, info.multiaddrs.map(String)) : []
    if (!isPeerId(peer) || addresses.length === 0) return void this.#ignored++
    const now = this.#clock.monotonic()
    const last = this.#told.get(peer)
    const wait = last?.addresses === addresses.join() ? REPEAT_AFTER_MS : CHANGE_AFTER_MS
    if (last !== undefined && now - last.at < wait) return
    if (last === undefined && !this.#hasRoom(now)) return void this.#ignored++
    this.#told.set(peer, { addresses: addresses.join(), at: now })
    this.#init.onPeer(peer, addresses)
  }

  #hasRoom(now: number): boolean {
    if (this.#told.size < LAN_PEERS) return true
    for (const [peer, { at }] of this.#told) if (now - at > FORGET_AFTER_MS) this.#told.delete(peer)
    return this.#told.size < LAN_PEERS
  }
}
