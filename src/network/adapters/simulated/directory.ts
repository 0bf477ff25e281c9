import { BaseError, type Clock, delay, hexOf, type PeerId } from '../../../base/index.ts'
import { dialableAddresses } from '../../addresses.ts'
import {
  ANNOUNCEMENT_MS,
  DISCOVERY_KEY_BYTES,
  type Discovery,
  FOUND_PEERS_MAX,
  type FoundPeer,
} from '../../discovery.ts'
import { NetworkError } from '../../errors.ts'

/** One question to the directory, there and back. */
const ROUND_TRIP_MS = 40

interface Announcement {
  readonly addresses: readonly string[]
  /** Monotonic. */
  readonly until: number
}

/** A directory for simulated peers: one table that all of them reach, or none. */
export class SimulatedDirectory {
  /** Whether it answers. */
  isUp = true
  readonly #clock: Clock
  readonly #entries = new Map<string, Map<PeerId, Announcement>>()

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock
  }

  /** The directory as one peer uses it. */
  discoveryOf(self: PeerId): Discovery {
    return {
      reach: 0,
      announce: (key, addresses, options = {}) => this.#announce(self, key, addresses, options.signal),
      find: (key, options = {}) => this.#find(self, key, options.signal),
      complaint: () => (this.isUp ? undefined : { reason: 'the directory does not answer', fix: 'Bring it up.' }),
      figures: () => ({ keys: this.#entries.size }),
    }
  }

  async #announce(
    self: PeerId,
    key: Uint8Array,
    addresses: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const name = nameOf(key)
    if (addresses.length === 0) throw new NetworkError('ERR_UNREACHABLE', 'there is no address to announce')
    await this.#ask(signal)
    const announcements = this.#entries.get(name) ?? new Map()
    this.#entries.set(name, announcements)
    announcements.set(self, { addresses, until: this.#clock.monotonic() + ANNOUNCEMENT_MS })
  }

  async *#find(self: PeerId, key: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<FoundPeer> {
    const name = nameOf(key)
    await this.#ask(signal)
    const now = this.#clock.monotonic()
    const live = [...(this.#entries.get(name) ?? [])].filter(([peer, { until }]) => peer !== self && until > now)
    for (const [peer, { addresses }] of live.slice(0, FOUND_PEERS_MAX)) {
      yield { peer, addresses: dialableAddresses(peer, addresses) }
    }
  }

  async #ask(signal: AbortSignal | undefined): Promise<void> {
    await delay(this.#clock, ROUND_TRIP_MS, signal)
    if (!this.isUp) throw new NetworkError('ERR_UNREACHABLE', 'the directory does not answer')
  }
}

function nameOf(key: Uint8Array): string {
  if (key.byteLength === DISCOVERY_KEY_BYTES) return hexOf(key)
  throw new BaseError('ERR_INVALID_ARGUMENT', `a key has ${DISCOVERY_KEY_BYTES} bytes, not ${key.byteLength}`)
}
