import type { Component, PeerId } from '../base/index.ts'

/** Keys of a `Discovery` have so many bytes; they must look random. */
export const DISCOVERY_KEY_BYTES = 32
/** Peers that one search brings at most. */
export const FOUND_PEERS_MAX = 64
/** An announcement is forgotten after this time. */
export const ANNOUNCEMENT_MS: number = 24 * 60 * 60 * 1000

export interface FoundPeer {
  readonly peer: PeerId
  /** Multiaddr strings, unverified: dialling proves who answers. */
  readonly addresses: readonly string[]
}

/**
 * A directory outside of any space, run by strangers: under a key, peers tell where they are. Whoever knows a key sees all who
 * announced under it, and anyone may announce under any key, so what is found is a hint where to dial and nothing else.
 * Adapters: libp2p's Kademlia, simulated; both pass test/acceptance/discovery.ts.
 */
export interface Discovery extends Component {
  /** Tells our addresses under `key`. Rejects: `ERR_UNREACHABLE`, `ERR_TIMEOUT`, `ERR_LIFECYCLE`. */
  announce(key: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Whoever announced under `key`, each once, as they are found. Ends after a while; the caller may end it sooner. Rejects like `announce`. */
  find(key: Uint8Array, options?: { readonly signal?: AbortSignal }): AsyncIterable<FoundPeer>
}
