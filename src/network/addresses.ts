import type { PeerId } from '../base/index.ts'

/** Addresses kept, told and tried per peer. */
export const ADDRESSES_PER_PEER = 8
/** Longer texts are not taken for addresses. */
export const ADDRESS_MAX_CHARS = 256

const WITH_PEER = /^(?<address>.*)\/p2p\/(?<peer>[^/]+)$/

/** Splits `/ip4/.../tcp/4001/p2p/<peer>` into the address proper and the peer it names. */
export function splitAddress(text: string): { readonly address: string; readonly peer: string | undefined } {
  const { address, peer } = WITH_PEER.exec(text)?.groups ?? {}
  return { address: address ?? text, peer }
}

export function joinAddress(address: string, peer: PeerId): string {
  return `${splitAddress(address).address}/p2p/${peer}`
}

/** What can be tried of `texts`: each once, in their order, without a peer id, at most `ADDRESSES_PER_PEER`. */
export function dialableAddresses(peer: PeerId, texts: readonly string[]): readonly string[] {
  const kept = new Set<string>()
  for (const text of texts) {
    const named = splitAddress(text)
    const fits = text.length <= ADDRESS_MAX_CHARS && named.address.startsWith('/')
    if (fits && (named.peer === undefined || named.peer === peer)) kept.add(named.address)
    if (kept.size === ADDRESSES_PER_PEER) break
  }
  return [...kept]
}

const LOOPBACK = /^\/(?:ip4\/127\.|ip6\/::1\/)/

/**
 * What to tell others of the addresses we listen at: the loopback ones only if there are no others, because elsewhere
 * they lead to whoever listens there.
 */
export function announced(addresses: readonly string[]): readonly string[] {
  const reachable = addresses.filter((address) => !LOOPBACK.test(address))
  return reachable.length > 0 ? reachable : addresses
}
