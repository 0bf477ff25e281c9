import {
  type Clock,
  type ComponentStatus,
  delay,
  Events,
  keepNewest,
  type Logger,
  type PeerId,
  reasonOf,
  type SpaceId,
  TokenBucket,
} from '../../base/index.ts'
import type { Bus } from '../../bus/index.ts'
import type { Verifier } from '../../identity/index.ts'
import type { Channel, Transport } from '../../network/index.ts'
import type { Journal } from '../../records/index.ts'
import type { FormerMember, Spaces } from '../../space/index.ts'
import { converse, STANDING_TIMEOUT_MS } from './exchange.ts'
import { STANDING_PROTOCOL } from './standing-wire.ts'
import type { Standing, StandingEvents } from './types.ts'

export const STANDING_STREAMS_PER_PEER = 2
/** What a member may ask and tell: whoever leaves or takes another key says so in every space that it shares with us. */
export const STANDING_MEMBER_LIMIT = { burst: 64, perSecond: 1 } as const
/** Questions of one stranger, and of all. */
export const STANDING_PEER_LIMIT = { burst: 5, perSecond: 0.1 } as const
export const STANDING_TOTAL_LIMIT = { burst: 20, perSecond: 2 } as const
/** We ask one peer about one space no more often. */
export const STANDING_ASK_INTERVAL_MS = 30_000
/** How long a removed peer that is linked has to hear of it, before its link is closed. */
export const FAREWELL_TIMEOUT_MS = 2_000
const PEERS_KEPT = 1_024

export interface StandingComponents {
  readonly transport: Transport
  readonly bus: Bus
  readonly journal: Journal
  readonly spaces: Spaces
  readonly verifier: Verifier
  readonly clock: Clock
  readonly log: Logger
}

export function createStanding(): (components: StandingComponents) => Standing {
  return (components) => new MemberStanding(components)
}

class MemberStanding implements Standing {
  readonly name = 'standing'
  readonly events: Events<StandingEvents>
  readonly #use: StandingComponents
  readonly #total: TokenBucket
  readonly #byMember = new Map<PeerId, TokenBucket>()
  readonly #byPeer = new Map<PeerId, TokenBucket>()
  /** When we last asked, by peer and space; monotonic. */
  readonly #asked = new Map<string, number>()
  /** Whom we know to be no members any more. */
  readonly #former = new Map<SpaceId, ReadonlySet<PeerId>>()
  readonly #telling = new Set<Promise<void>>()
  /** The last of what is to be said to each peer; it resolves to whether the peer still hears us. */
  readonly #turns = new Map<PeerId, Promise<boolean>>()
  readonly #counts = { asked: 0, answered: 0, failed: 0, told: 0 }
  #running: AbortController | undefined
  #listening: DisposableStack | undefined
  #since: number

  constructor(components: StandingComponents) {
    this.#use = { ...components, log: components.log.child({ module: 'standing' }) }
    this.events = new Events(components.log)
    this.#total = new TokenBucket(STANDING_TOTAL_LIMIT, components.clock.monotonic())
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { bus, spaces, transport, clock } = this.#use
    this.#running = new AbortController()
    this.#since = clock.now()
    // What was known before the start is no news.
    for (const { id } of spaces.list()) this.#former.set(id, new Set(spaces.former(id).map(({ peer }) => peer)))
    const listening = new DisposableStack()
    this.#listening = listening
    const options = { maxInboundStreams: STANDING_STREAMS_PER_PEER }
    listening.use(transport.handle(STANDING_PROTOCOL, options, (channel) => this.#answer(channel)))
    listening.use(spaces.events.on('members:changed', ({ space }) => this.#onMembership(space)))
    listening.use(bus.events.on('peer:refused', ({ peer, by }) => by === 'them' && this.#ask(peer)))
  }

  async stop(): Promise<void> {
    this.#running?.abort(new Error('the peer is stopping'))
    this.#running = undefined
    this.#listening?.dispose()
    this.#listening = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    return { state: this.#running === undefined ? 'stopped' : 'ok', since: this.#since, figures: { ...this.#counts } }
  }

  async #answer(channel: Channel): Promise<void> {
    const mayAsk = this.#mayAsk(channel.peer)
    this.#counts.answered++
    await this.#run(channel, STANDING_TIMEOUT_MS, (exchange) => exchange.answer(mayAsk))
  }

  /** A member takes us for a stranger: one of the two has not heard of something. */
  #ask(peer: PeerId): void {
    const { spaces, clock } = this.#use
    const now = clock.monotonic()
    for (const { id, self } of spaces.list()) {
      if (self === undefined || spaces.roleOf(id, peer) === undefined) continue
      const key = `${peer}/${id}`
      if (now - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) < STANDING_ASK_INTERVAL_MS) continue
      this.#asked.delete(key)
      this.#asked.set(key, now)
      keepNewest(this.#asked, PEERS_KEPT)
      this.#counts.asked++
      void this.#inTurn(peer, STANDING_TIMEOUT_MS, (exchange) => exchange.ask(id)).then((isAnswered) => {
        if (!isAnswered) this.#asked.delete(key)
      })
    }
  }

  #onMembership(space: SpaceId): void {
    const { spaces, transport } = this.#use
    const known = this.#former.get(space)
    const former = spaces.former(space)
    this.#former.set(space, new Set(former.map(({ peer }) => peer)))
    for (const one of former) {
      if (known?.has(one.peer)) continue
      const { peer, removedBy: by, reason } = one
      this.events.emit('member:removed', { space, peer, by, reason, self: peer === transport.self })
      for (const linked of this.#concerned(space, one)) this.#track(this.#farewell(space, linked, one))
    }
  }

  /** Who is linked and has to hear of it: the one who was removed; or, if this device left or has another key, the members. */
  #concerned(space: SpaceId, { peer, reason }: FormerMember): readonly PeerId[] {
    const { spaces, transport } = this.#use
    const linked = transport.links().map((link) => link.peer)
    if (peer !== transport.self) return linked.filter((other) => other === peer)
    return reason === 'removed' ? [] : linked.filter((other) => spaces.roleOf(space, other) !== undefined)
  }

  /** Says so, and closes the link unless we have another space in common. */
  async #farewell(space: SpaceId, peer: PeerId, former: FormerMember): Promise<void> {
    const { transport, spaces, log } = this.#use
    if (former.peer === transport.self || former.reason === 'removed') {
      this.#counts.told++
      await this.#inTurn(peer, FAREWELL_TIMEOUT_MS, (exchange) => exchange.tell(space, former))
    }
    if (this.#turns.has(peer) || spaces.peers().has(peer)) return
    await transport.disconnect(peer, 'there is no common space any more').catch((error: unknown) => {
      log.debug({ peer, reason: reasonOf(error) }, 'a former member was not disconnected cleanly')
    })
  }

  #track(telling: Promise<void>): void {
    this.#telling.add(telling)
    void telling.finally(() => this.#telling.delete(telling))
  }

  async told(): Promise<void> {
    // Changes of membership are told of after the turn in which they were written.
    await delay(this.#use.clock, 0)
    await Promise.all(this.#telling)
  }

  /**
   * One space after the other, since the peer takes few of our streams at a time. What follows something that it let pass in silence
   * is not even said. Returns whether it was answered.
   */
  async #inTurn(peer: PeerId, timeoutMs: number, work: Parameters<typeof converse>[3]): Promise<boolean> {
    const { clock } = this.#use
    let isAnswered = false
    const before = this.#turns.get(peer) ?? Promise.resolve(true)
    const turn = before.then(async (isHearing) => {
      if (!isHearing) return false
      const began = clock.monotonic()
      isAnswered = await this.#open(peer, timeoutMs, work)
      return isAnswered || clock.monotonic() - began < timeoutMs
    })
    this.#turns.set(peer, turn)
    await turn
    if (this.#turns.get(peer) === turn) this.#turns.delete(peer)
    return isAnswered
  }

  /** Whether it came to its end. */
  async #open(peer: PeerId, timeoutMs: number, work: Parameters<typeof converse>[3]): Promise<boolean> {
    const { transport, log } = this.#use
    const signal = this.#running?.signal
    if (signal === undefined) return false
    try {
      const channel = await transport.open(peer, STANDING_PROTOCOL, { signal })
      return await this.#run(channel, timeoutMs, work)
    } catch (error) {
      log.debug({ peer, reason: reasonOf(error) }, 'no conversation about membership')
      return false
    }
  }

  /** Never rejects: whatever the other side does is its own affair. */
  async #run(channel: Channel, timeoutMs: number, work: Parameters<typeof converse>[3]): Promise<boolean> {
    const { transport, journal, spaces, verifier, clock, log } = this.#use
    const signal = this.#running?.signal
    if (signal === undefined) return false
    try {
      const use = { self: transport.self, journal, spaces, verifier, clock }
      await converse(channel, use, { timeoutMs, signal }, work)
      return true
    } catch (error) {
      this.#counts.failed++
      log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a conversation about membership failed')
      return false
    }
  }

  #mayAsk(peer: PeerId): boolean {
    const now = this.#use.clock.monotonic()
    const isMember = this.#use.spaces.peers().has(peer)
    const buckets = isMember ? this.#byMember : this.#byPeer
    const bucket = buckets.get(peer) ?? new TokenBucket(isMember ? STANDING_MEMBER_LIMIT : STANDING_PEER_LIMIT, now)
    buckets.delete(peer)
    buckets.set(peer, bucket)
    keepNewest(buckets, PEERS_KEPT)
    return bucket.take(now) && (isMember || this.#total.take(now))
  }
}
