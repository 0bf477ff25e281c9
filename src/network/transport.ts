import type { Component, Events, PeerId } from '../base/index.ts'

/** The largest single `send` that a channel accepts, in bytes. */
export const CHANNEL_MAX_WRITE_BYTES: number = 256 * 1024
/** About how much unread input a channel holds before the peer must wait, in bytes; the muxer's window is not counted. */
export const CHANNEL_READ_BUFFER_BYTES: number = 1024 * 1024

export type LinkKind = 'direct' | 'relayed'

/** A live, authenticated connection to a peer. */
export interface Link {
  readonly peer: PeerId
  readonly kind: LinkKind
  readonly direction: 'inbound' | 'outbound'
  /** The address in use, as a multiaddr string. */
  readonly address: string
  /** `tls`, `noise`, or `simulated`. */
  readonly encryption: string
  /** Wall clock, milliseconds since 1970. */
  readonly since: number
  /** The peer that relays a relayed link. It sees sizes and times, and nothing of what is said. */
  readonly via?: PeerId
  /** Why the link is relayed, in words. */
  readonly reason?: string
}

/**
 * An ordered, reliable, two-way byte stream with one peer. Message boundaries are not kept: users frame.
 */
export interface Channel extends AsyncDisposable {
  readonly peer: PeerId
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  /**
   * Real back-pressure: resolves once the peer's window and our write buffer have room for more. Writes are kept in
   * order even when not awaited, up to a bound (`ERR_OVERLOADED`). Rejects with `ERR_CHANNEL_CLOSED` when the channel ends
   * first. `bytes` must not be changed afterwards.
   */
  send(bytes: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * The next chunk, or `undefined` at the end of the stream, which only the peer's own `close` brings about. One reader
   * at a time. Rejects with `ERR_CHANNEL_CLOSED` if the channel was reset or its connection is gone.
   */
  read(options?: { readonly signal?: AbortSignal }): Promise<Uint8Array | undefined>
  /** Ends our side after what was sent; the peer may still send. Never rejects: what could not be sent, its `send` says. */
  close(): Promise<void>
  /** Resets the stream in both directions at once. */
  abort(reason: Error): void
  /** Settles when the channel is closed in both directions; never rejects. */
  readonly closed: Promise<void>
}

export interface HandleOptions {
  /** Streams of this protocol that one peer may hold open towards us. The excess is reset. */
  readonly maxInboundStreams: number
  /** Reset what comes over a relayed link. Default false. */
  readonly directOnly?: boolean
}

export interface DialOptions {
  readonly signal?: AbortSignal
  /** Do not be content with a relayed link: try for a direct one beside it. Default false. */
  readonly direct?: boolean
  /** A connection of its own whatever links there are, to see whether the address leads there. It is closed unless it is used. */
  readonly anew?: boolean
}

export interface TransportEvents {
  /** The first connection to a peer is up; its identity is proven. */
  'peer:connect': Link
  /** The last connection to a peer is gone. */
  'peer:disconnect': { readonly peer: PeerId; readonly reason: string }
  /** A peer that stays linked is reached another way now: no longer through a relay, or only through one. */
  'link:changed': { readonly link: Link; readonly previous: Link }
  /** A peer was seen (mDNS or another discovery) but is not connected. */
  'peer:discovered': { readonly peer: PeerId; readonly addresses: readonly string[]; readonly by: string }
  /** The addresses we can be reached at changed. */
  'self:addresses': { readonly addresses: readonly string[] }
}

/**
 * The narrow waist between Plexus and whatever carries its bytes. Adapters: libp2p, simulated; both pass
 * test/acceptance/transport.ts. A peer id of a `Channel` or `Link` is always proven by the handshake.
 */
export interface Transport extends Component {
  readonly self: PeerId
  readonly events: Events<TransportEvents>
  /** Where we can be reached, as multiaddr strings including `/p2p/<self>`: directly, best first, then through relays. */
  addresses(): readonly string[]
  links(): readonly Link[]
  /**
   * Connects to `peer` at one of the addresses (tried in parallel, relays last, bounded); returns the existing link if there is one.
   * Rejects: `ERR_UNREACHABLE` (with each address's reason), `ERR_WRONG_PEER` when another identity answers, `ERR_TIMEOUT`,
   * `ERR_OVERLOADED`.
   */
  dial(peer: PeerId, addresses: readonly string[], options?: DialOptions): Promise<Link>
  /** A stream on the existing link. Rejects: `ERR_NOT_CONNECTED`, `ERR_PROTOCOL_UNSUPPORTED`, `ERR_TIMEOUT`, `ERR_OVERLOADED`. */
  open(peer: PeerId, protocol: string, options?: { readonly signal?: AbortSignal }): Promise<Channel>
  /** Registers the handler of a protocol. A handler that throws resets its channel and is logged. */
  handle(protocol: string, options: HandleOptions, handler: (channel: Channel) => Promise<void>): Disposable
  /** Where we can be reached besides where we listen. Replaces what was said before. */
  alsoAt(addresses: readonly string[]): void
  /** Closes all connections to a peer. */
  disconnect(peer: PeerId, reason: string): Promise<void>
}
