import type { PeerId } from '../base/index.ts'

/** Keys of a `Discovery` have so many bytes; they must look random. */
export const DISCOVERY_KEY_BYTES = 32
/** Peers that one search brings at most. */
export const FOUND_PEERS_MAX = 64
/** An announcement is forgotten after this time. */
export const ANNOUNCEMENT_MS: number = 24 * 60 * 60 * 1000

export interface FoundPeer {
  readonly peer: PeerId
  /** Multiaddr strings without a peer id, unverified: dialling proves who answers. */
  readonly addresses: readonly string[]
}

/**
 * A directory outside of any space, kept by strangers: under a key, peers tell where they are. Whoever knows a key sees all who
 * announced under it, and anyone may announce under any key, so what is found is a hint where to dial and nothing else.
 * Adapters: libp2p's Kademlia, simulated; both pass test/acceptance/discovery.ts.
 */
export interface Discovery {
  /**
   * Tells `addresses` as ours under `key`, for `ANNOUNCEMENT_MS`. Resolves once somebody was told. Rejects with
   * `NetworkError`: `ERR_UNREACHABLE` when nobody did or there is no address, `ERR_TIMEOUT`.
   */
  announce(key: Uint8Array, addresses: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * Others that announced under `key`, each once, as they are found; ends by itself within a minute. Rejects like `announce`
   * when nobody could be asked.
   */
  find(key: Uint8Array, options?: { readonly signal?: AbortSignal }): AsyncIterable<FoundPeer>
  /** The narrowest reach of an address that is of use to others there, see `reachOf`. */
  readonly reach: 0 | 1 | 2
  /** Why the directory cannot be used at present. */
  complaint(): { readonly reason: string; readonly fix: string } | undefined
  figures(): Readonly<Record<string, number>>
}
