import { type TokenBucketInit, TRACEPARENT_CHARS } from '../base/index.ts'
import { OPEN_MESSAGE_MAX_BYTES } from '../network/index.ts'
import { type Lane, MESSAGE_MAX_BYTES } from './types.ts'

/** Every number that bounds the bus. Part of the protocol where docs/specs/bus.md says so. */

export const LANE_PROTOCOL = '/plexus/lane/1.1.0'

export const KIND_MAX_CHARS = 64
export const TRACE_MAX_CHARS: number = TRACEPARENT_CHARS
export const REASON_MAX_CHARS = 200
export const ERROR_MESSAGE_MAX_CHARS = 500

/** A message of the largest size with its envelope; a frame that claims more is malformed. */
export const FRAME_MAX_BYTES: number = MESSAGE_MAX_BYTES + 1024
/** The largest frame before a lane is accepted, in either direction. */
export const HANDSHAKE_FRAME_MAX_BYTES = 1024
/** How much one write to a lane holds: many small frames, or a slice of a large one. */
export const WRITE_MAX_BYTES: number = 64 * 1024

/** What may wait for each lane of one peer. When full, `send` waits, `publish` drops, control frames end the session. */
export const LANE_BOUNDS: Readonly<Record<Lane, { readonly bytes: number; readonly frames: number }>> = {
  control: { bytes: 256 * 1024, frames: 2048 },
  critical: { bytes: 1024 * 1024, frames: 4096 },
  normal: { bytes: 2 * 1024 * 1024, frames: 8192 },
  bulk: { bytes: 2 * 1024 * 1024, frames: 4096 },
}
/** Senders that may wait for room on one lane, and the bytes they may hold meanwhile; more are refused. */
export const WAITING_MAX_FRAMES = 1024
export const WAITING_MAX_BYTES: number = 8 * 1024 * 1024

/** `high` frames in a row while a `normal` one waits. */
export const HIGH_BURST_FRAMES = 8
/** Bytes of other lanes after which waiting bulk gets one write nevertheless: it keeps about a ninth. */
export const BULK_SHARE_BYTES: number = 8 * WRITE_MAX_BYTES
/** Bulk that was held back so long gets one write nevertheless. */
export const BULK_PATIENCE_MS = 250
/** What we let a peer have in flight on its bulk lane. */
export const BULK_WINDOW_BYTES: number = 768 * 1024
/** What we have in flight at first, and at least, as far as the peer allows; see `nextPace`. */
export const BULK_WINDOW_FIRST_BYTES: number = 256 * 1024
export const BULK_WINDOW_MIN_BYTES: number = 32 * 1024
/** Round trips are measured so often while bulk flows. */
export const BULK_PROBE_MS = 20
/** The largest window of a peer that we make use of. */
export const BULK_WINDOW_MAX_BYTES: number = 4 * 1024 * 1024
/** What one streamed answer may have in flight. */
export const STREAM_WINDOW_BYTES: number = 256 * 1024

/** Messages of one lane whose handlers have not settled; above that the lane is not read. */
export const HELD_MAX_FRAMES = 256
export const HELD_MAX_BYTES: number = 1024 * 1024
/** A handler that takes longer loses its hold on the lane. */
export const HANDLER_TIMEOUT_MS = 30_000

export const MESSAGE_TTL_MS = 30_000
export const MESSAGE_TTL_MAX_MS: number = 3_600_000

/** Requests in flight in each direction, to or from one peer and over all. */
export const REQUESTS_PER_PEER = 1024
export const REQUESTS_TOTAL = 8192
/** Bodies of requests that one peer may have in our responders. */
export const REQUEST_BODIES_MAX_BYTES: number = 16 * 1024 * 1024
/** Requests that may be asked again, remembered until the deadline and a little longer: what is under way may come late. */
export const ONCE_ENTRIES_MAX = 2048
export const ONCE_PER_PEER = 256
export const ONCE_GRACE_MS = 10_000
/** Their answers that are kept, of one peer and in all. */
export const ONCE_PER_PEER_BYTES: number = 2 * 1024 * 1024
export const ONCE_TOTAL_BYTES: number = 32 * 1024 * 1024
/** Requests that wait for their peers to be ready again. */
export const REPEATS_WAITING_MAX = 1024
/** A streamed answer that makes no progress for so long is given up by its responder. */
export const STREAM_STALL_MS = 60_000

export const HANDSHAKE_TIMEOUT_MS = 5_000
/** From the first lane to all eight. */
export const SESSION_TIMEOUT_MS = 10_000
export const FAREWELL_TIMEOUT_MS = 1_000
export const HANDSHAKES_MAX = 256
export const SESSIONS_MAX = 512
/** Links that a peer may say it has. */
export const LINKS_MAX: number = SESSIONS_MAX
/** Four lanes, and room for those of an old session that are still being closed. */
export const INBOUND_STREAMS_PER_PEER = 12
/** Peers that presence remembers; those offline longest are forgotten first. */
export const CONTACTS_MAX = 1024

export const HEARTBEAT_MS = 5_000
/** Heartbeats without a sign of life after which a peer is suspected. */
export const HEARTBEATS_MISSED_MAX = 2
/** Then others are asked, a few new ones each round; after the last round it is gone. */
export const PROBE_ROUNDS = 3
export const PROBE_ROUND_MS = 2_000
export const PROBE_HELPERS = 3
/** How often a peer may ask us to reach others: so many at once, and so many more each second. */
export const PROBES_BURST = 64
export const PROBES_PER_SECOND = 8
/** About how long changes of our links gather before neighbours are told. */
export const LINK_NEWS_MS = 1_500
/** LINKS frames that one peer may send: so many at once, and so many more each second. */
export const LINKS_BURST = 32
export const LINKS_PER_SECOND = 1
export const PINGS_IN_FLIGHT_MAX = 64
export const PING_TIMEOUT_MS = 5_000
/** How often slow matters are looked at: expired handlers, overload reports, changed addresses. */
export const HOUSEKEEPING_MS = 1_000

export const INTRODUCTION_MAX_PEERS = 32
/** ADDRESSES frames that one peer may send at once; after that one per housekeeping. */
export const INTRODUCTION_BURST = 8

export const SUBSCRIPTION_CAPACITY = 1024
export const TOPIC_CACHE_ENTRIES = 1024

/** A publisher that awaits is slowed to its fastest peer once that peer's lane is half full, but never longer than this. */
export const PACE_MAX_MS = 50

/** Members that a publisher reaches directly; to more it publishes along a tree. */
export const DIRECT_MEMBERS_MAX = 32
/** Groups that we number messages for, or keep a tree of; the first to be begun goes first. */
export const GROUPS_MAX = 1024
/** How far numbers of one stream may lie apart; older ones are not taken any more. */
export const SEQUENCE_WINDOW = 1024
/** Numbers of one stream that may be missing at once; more are given up. */
export const MISSING_MAX = 256
/** Groups and authors whose missed messages are summed up. */
export const MISSED_REPORTS_MAX = 1024
/** Streams on direct lanes whose numbers we follow, of one peer; the first to be begun goes first. */
export const DIRECT_STREAMS_PER_PEER = 256
/** Authors whose key and id we know together. */
export const AUTHORS_MAX = 4096

/** The largest body of a message on an open topic: what the mesh carries, less the envelope and its signature. */
export const OPEN_BODY_MAX_BYTES: number = OPEN_MESSAGE_MAX_BYTES - 1024
/** A message of an open topic that did not come so long after a later one is given up. */
export const OPEN_GAP_MS = 10_000
/** Authors on open topics that are remembered, in all and by the neighbour that brought them; further ones are refused. */
export const OPEN_AUTHORS_MAX = 4096
export const OPEN_AUTHORS_PER_NEIGHBOUR = 1024
/** Four priorities, and some restarts. */
export const OPEN_STREAMS_PER_AUTHOR = 32
/**
 * KiB, each message at least one: what we say on a topic, what we take of one author there, what one neighbour may bring, and
 * all together. What one says at once is less than may wait for one neighbour, or nobody could say it; and less than others
 * take, because on its way it may bunch up.
 */
/** Gaps of one stream of an open topic: anybody may open streams, so each costs little. */
export const OPEN_MISSING_MAX = 16
export const OPEN_OWN_RATE: TokenBucketInit = { burst: 512, perSecond: 1000 }
export const OPEN_AUTHOR_RATE: TokenBucketInit = { burst: 1024, perSecond: 2000 }
export const OPEN_NEIGHBOUR_RATE: TokenBucketInit = { burst: 2 * 1024, perSecond: 4000 }
export const OPEN_TOTAL_RATE: TokenBucketInit = { burst: 4 * 1024, perSecond: 8000 }
export const OPEN_NEIGHBOURS_MAX = 256

/** Messages kept for those who ask. */
export const CACHE_MAX_BYTES: number = 16 * 1024 * 1024
export const CACHE_MAX_ENTRIES = 8192
export const CACHE_MAX_MS = 30_000

/** Streams of a group that are followed, in all (and as many on hearsay alone), of one author, and of one author on hearsay. */
export const STREAMS_PER_GROUP = 4096
export const STREAMS_PER_AUTHOR = 32
export const HEARSAY_PER_AUTHOR = 8
/** Rows of one frame. */
export const CLAIMS_MAX = 128
export const WANTS_MAX = 128
export const RANGES_MAX = 32
/** What a tree carries of one author, at once and each second; an author keeps to half of it. Each message counts as 1 KiB more. */
export const TREE_AUTHOR_RATE: TokenBucketInit = { burst: 8 * 1024 * 1024, perSecond: 2 * 1024 * 1024 }
/** Control frames of one neighbour about its groups; more are dropped. */
export const TREE_CONTROL_RATE: TokenBucketInit = { burst: 2048, perSecond: 512 }
export const TREE_OWN_RATE: TokenBucketInit = { burst: 4 * 1024 * 1024, perSecond: 1024 * 1024 }
/** Messages sent at most in answer to one GRAFT or WANT, and bytes to one peer in answer to all: at once, and each second. */
export const GRAFT_MAX_MESSAGES = 256
export const SERVE_BURST_BYTES: number = 4 * 1024 * 1024
export const SERVE_BYTES_PER_S: number = 1024 * 1024

/** What one peer may have us pass on to others: so much at once, and so much more each second. */
export const RELAY_BURST_BYTES: number = 4 * 1024 * 1024
export const RELAY_BYTES_PER_SECOND: number = 512 * 1024
export const RELAY_BURST_FRAMES = 1024
/** What one neighbour may bring us of others: each costs a signature to check. */
export const PARCELS_IN_RATE: TokenBucketInit = { burst: 2048, perSecond: 1024 }
export const RELAY_FRAMES_PER_SECOND = 256
/** Members through whom one message is tried. */
export const RELAY_WAYS_MAX = 3
/** Parcels kept so that they can be sent another way, should one not pass them on; more are sent only once. */
export const RELAY_KEPT_MAX_BYTES: number = 8 * 1024 * 1024
export const RELAY_KEPT_MAX = 1024
export const RELAY_KEPT_MS = 5_000
/** Peers without lanes whom we answer or number parcels for; the one heard longest ago goes first. */
export const RELAYED_PEERS_MAX = 1024
/** Requests to peers without lanes in flight. */
export const RELAYED_REQUESTS_MAX = 1024
/** Runs of parcels of one author that are remembered: it begins one whenever it starts. */
export const RELAY_RUNS_PER_AUTHOR = 16
