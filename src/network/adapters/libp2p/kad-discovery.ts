import {
  BaseError,
  type Clock,
  isPeerId,
  jitter,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  shortPeerId,
  type Timer,
  whenAborted,
} from '../../../base/index.ts'
import { announced, reachOf, splitAddress } from '../../addresses.ts'
import { DISCOVERY_KEY_BYTES, type Discovery, FOUND_PEERS_MAX, type FoundPeer } from '../../discovery.ts'
import { NetworkError } from '../../errors.ts'
import { dialError } from './dial-errors.ts'
import type { ExtraComponents, Libp2pExtra } from './extra.ts'
import type { KadService, KadServiceInit } from './kad-service.ts'

/** A search or an announcement, from start to end. */
export const OPERATION_TIMEOUT_MS = 30_000
export const BOOTSTRAP_MAX = 32
/** How often we look whether a bootstrap peer must be dialled; after a failure the wait doubles up to the maximum. */
const LOOK_FIRST_MS = 5_000
const LOOK_MAX_MS: number = 10 * 60 * 1000
const DIAL_TIMEOUT_MS = 10_000

export interface KadDiscoveryInit {
  /** Multiaddrs with the peer id at the end: where to begin. */
  readonly bootstrap: readonly string[]
  /** Keep announcements of others and answer their questions: for peers that anyone can reach. Default false. */
  readonly server?: boolean
  /** Keep a link to a bootstrap peer, also while the directory needs none. Default false. */
  readonly stayLinked?: boolean
}

export interface KadDiscoveryComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/**
 * Discovery over libp2p's Kademlia, to be passed to `libp2pTransport` as an extra (docs/specs/discovery.md). Throws
 * `ERR_INVALID_ARGUMENT` for a bootstrap address without a peer id.
 */
export function kadDiscovery(init: KadDiscoveryInit): (components: KadDiscoveryComponents) => KadDiscovery {
  return (components) => new KadDiscovery(init, components)
}

export class KadDiscovery implements Discovery, Libp2pExtra {
  readonly name = 'discovery'
  readonly #init: KadDiscoveryInit
  readonly #bootstrap: readonly { readonly peer: PeerId; readonly address: string }[]
  readonly #use: KadDiscoveryComponents
  readonly #counts = { announced: 0, searches: 0, unanswered: 0 }
  #listening: () => readonly string[] = () => []
  #kad: KadService | undefined
  #running: AbortController | undefined
  #timer: Timer | undefined
  /** Why the last dial of a bootstrap peer failed. */
  #failure: string | undefined

  constructor(init: KadDiscoveryInit, components: KadDiscoveryComponents) {
    this.#init = init
    this.#bootstrap = init.bootstrap
      .slice(0, BOOTSTRAP_MAX)
      .map((address) => ({ address, peer: bootstrapPeer(address) }))
    this.#use = components
  }

  /** That of the addresses where it begins; the first of a directory knows by where it listens. */
  get reach(): 0 | 1 | 2 {
    const { bootstrap } = this.#init
    const reaches = (bootstrap.length > 0 ? bootstrap : announced(this.#listening())).map(reachOf)
    return [0, 1, 2].find((reach): reach is 0 | 1 | 2 => reaches.includes(reach as 0)) ?? 0
  }

  async load(): Promise<(components: ExtraComponents) => KadService> {
    const { KadService } = await import('./kad-service.ts')
    return (components) => {
      this.#listening = () => components.transportManager.getAddrs().map(String)
      const init: KadServiceInit = {
        server: this.#init.server === true,
        reach: () => this.reach,
        onStart: (kad) => this.#begin(kad),
        onStop: () => this.#end(),
      }
      return new KadService(init, components, this.#use)
    }
  }

  async announce(
    key: Uint8Array,
    addresses: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const kad = this.#usable(key)
    if (addresses.length === 0) throw new NetworkError('ERR_UNREACHABLE', 'there is no address to announce')
    using deadline = this.#deadline(options.signal)
    try {
      if ((await kad.announce(key, addresses, deadline.signal)) === 0) throw this.#unreachable()
      this.#counts.announced++
    } catch (error) {
      throw this.#failed(error, options.signal)
    }
  }

  async *find(key: Uint8Array, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<FoundPeer, void> {
    const kad = this.#usable(key)
    using deadline = this.#deadline(options.signal)
    const found = new Set<PeerId>()
    let answered = this.#init.server === true
    this.#counts.searches++
    try {
      for await (const batch of kad.find(key, deadline.signal)) {
        answered = true
        for (const one of batch) {
          if (found.has(one.peer)) continue
          yield one
          if (found.add(one.peer).size === FOUND_PEERS_MAX) return
        }
      }
      if (!answered) throw this.#unreachable()
    } catch (error) {
      // The time is over; what came was what there is.
      if (answered && deadline.signal.aborted && options.signal?.aborted !== true) return
      throw this.#failed(error, options.signal)
    }
  }

  complaint(): { readonly reason: string; readonly fix: string } | undefined {
    if (this.#kad === undefined || this.#kad.servers > 0 || this.#bootstrap.length === 0) return undefined
    const why = this.#failure === undefined ? '' : `: ${this.#failure}`
    return {
      reason: `no peer of the directory answers${why}`,
      fix: 'Check that the bootstrap peers run and can be reached, or name others with `plexus up --bootstrap ADDR`.',
    }
  }

  figures(): Readonly<Record<string, number>> {
    return { ...this.#counts, ...this.#kad?.figures() }
  }

  #begin(kad: KadService): void {
    this.#kad = kad
    this.#running = new AbortController()
    this.#failure = undefined
    if (this.#bootstrap.length > 0) this.#look(kad, this.#running.signal, LOOK_FIRST_MS)
  }

  #end(): void {
    this.#running?.abort(new BaseError('ERR_LIFECYCLE', 'the network is stopping'))
    this.#timer?.cancel()
    this.#kad = undefined
    this.#running = undefined
  }

  /** Dials bootstrap peers in turn while we know none of the directory; looks again after a while. */
  #look(kad: KadService, signal: AbortSignal, waitMs: number): void {
    const again = (nextMs: number): void => {
      if (signal.aborted) return
      this.#timer = this.#use.clock.setTimer(jitter(this.#use.random, waitMs), () => this.#look(kad, signal, nextMs))
    }
    const isLinked = this.#bootstrap.some(({ peer }) => kad.isLinked(peer))
    if (isLinked || (kad.servers > 0 && this.#init.stayLinked !== true)) {
      again(LOOK_FIRST_MS)
      return
    }
    this.#dialAny(kad, signal).then(
      () => again(LOOK_FIRST_MS),
      (error: unknown) => {
        this.#failure = reasonOf(error)
        this.#use.log.debug({ reason: this.#failure }, 'no bootstrap peer could be reached')
        again(Math.min(2 * waitMs, LOOK_MAX_MS))
      },
    )
  }

  /** Rejects with the last failure. */
  async #dialAny(kad: KadService, signal: AbortSignal): Promise<void> {
    const { clock } = this.#use
    let failure: unknown
    for (const { address, peer } of this.#bootstrap) {
      const timeout = new AbortController()
      using _timer = clock.setTimer(DIAL_TIMEOUT_MS, () =>
        timeout.abort(new NetworkError('ERR_TIMEOUT', `bootstrap peer ${shortPeerId(peer)} does not answer`)),
      )
      try {
        await kad.connect(address, AbortSignal.any([signal, timeout.signal]))
        this.#failure = undefined
        return
      } catch (error) {
        signal.throwIfAborted()
        failure = dialError(error)
      }
    }
    throw failure
  }

  #usable(key: Uint8Array): KadService {
    if (key.byteLength !== DISCOVERY_KEY_BYTES) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `a key has ${DISCOVERY_KEY_BYTES} bytes, not ${key.byteLength}`)
    }
    if (this.#kad === undefined) throw new BaseError('ERR_LIFECYCLE', 'the network is not running')
    return this.#kad
  }

  #deadline(signal: AbortSignal | undefined): Disposable & { readonly signal: AbortSignal } {
    const stop = new AbortController()
    const resources = new DisposableStack()
    const late = new NetworkError('ERR_TIMEOUT', `the directory took longer than ${OPERATION_TIMEOUT_MS} ms`)
    resources.use(this.#use.clock.setTimer(OPERATION_TIMEOUT_MS, () => stop.abort(late)))
    resources.use(whenAborted(signal, (reason) => stop.abort(reason)))
    resources.use(whenAborted(this.#running?.signal, (reason) => stop.abort(reason)))
    return { signal: stop.signal, [Symbol.dispose]: () => resources.dispose() }
  }

  #failed(error: unknown, signal: AbortSignal | undefined): unknown {
    signal?.throwIfAborted()
    this.#counts.unanswered++
    if (error instanceof NetworkError) return error
    return this.#unreachable(error)
  }

  #unreachable(cause?: unknown): NetworkError {
    const { reason, fix } = this.complaint() ?? { reason: 'no peer of the directory answered', fix: undefined }
    return new NetworkError('ERR_UNREACHABLE', reason, { cause, fix })
  }
}

/** Throws `ERR_INVALID_ARGUMENT` unless the address ends with the id of a peer: whoever answers must be that peer. */
function bootstrapPeer(text: string): PeerId {
  const { address, peer } = splitAddress(text)
  if (peer !== undefined && isPeerId(peer) && address.startsWith('/')) return peer
  throw new BaseError('ERR_INVALID_ARGUMENT', `not the address of a bootstrap peer: ${JSON.stringify(text)}`, {
    fix: 'Give it as `plexus status --json` shows it there: /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo...',
  })
}
