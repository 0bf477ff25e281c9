import {
  type Clock,
  type Component,
  type ComponentStatus,
  Events,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  type Timer,
} from '../base/index.ts'
import { type Attempt, type ContactStatus, Contacts } from './contacts.ts'
import { NetworkError } from './errors.ts'
import type { Link, Transport } from './transport.ts'

export interface ConnectionKeeperComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface ConnectionKeeperEvents {
  /** Something new about where a peer is, or which of its addresses works: all we know, best first. For the caller to keep. */
  'address:learned': { readonly peer: PeerId; readonly addresses: readonly string[] }
}

/** Keeps links to the peers that are wanted: dials, waits longer after each failure, tries at once when there is news. */
export class ConnectionKeeper implements Component {
  readonly name = 'keeper'
  readonly events: Events<ConnectionKeeperEvents>
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #log: Logger
  readonly #contacts: Contacts
  #since: number
  #running: AbortController | undefined
  #subscriptions: DisposableStack | undefined
  #timer: Timer | undefined

  constructor(components: ConnectionKeeperComponents) {
    this.#transport = components.transport
    this.#clock = components.clock
    this.#log = components.log
    this.#contacts = new Contacts(components.random)
    this.#since = components.clock.now()
    this.events = new Events(components.log)
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#since = this.#clock.now()
    const { events } = this.#transport
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    subscriptions.use(events.on('peer:connect', (link) => this.#linked(link)))
    subscriptions.use(events.on('link:changed', ({ link }) => this.#linked(link)))
    subscriptions.use(
      events.on('peer:disconnect', ({ peer, reason }) => {
        this.#contacts.unlinked(peer, reason, this.#now())
        this.#turn()
      }),
    )
    subscriptions.use(
      events.on('peer:discovered', ({ peer, addresses }) => {
        if (this.#contacts.isWanted(peer)) this.learn(peer, addresses)
      }),
    )
    const links = this.#transport.links().map(({ peer, kind }) => [peer, kind] as const)
    this.#contacts.reconcile(new Map(links), this.#now())
    this.#turn()
  }

  async stop(): Promise<void> {
    this.#running?.abort(new Error('the keeper is stopping'))
    this.#running = undefined
    this.#timer?.cancel()
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    this.#since = this.#clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const figures = { linked: 0, relayed: 0, dialing: 0, waiting: 0, noAddress: 0, ignored: this.#contacts.ignored }
    for (const { state } of this.#contacts.list()) figures[state === 'no-address' ? 'noAddress' : state]++
    return { state: this.#running === undefined ? 'stopped' : 'ok', since: this.#since, figures }
  }

  /** How each wanted peer stands; times are wall clock. */
  contacts(): readonly ContactStatus[] {
    const toWall = this.#clock.now() - this.#now()
    return this.#contacts.list().map((contact) => ({
      ...contact,
      since: contact.since + toWall,
      nextAttemptAt: contact.nextAttemptAt === undefined ? undefined : contact.nextAttemptAt + toWall,
    }))
  }

  /** Replaces the set of wanted peers, with addresses where some are known. Links to others are left as they are. */
  setWanted(peers: ReadonlyMap<PeerId, readonly string[]>): void {
    this.#contacts.want(peers, this.#now())
    this.#turn()
  }

  /** Takes note of where a peer may be; one that is wanted and not linked is tried at once. */
  learn(peer: PeerId, addresses: readonly string[]): void {
    if (this.#contacts.learn(peer, addresses, this.#now())) this.#tell(peer)
    this.#turn()
  }

  /** Tries a waiting peer now. */
  nudge(peer: PeerId): void {
    this.#contacts.nudge(peer, this.#now())
    this.#turn()
  }

  #linked({ peer, kind }: Link): void {
    this.#contacts.linked(peer, kind, this.#now())
    this.#turn()
  }

  /** Starts what is due and sets the timer for what is next. */
  #turn(): void {
    if (this.#running === undefined) return
    const { signal } = this.#running
    for (const attempt of this.#contacts.takeDue(this.#now())) {
      this.#dial(attempt, signal).catch((error: unknown) => {
        this.#log.error({ peer: attempt.peer, reason: reasonOf(error) }, 'the keeper failed')
      })
    }
    this.#timer?.cancel()
    const next = this.#contacts.nextDueAt()
    if (next !== undefined) this.#timer = this.#clock.setTimer(next - this.#now(), () => this.#turn())
  }

  async #dial({ peer, addresses, direct }: Attempt, signal: AbortSignal): Promise<void> {
    try {
      const link = await this.#transport.dial(peer, addresses, { signal, direct })
      if (addresses.includes(link.address)) this.#works(peer, link.address)
      // The link may have fallen before we get here; whether it is up, the transport knows.
      const now = this.#transport.links().find((other) => other.peer === peer)
      const isThere = now !== undefined && (now.kind === 'direct' || !direct)
      if (isThere) this.#contacts.linked(peer, now.kind, this.#now())
      else this.#contacts.dialFailed(peer, 'the peer closed the connection at once', this.#now())
    } catch (error) {
      const reason = error instanceof NetworkError ? error.message : reasonOf(error)
      this.#contacts.dialFailed(peer, reason, this.#now())
    }
    this.#turn()
  }

  /** An address that just worked goes first next time. */
  #works(peer: PeerId, address: string): void {
    const before = this.#contacts.addressesOf(peer)
    this.#contacts.learn(peer, [address], this.#now())
    if (this.#contacts.addressesOf(peer).join() !== before.join()) this.#tell(peer)
  }

  #tell(peer: PeerId): void {
    this.events.emit('address:learned', { peer, addresses: this.#contacts.addressesOf(peer) })
  }

  #now(): number {
    return this.#clock.monotonic()
  }
}

export function connectionKeeper(): (components: ConnectionKeeperComponents) => ConnectionKeeper {
  return (components) => new ConnectionKeeper(components)
}
