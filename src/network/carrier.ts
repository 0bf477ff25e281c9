import { type PeerId, shortPeerId } from '../base/index.ts'
import type { StreamChannel } from './channel.ts'
import type { Link } from './transport.ts'

/** One authenticated connection that an adapter brought up. */
export interface Connection {
  readonly link: Link
  /** Open channels on it, of both directions. */
  readonly channels: number
  /** Rejects: `ERR_PROTOCOL_UNSUPPORTED`, `ERR_NOT_CONNECTED`, `ERR_OVERLOADED`, or with the signal's reason. */
  openChannel(protocol: string, signal: AbortSignal): Promise<StreamChannel>
  /** Resets the channels and tells the peer. Settles in bounded time and never rejects. */
  close(reason: string): Promise<void>
}

/** What an adapter tells the transport that stands on it. */
export interface CarrierEvents {
  /** A connection is up, dialled by us or by the peer. */
  opened(connection: Connection): void
  closed(connection: Connection, reason: string): void
  /** The peer opened a stream of a protocol that is handled. */
  accepted(channel: StreamChannel, link: Link): void
  discovered(peer: PeerId, addresses: readonly string[], by: string): void
}

/**
 * What an adapter has to bring: connections and streams of one kind of network. All that is the same for every
 * network (dialling, links, limits, handlers, the life of a channel) is `StreamTransport`, `Dialer` and `StreamChannel`.
 */
export interface Carrier {
  /** Listens and, if so configured, looks for peers. Rejects: `ERR_LISTEN`, `ERR_ADDRESS_IN_USE`. */
  start(events: CarrierEvents): Promise<void>
  stop(): Promise<void>
  /** Without the peer id at the end. */
  addresses(): readonly string[]
  /** Rejects with a `NetworkError` whose message is the reason, in a few words. */
  connect(peer: PeerId, address: string, signal: AbortSignal): Promise<Connection>
  /**
   * A direct connection beside a relayed one that the peer opened, from both ends at the same moment. Rejects with a
   * `NetworkError` whose message is the reason. Left out by carriers that know no such thing.
   */
  punch?(relayed: Connection, signal: AbortSignal): Promise<Connection>
  /** Where we can be reached through relays; circuits are accepted from these relays only. */
  alsoAt(addresses: readonly string[]): void
  /** From now on, accepts or refuses streams of `protocol`. */
  handle(protocol: string, accept: boolean): void
  /** What works only in part, in words, and what to do about it. */
  complaint(): { readonly reason: string; readonly fix: string } | undefined
  /** Counters worth showing. */
  figures(): Readonly<Record<string, number>>
}

/** Why a link is relayed: the same words from every carrier. */
export function relayedReason(relay: PeerId): string {
  return `no direct connection could be made; peer ${shortPeerId(relay)} relays`
}
