import { isPeerId, type PeerId } from '../base/index.ts'

/** Addresses kept, told and tried per peer. */
export const ADDRESSES_PER_PEER = 8
/** Of these, at most so many lead through relays. */
export const RELAYED_ADDRESSES_PER_PEER = 3
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

/** What can be tried of `texts`: each once, without a peer id; direct ones first, otherwise in their order. */
export function dialableAddresses(peer: PeerId, texts: readonly string[]): readonly string[] {
  const kept = new Set<string>()
  for (const text of texts) {
    const named = splitAddress(text)
    const fits = text.length <= ADDRESS_MAX_CHARS && named.address.startsWith('/')
    if (fits && (named.peer === undefined || named.peer === peer)) kept.add(named.address)
  }
  return fewAddresses([...kept])
}

/** At most `ADDRESSES_PER_PEER`, direct ones first, the first of each kind. */
export function fewAddresses(addresses: readonly string[]): readonly string[] {
  const relayed = addresses.filter(isRelayed).slice(0, RELAYED_ADDRESSES_PER_PEER)
  const direct = addresses.filter((address) => !isRelayed(address))
  return [...direct.slice(0, ADDRESSES_PER_PEER - relayed.length), ...relayed]
}

const LOOPBACK = /^\/(?:ip4\/127\.|ip6\/::1\/)/
/** Private, link-local and shared address space (RFC 1918, 3927, 4193, 4291, 6598). */
const PRIVATE =
  /^\/(?:ip4\/(?:10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|ip6\/(?:f[cd]|fe[89ab]))/i

/** 0: this machine only, 1: some network, 2: anywhere. */
export function reachOf(address: string): 0 | 1 | 2 {
  if (LOOPBACK.test(address)) return 0
  return PRIVATE.test(address) ? 1 : 2
}

/** Those that lead furthest first, otherwise in their order. */
export function widestFirst(addresses: readonly string[]): readonly string[] {
  return addresses.toSorted((a, b) => reachOf(b) - reachOf(a))
}

/**
 * What to tell others of the addresses we listen at: the loopback ones only if there are no others, because elsewhere
 * they lead to whoever listens there.
 */
export function announced(addresses: readonly string[]): readonly string[] {
  const reachable = addresses.filter((address) => reachOf(address) > 0)
  return reachable.length > 0 ? reachable : addresses
}

const CIRCUIT = '/p2p-circuit'

/** Whether the address leads through another peer. */
export function isRelayed(address: string): boolean {
  return address.includes(CIRCUIT)
}

/** Where a peer is that `relay`, found at `address`, relays for. */
export function relayedAddress(address: string, relay: PeerId): string {
  return `${joinAddress(address, relay)}${CIRCUIT}`
}

/** The relay of an address, and where that is. `undefined` for a direct address, and for one that names no Ed25519 peer. */
export function relayOf(address: string): { readonly peer: PeerId; readonly address: string } | undefined {
  const [relay, rest] = address.split(CIRCUIT)
  if (relay === undefined || rest === undefined) return undefined
  const { address: where, peer } = splitAddress(relay)
  return peer !== undefined && isPeerId(peer) ? { peer, address: where } : undefined
}
