import type { Component, Events, OverflowPolicy, PeerId } from '../base/index.ts'
import type { Link, LinkKind } from '../network/index.ts'

export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** Four kept streams per peer and direction; the scheduler maps priorities onto them. */
export const LANES = ['control', 'critical', 'normal', 'bulk'] as const
export type Lane = (typeof LANES)[number]

/** The largest body of one message, in bytes. */
export const MESSAGE_MAX_BYTES: number = 512 * 1024
export const TOPIC_MAX_CHARS = 200
export const REQUEST_TIMEOUT_MS = 10_000

/** What arrives at subscribers and handlers. */
export interface Message {
  readonly kind: string
  /** Empty for messages to one peer. */
  readonly topic: string
  /** 32 hexadecimal digits. */
  readonly id: string
  /** Proven: by the channel, or by its signature if others brought it. */
  readonly from: PeerId
  readonly priority: Priority
  readonly hlc: number
  readonly ttlMs: number
  /** W3C traceparent or empty. */
  readonly trace: string
  /** Possibly a view of some more memory: whoever keeps it for long keeps a copy. Not to be changed. */
  readonly body: Uint8Array
}

export type MessageHandler = (message: Message) => void | Promise<void>

export interface SendOptions {
  readonly priority?: Priority
  /** Dropped before sending when older; default 30 s. */
  readonly ttlMs?: number
  readonly trace?: string
  /** To one peer: only over lanes of our own, in order, and not through another member. Default false. */
  readonly direct?: boolean
  readonly signal?: AbortSignal
}

export interface PublishReport {
  /** Peers whose lane took the message; in a large group, those who pass it on. */
  readonly sent: number
  readonly skipped: readonly { readonly peer: PeerId; readonly reason: string }[]
}

export interface SubscribeOptions {
  /** Only these kinds; all when absent. */
  readonly kinds?: readonly string[]
  readonly filter?: (message: Message) => boolean
  /** Default 1,024. */
  readonly capacity?: number
  /** Default `drop-oldest`. */
  readonly overflow?: OverflowPolicy
}

export interface Subscription extends AsyncIterable<Message>, Disposable {
  readonly pattern: string
  /** Counters since the subscription began. */
  readonly delivered: number
  readonly dropped: number
  readonly failed: number
}

export interface RequestContext {
  readonly from: PeerId
  /** Aborts when the asker cancels, its deadline passes or, unless it may ask again, the link is lost. */
  readonly signal: AbortSignal
  /** W3C traceparent of this answer, for the requests that it needs itself; empty when the asker sent none. */
  readonly trace: string
}

/** Returns the answer, or yields parts of a streamed one. A throw becomes an error answer with the code and message of a PlexusError, else a generic one. */
export type Responder = (body: Uint8Array, context: RequestContext) => Promise<Uint8Array> | AsyncIterable<Uint8Array>

export interface RequestOptions extends SendOptions {
  /** Default REQUEST_TIMEOUT_MS. */
  readonly timeoutMs?: number
}

export interface SingleRequestOptions extends RequestOptions {
  /**
   * Outlives a lost link: asked when the peer becomes ready or another member reaches it, and again after each loss, until the
   * deadline. The responder runs at most once while the other peer runs. The answer is single, not in parts.
   */
  readonly repeatable?: boolean
}

export interface QueryOptions extends RequestOptions {
  /** Stop once so many have answered; default: wait for all or the deadline. */
  readonly enough?: number
}

export interface QueryAnswer {
  readonly peer: PeerId
  readonly body: Uint8Array
  readonly elapsedMs: number
}

export interface QueryResult {
  readonly answers: readonly QueryAnswer[]
  readonly coverage: {
    readonly asked: number
    readonly answered: number
    readonly failed: readonly { readonly peer: PeerId; readonly reason: string }[]
    /** Asked, and silent when the deadline passed. */
    readonly silent: readonly PeerId[]
  }
}

/**
 * `suspected`: lanes are up, but it has fallen silent. `reachable`: there are no lanes, and another member passes on what we
 * send.
 */
export type LinkState = 'ready' | 'suspected' | 'reachable' | 'connecting' | 'refused' | 'offline'

/** Of a round trip: below 10, below 50, below 200 ms, and the rest. */
export type RttClass = 'local' | 'near' | 'far' | 'slow'

/** How a peer is reached: over lanes on a direct link or through a relay of bytes, by another member who passes messages on, or not. */
export interface LinkQuality {
  readonly kind: LinkKind | 'none'
  /** Who carries our bytes, or passes our messages on. */
  readonly via: PeerId | undefined
  readonly rtt: RttClass | undefined
  /** Why it is not a direct link. */
  readonly reason: string | undefined
}

/** One line of `plexus peers`. */
export interface PeerPresence {
  readonly peer: PeerId
  readonly state: LinkState
  /** The peer's own name for itself: untrusted text, at most 64 characters. */
  readonly name: string | undefined
  readonly link: Link | undefined
  /** The member who passes on what we send, while it is `reachable`. */
  readonly via: PeerId | undefined
  readonly rttMs: number | undefined
  readonly reason: string | undefined
  readonly since: number
  readonly fix: string | undefined
}

export interface BusEvents {
  /** Lanes are up in both directions: messages may be sent. */
  'peer:ready': { readonly peer: PeerId; readonly name: string | undefined }
  /** The lanes are gone. What is sent may still reach it through another member: see `link:changed`. */
  'peer:lost': { readonly peer: PeerId; readonly reason: string }
  /** It has fallen silent; others are asked whether they reach it. Ends with `peer:recovered` or `peer:lost`. */
  'peer:suspected': { readonly peer: PeerId; readonly reason: string }
  /** It was heard again, or another member (`via`) reaches it: then our link is at fault, and is made anew. */
  'peer:recovered': { readonly peer: PeerId; readonly via: PeerId | undefined }
  /** A peer is reached in another way than before, or no longer, or not as fast. Told at most about once a second for each peer. */
  'link:changed': LinkQuality & { readonly peer: PeerId; readonly before: LinkQuality['kind'] }
  /** Either side refused the other. */
  'peer:refused': { readonly peer: PeerId; readonly reason: string; readonly by: 'us' | 'them' }
  /** A peer told where others of our spaces can be reached. */
  'peer:addresses': { readonly peer: PeerId; readonly addresses: readonly string[] }
  /**
   * Another member said things to a group (the topic itself when it has no members named) that will not come any more: ask
   * others for them. What was said before we first heard of it counts too. Told about once a second.
   */
  'messages:missed': { readonly group: string; readonly from: PeerId; readonly count: number }
  /** A lane of a peer had no room for messages that were published; the first is told at once, the rest about once a second. */
  overload: { readonly peer: PeerId; readonly lane: Lane; readonly dropped: number }
}

export type AdmissionVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/** The questions that the bus asks and the spaces answer; see `Authority` for the twin on the durable side. */
export interface Admission {
  /** May this peer hold lanes with us at all? */
  mayTakePart(peer: PeerId): AdmissionVerdict
  /** May this peer hear, and speak on, this topic? Topics of a space are `space/<id>/...`. */
  mayUseTopic(peer: PeerId, topic: string): boolean
  /**
   * The group whose members may use this topic, written like a topic; topics with the same members share one. Absent, or
   * undefined for topics that are not of a group: then each is on its own, and reaches whoever is linked.
   */
  groupOf?(topic: string): string | undefined
  /** The members of a group, us included. Undefined for a name that is no group. Asked for every message: keep it at hand. */
  membersOf?(group: string): ReadonlySet<PeerId> | undefined
  /** May `about`'s addresses be told to `to`? */
  mayIntroduce(to: PeerId, about: PeerId): boolean
}

/** The live pillar: nothing on it survives a restart. */
export interface Bus extends Component {
  readonly self: PeerId
  readonly events: Events<BusEvents>
  /**
   * To every ready peer that may hear the topic, to all of a large group through others, and to local subscribers. Rejects:
   * `ERR_TOPIC_INVALID`, `ERR_KIND_INVALID`, `ERR_MESSAGE_TOO_LARGE`; in a large group `ERR_OVERLOADED`.
   */
  publish(topic: string, kind: string, body: Uint8Array, options?: SendOptions): Promise<PublishReport>
  /** Patterns: `a.b` style segments separated by `.` or `/`, which are alike; `*` is one segment, `**` any number, also none. */
  subscribe(pattern: string, options?: SubscribeOptions): Subscription
  subscribe(pattern: string, options: SubscribeOptions, handler: MessageHandler): Subscription
  /**
   * One message to one peer that is ready, or that another member reaches. Resolves when a lane took it (back-pressure).
   * Rejects: `ERR_PEER_NOT_READY`, `ERR_EXPIRED`, `ERR_MESSAGE_TOO_LARGE`.
   */
  send(peer: PeerId, kind: string, body: Uint8Array, options?: SendOptions): Promise<void>
  /** Receives what peers `send`. One handler per kind. Bulk credit returns only after the handler settles: that is the back-pressure. */
  receive(kind: string, handler: MessageHandler): Disposable
  request(peer: PeerId, kind: string, body: Uint8Array, options?: SingleRequestOptions): Promise<Uint8Array>
  /** The parts of a streamed answer, in order. */
  requestStream(peer: PeerId, kind: string, body: Uint8Array, options?: RequestOptions): AsyncIterable<Uint8Array>
  respond(kind: string, responder: Responder): Disposable
  query(peers: readonly PeerId[], kind: string, body: Uint8Array, options?: QueryOptions): Promise<QueryResult>
  /** Round trip on the control lane, milliseconds. */
  ping(peer: PeerId, options?: { readonly signal?: AbortSignal }): Promise<number>
  presence(): readonly PeerPresence[]
  /** Asks `Admission` again about everyone: after membership changed. Closes lanes of those no longer admitted, opens those newly so. */
  reconsider(): void
}
