import {
  type Clock,
  type Component,
  type ComponentStatus,
  jitter,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  type SpaceId,
  type Timer,
} from '../base/index.ts'
import { type ConnectionKeeper, type Discovery, type FoundPeer, reachOf, type Transport } from '../network/index.ts'
import { announcedWindows, contentKey, discoveryWindow, memberKey, type Spaces } from '../space/index.ts'
import { NodeError } from './errors.ts'
import { ROUND_MS, SearchSchedule } from './search-schedule.ts'

/** Our announcements are made anew so often: servers come and go, and keep them in memory alone. */
export const ANNOUNCE_MS: number = 60 * 60 * 1000
/** Also after our addresses or spaces have changed, but not at once: changes come in bursts. */
const ANNOUNCE_SOON_MS = 2_000
const ANNOUNCE_AGAIN_MS = 30_000
const ANNOUNCE_AGAIN_MAX_MS: number = 15 * 60 * 1000
/** Spaces that we announce ourselves in; further ones are left out. */
export const ANNOUNCED_SPACES_MAX = 32

export interface MemberDiscoveryComponents {
  readonly discovery: Discovery
  readonly spaces: Pick<Spaces, 'events' | 'list' | 'discoverySecret'>
  readonly keeper: Pick<ConnectionKeeper, 'contacts' | 'learn'>
  readonly transport: Pick<Transport, 'self' | 'addresses' | 'events'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** For whoever fetches contents of a space: who else holds them. */
export interface ContentDiscovery {
  /**
   * Tells the members of the space that we hold a content (SHA-256, 64 hexadecimal digits). To be repeated every `ANNOUNCE_MS`.
   * Rejects like `Discovery.announce`, or with `ERR_NOT_FOUND` for a space that is not ours.
   */
  announceContent(space: SpaceId, content: string, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Peers that say they hold it: they may be wrong, and may be no members. */
  findContent(space: SpaceId, content: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<FoundPeer>
}

/**
 * Members of a space that lost sight of each other meet again in a directory of strangers: each tells where it is under keys
 * that only members can compute, and looks there for those whom it cannot reach (docs/specs/discovery.md). What is found is
 * for the keeper to try.
 */
export class MemberDiscovery implements Component, ContentDiscovery {
  readonly name = 'discovery'
  readonly #use: MemberDiscoveryComponents
  readonly #schedule: SearchSchedule
  readonly #counts = { found: 0 }
  #running: AbortController | undefined
  #subscriptions: DisposableStack | undefined
  #announceTimer: Timer | undefined
  #roundTimer: Timer | undefined
  #announcing: Promise<void> = Promise.resolve()
  #announceAgainMs = ANNOUNCE_AGAIN_MS
  /** Why others cannot find us, as of the last attempt. */
  #unannounced: { readonly reason: string; readonly fix: string } | undefined
  #since: number
  #lastReason: string | undefined

  constructor(components: MemberDiscoveryComponents) {
    this.#use = components
    this.#schedule = new SearchSchedule(components.random)
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#since = this.#use.clock.now()
    const { spaces, transport } = this.#use
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    const soon = (): void => this.#announceIn(ANNOUNCE_SOON_MS)
    subscriptions.use(transport.events.on('self:addresses', soon))
    subscriptions.use(spaces.events.on('space:added', soon))
    subscriptions.use(spaces.events.on('members:changed', soon))
    soon()
    this.#searchIn(ROUND_MS, this.#running.signal)
  }

  async stop(): Promise<void> {
    this.#running?.abort(new NodeError('ERR_STOPPING', 'discovery is stopping'))
    this.#running = undefined
    this.#announceTimer?.cancel()
    this.#roundTimer?.cancel()
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    this.#since = this.#use.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const { discovery, clock } = this.#use
    if (this.#running === undefined) return { state: 'stopped', since: this.#since }
    const complaint = discovery.complaint() ?? this.#unannounced
    if (complaint?.reason !== this.#lastReason) this.#since = clock.now()
    this.#lastReason = complaint?.reason
    const figures = { ...discovery.figures(), ...this.#counts, lookedFor: this.#schedule.size }
    if (complaint === undefined) return { state: 'ok', since: this.#since, figures }
    return { state: 'degraded', since: this.#since, ...complaint, figures }
  }

  async announceContent(
    space: SpaceId,
    content: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { discovery, clock } = this.#use
    const secret = this.#secretOf(space)
    for (const window of announcedWindows(clock.now())) {
      await discovery.announce(contentKey(secret, content, window), this.#usefulAddresses(), options)
    }
  }

  findContent(
    space: SpaceId,
    content: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<FoundPeer> {
    const { discovery, clock } = this.#use
    const key = contentKey(this.#secretOf(space), content, discoveryWindow(clock.now()))
    return discovery.find(key, options)
  }

  /** Sets the next announcement. One runs at a time; what comes meanwhile waits for its end. */
  #announceIn(ms: number): void {
    if (this.#running === undefined) return
    const { signal } = this.#running
    const { clock, random, log } = this.#use
    this.#announceTimer?.cancel()
    this.#announceTimer = clock.setTimer(jitter(random, ms), () => {
      this.#announceTimer = undefined
      this.#announcing = this.#announcing
        .then(() => this.#announce(signal))
        .then(
          () => {
            this.#announceAgainMs = ANNOUNCE_AGAIN_MS
            return ANNOUNCE_MS
          },
          (error: unknown) => {
            log.debug({ reason: reasonOf(error) }, 'this peer could not be announced')
            const againMs = this.#announceAgainMs
            this.#announceAgainMs = Math.min(2 * againMs, ANNOUNCE_AGAIN_MAX_MS)
            return againMs
          },
        )
        .then((nextMs) => {
          // Unless news came meanwhile, which are sooner.
          if (!signal.aborted && this.#announceTimer === undefined) this.#announceIn(nextMs)
        })
    })
  }

  async #announce(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { discovery, transport, clock } = this.#use
    const addresses = this.#usefulAddresses()
    this.#unannounced = undefined
    const secrets = this.#secrets().slice(0, ANNOUNCED_SPACES_MAX)
    if (secrets.length === 0) return
    if (addresses.length === 0) {
      this.#unannounced = {
        reason: 'members cannot find this peer: none of its addresses can be reached from where they look',
        fix: 'Let a member relay for it, or forward a port and listen on the outside address.',
      }
      return
    }
    try {
      for (const secret of secrets) {
        for (const window of announcedWindows(clock.now())) {
          await discovery.announce(memberKey(secret, transport.self, window), addresses, { signal })
        }
      }
    } catch (error) {
      signal.throwIfAborted()
      const fix = 'It is tried again; see what `plexus doctor` says of the bootstrap peers.'
      this.#unannounced = { reason: `members cannot find this peer: ${reasonOf(error)}`, fix }
      throw error
    }
  }

  #searchIn(ms: number, signal: AbortSignal): void {
    const { clock, random, log } = this.#use
    this.#roundTimer = clock.setTimer(jitter(random, ms), () => {
      const again = (): void => {
        if (!signal.aborted) this.#searchIn(ROUND_MS, signal)
      }
      this.#search(signal).then(again, (error: unknown) => {
        log.debug({ reason: reasonOf(error) }, 'a search for members failed')
        again()
      })
    })
  }

  async #search(signal: AbortSignal): Promise<void> {
    const { keeper, discovery, clock } = this.#use
    const absent = keeper.contacts().filter(({ state }) => state === 'waiting' || state === 'no-address')
    const due = this.#schedule.takeDue(new Set(absent.map(({ peer }) => peer)), clock.monotonic())
    for (const peer of due) {
      const key = this.#keyOf(peer)
      if (key === undefined) continue
      for await (const found of discovery.find(key, { signal })) {
        // Anyone may announce under any key that it has seen.
        if (found.peer !== peer) continue
        this.#counts.found++
        keeper.learn(peer, found.addresses)
        break
      }
    }
  }

  /** Where a member announces itself now, in any space that we share. */
  #keyOf(peer: PeerId): Uint8Array | undefined {
    const { spaces, clock } = this.#use
    const shared = spaces.list().find((space) => space.members.some((member) => member.peer === peer))
    const secret = shared === undefined ? undefined : spaces.discoverySecret(shared.id)
    return secret === undefined ? undefined : memberKey(secret, peer, discoveryWindow(clock.now()))
  }

  /** Of the spaces that have somebody in them who could look for us. */
  #secrets(): readonly Uint8Array[] {
    const { spaces } = this.#use
    const shared = spaces.list().filter((space) => space.self !== undefined && space.members.length > 1)
    return shared.flatMap((space) => spaces.discoverySecret(space.id) ?? [])
  }

  #usefulAddresses(): readonly string[] {
    const { transport, discovery } = this.#use
    return transport.addresses().filter((address) => reachOf(address) >= discovery.reach)
  }

  #secretOf(space: SpaceId): Uint8Array {
    const secret = this.#use.spaces.discoverySecret(space)
    if (secret === undefined) throw new NodeError('ERR_NOT_FOUND', 'this peer is in no such space')
    return secret
  }
}
