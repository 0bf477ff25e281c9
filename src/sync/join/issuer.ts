import {
  type Clock,
  type Events,
  type Logger,
  type PeerId,
  reasonOf,
  type SpaceId,
  TokenBucket,
  withDeadline,
} from '../../base/index.ts'
import type { Channel, Transport } from '../../network/index.ts'
import type { Journal } from '../../records/index.ts'
import type { JoinRequest, Spaces } from '../../space/index.ts'
import { type JoinRefusalCode, SyncError } from '../errors.ts'
import type { SyncEvents } from '../types.ts'
import { controlFrames } from './control-frames.ts'
import { FramedChannel } from './framed-channel.ts'
import {
  decodeJoinRequest,
  encodeJoinAnswer,
  JOIN_PEERS_MAX,
  JOIN_PROTOCOL,
  JOIN_REQUEST_MAX_BYTES,
  type PeerAddresses,
} from './join-wire.ts'

/** From the opening of the stream to the request. */
export const JOIN_REQUEST_TIMEOUT_MS = 10_000
/** From the request to the end of the answer. */
export const JOIN_ANSWER_TIMEOUT_MS = 60_000
export const JOIN_STREAMS_PER_PEER = 2
/** Requests of one peer, and of all. */
export const JOIN_PEER_LIMIT = { burst: 5, perSecond: 0.1 } as const
export const JOIN_TOTAL_LIMIT = { burst: 20, perSecond: 2 } as const
const BUCKETS_MAX = 1_024

export interface IssuerComponents {
  readonly transport: Transport
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly log: Logger
  readonly events: Events<SyncEvents>
  readonly addressesOf: (peer: PeerId) => readonly string[]
}

/** Answers the join protocol: the only thing that a stranger can ask of us. */
export class Issuer {
  readonly #use: IssuerComponents
  readonly #total: TokenBucket
  readonly #byPeer = new Map<PeerId, TokenBucket>()
  readonly counts = { requests: 0, admitted: 0, refused: 0, malformed: 0 }

  constructor(components: IssuerComponents) {
    this.#use = components
    this.#total = new TokenBucket(JOIN_TOTAL_LIMIT, components.clock.monotonic())
  }

  /** Answers until disposed. */
  listen(signal: AbortSignal): Disposable {
    const options = { maxInboundStreams: JOIN_STREAMS_PER_PEER }
    return this.#use.transport.handle(JOIN_PROTOCOL, options, (channel) => this.#answer(channel, signal))
  }

  async #answer(channel: Channel, signal: AbortSignal): Promise<void> {
    this.counts.requests++
    const framed = new FramedChannel(channel)
    try {
      await this.#within(JOIN_ANSWER_TIMEOUT_MS, 'answering a join request', signal, async (limit) => {
        const request = await this.#read(framed, limit)
        await this.#decide(channel.peer, request, framed, limit)
        await channel.close()
      })
    } catch (error) {
      this.#use.log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a join request was not answered')
      channel.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    }
  }

  /** Undefined for what is no request. */
  async #read(framed: FramedChannel, signal: AbortSignal): Promise<JoinRequest | undefined> {
    const bytes = await this.#within(JOIN_REQUEST_TIMEOUT_MS, 'the join request', signal, (limit) =>
      framed.read(JOIN_REQUEST_MAX_BYTES, { signal: limit }),
    )
    try {
      return decodeJoinRequest(bytes)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      this.counts.malformed++
      return undefined
    }
  }

  async #decide(
    peer: PeerId,
    request: JoinRequest | undefined,
    framed: FramedChannel,
    signal: AbortSignal,
  ): Promise<void> {
    const refuse = async (code: JoinRefusalCode, message: string): Promise<void> => {
      this.counts.refused++
      this.#tell(peer, request, code)
      await framed.send(encodeJoinAnswer({ is: 'refused', code, message }), { signal })
    }
    if (!this.#mayAsk(peer)) return refuse('ERR_JOIN_BUSY', 'too many join requests; try again in a minute')
    if (request?.device !== peer) return refuse('ERR_JOIN_MALFORMED', 'the request is malformed')
    const outcome = await this.#use.spaces.redeem(request)
    if (!outcome.ok) return refuse(outcome.code, outcome.message)
    this.counts.admitted++
    this.#tell(peer, request, 'admitted')
    await this.#admit(request.space, framed, signal)
  }

  async #admit(space: SpaceId, framed: FramedChannel, signal: AbortSignal): Promise<void> {
    await framed.send(encodeJoinAnswer({ is: 'admitted', peers: this.#peers(space) }), { signal })
    for (const frames of controlFrames(space, this.#use)) {
      await framed.send(encodeJoinAnswer({ is: 'control', frames }), { signal })
    }
    await framed.send(encodeJoinAnswer({ is: 'end' }), { signal })
  }

  /** Where other members can be reached, as far as we know. */
  #peers(space: SpaceId): readonly PeerAddresses[] {
    const members = this.#use.spaces.get(space)?.members ?? []
    const known = members.map(({ peer }) => ({ peer, addresses: this.#use.addressesOf(peer) }))
    return known.filter(({ addresses }) => addresses.length > 0).slice(0, JOIN_PEERS_MAX)
  }

  #mayAsk(peer: PeerId): boolean {
    const now = this.#use.clock.monotonic()
    const bucket = this.#byPeer.get(peer) ?? new TokenBucket(JOIN_PEER_LIMIT, now)
    for (const oldest of this.#byPeer.keys()) {
      if (this.#byPeer.size < BUCKETS_MAX) break
      this.#byPeer.delete(oldest)
    }
    this.#byPeer.set(peer, bucket)
    return bucket.take(now) && this.#total.take(now)
  }

  #tell(peer: PeerId, request: JoinRequest | undefined, outcome: string): void {
    this.#use.events.emit('join:answered', { space: request?.space, peer, name: request?.name ?? '', outcome })
  }

  /** Runs work under a deadline that also ends it. */
  async #within<T>(
    timeoutMs: number,
    what: string,
    signal: AbortSignal,
    work: (limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = new AbortController()
    const both = AbortSignal.any([signal, limit.signal])
    try {
      return await withDeadline(work(both), { clock: this.#use.clock, timeoutMs, what, signal })
    } finally {
      limit.abort(new SyncError('ERR_SYNC_STOPPED', `${what} is over`))
    }
  }
}
