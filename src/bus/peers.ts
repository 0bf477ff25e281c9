import {
  type Clock,
  type Events,
  type Logger,
  type PeerId,
  type Random,
  reasonOf,
  withDeadline,
} from '../base/index.ts'
import type { Channel, Link, Transport } from '../network/index.ts'
import type { RetryCause } from './backoff.ts'
import { Contact } from './contact.ts'
import type { Counters } from './counters.ts'
import { BusError } from './errors.ts'
import { type Hello, type Refusal, readHello } from './handshake.ts'
import {
  CONTACTS_MAX,
  HANDSHAKE_TIMEOUT_MS,
  HANDSHAKES_MAX,
  INBOUND_STREAMS_PER_PEER,
  LANE_PROTOCOL,
  SESSIONS_MAX,
} from './limits.ts'
import { refuse, Session, type SessionEnd, type SessionUser } from './session.ts'
import type { Admission, BusEvents, PeerPresence } from './types.ts'

/** A session that was ready for so long counts as a success: the next failure starts from the shortest delay. */
const STABLE_MS = 30_000
/** The least time between two refusals of one peer that are reported. */
const REFUSAL_REPORT_MS = 10_000
/** The least time between two attempts that the peer prompted by opening lanes to us: it must not make us spin. */
const PROMPTED_MS = 1_000

export interface PeersInit {
  readonly ownName: string
  /** Who gets the frames of a session that is about to be ready. */
  readonly user: (contact: Contact, session: Session) => SessionUser
  readonly onReady: (session: Session) => void
  readonly onEnd: (session: Session) => void
}

export interface PeersComponents {
  readonly transport: Transport
  readonly admission: Admission
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: Events<BusEvents>
  readonly counters: Counters
}

/**
 * Keeps a session with every linked and admitted peer: opens, lets in, refuses, retries, remembers why.
 */
export class Peers {
  readonly #init: PeersInit
  readonly #use: PeersComponents
  readonly #contacts = new Map<PeerId, Contact>()
  readonly #farewells = new Set<Promise<void>>()
  readonly #subscriptions: Disposable[] = []
  #handshakes = 0
  #running = false

  constructor(init: PeersInit, components: PeersComponents) {
    this.#init = init
    this.#use = components
  }

  start(): void {
    const { transport } = this.#use
    this.#running = true
    this.#subscriptions.push(
      transport.handle(LANE_PROTOCOL, { maxInboundStreams: INBOUND_STREAMS_PER_PEER }, (channel) =>
        this.#onChannel(channel),
      ),
      transport.events.on('peer:connect', (link) => this.#onLink(link)),
      transport.events.on('link:changed', ({ link }) => this.#onOtherLink(link)),
      transport.events.on('peer:disconnect', ({ peer, reason }) => this.#onLinkLost(peer, reason)),
    )
    for (const link of transport.links()) this.#onLink(link)
  }

  /** Says goodbye to everyone and waits until the channels are gone. */
  async stop(): Promise<void> {
    this.#running = false
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]()
    for (const contact of this.#contacts.values()) {
      contact.cancelRetry()
      contact.session?.close({ cause: 'closed-by-us', refusal: { code: 'stopping', reason: 'the peer is stopping' } })
    }
    await Promise.all(this.#farewells)
    this.#contacts.clear()
  }

  contact(peer: PeerId): Contact | undefined {
    return this.#contacts.get(peer)
  }

  presence(): readonly PeerPresence[] {
    return [...this.#contacts.values()].map((contact) => contact.presence())
  }

  /** The link is at fault and not the peer: closes it, and dials anew; whoever keeps links goes on from there. */
  renew(peer: PeerId, reason: string, addresses: readonly string[]): void {
    const { transport, log } = this.#use
    const contact = this.#contacts.get(peer)
    const { link } = contact ?? {}
    const known = link?.direction === 'outbound' ? [link.address, ...addresses] : addresses
    contact?.session?.close({ cause: 'lost', reason })
    transport
      .disconnect(peer, reason)
      .then(() => (this.#running ? transport.dial(peer, [...new Set(known)]) : undefined))
      .catch((error: unknown) => log.debug({ peer, reason: reasonOf(error) }, 'the link could not be renewed'))
  }

  reconsider(): void {
    for (const contact of this.#contacts.values()) {
      contact.refusedAt = undefined
      contact.cancelRetry()
      this.#consider(contact)
    }
  }

  #onLink(link: Link): void {
    const contact = this.#contactOf(link.peer)
    contact.link = link
    if (contact.state === 'offline') contact.become('connecting', undefined, this.#use.clock.now())
    this.#consider(contact)
  }

  #onLinkLost(peer: PeerId, reason: string): void {
    const contact = this.#contacts.get(peer)
    if (contact === undefined) return
    contact.link = undefined
    contact.session?.close({ cause: 'lost', reason })
    contact.cancelRetry()
    contact.become('offline', reason, this.#use.clock.now())
  }

  #onOtherLink(link: Link): void {
    const contact = this.#contactOf(link.peer)
    contact.link = link
    this.#moveLanes(contact)
  }

  /** From a relayed link to a direct one. The other way there is nothing to move: the lanes were lost with the link. */
  #moveLanes(contact: Contact): void {
    const { link, session, sessionLink, peer } = contact
    if (session?.isReady !== true || link?.kind !== 'direct' || sessionLink?.kind !== 'relayed') return
    contact.sessionLink = link
    session.move().catch((error: unknown) => {
      this.#use.log.debug({ peer, reason: reasonOf(error) }, 'the lanes were not moved to the direct link')
    })
  }

  /** Brings a contact to where admission says it should be. */
  #consider(contact: Contact): void {
    if (!this.#running || contact.link === undefined) return
    const verdict = this.#use.admission.mayTakePart(contact.peer)
    if (!verdict.allowed) {
      contact.cancelRetry()
      const { session } = contact
      contact.become('refused', verdict.reason, this.#use.clock.now())
      if (session === undefined) return
      session.close({ cause: 'closed-by-us', refusal: { code: 'not-admitted', reason: verdict.reason } })
      this.#reportRefusal(contact, verdict.reason)
      return
    }
    if (contact.session !== undefined || contact.retry !== undefined) return
    const wait = contact.penaltyUntil - this.#use.clock.monotonic()
    if (wait > 0) this.#retryIn(contact, wait)
    else this.#begin(contact)
  }

  /** Opens our lanes to the peer, as the first half of a new session. */
  #begin(contact: Contact): Session {
    contact.cancelRetry()
    const session = new Session(
      {
        peer: contact.peer,
        ownName: this.#init.ownName,
        user: () => this.#init.user(contact, session),
        onReady: () => this.#onReady(contact, session),
        onEnd: (_, end) => this.#onEnd(contact, session, end),
      },
      this.#use,
    )
    contact.session = session
    contact.sessionLink = contact.link
    if (contact.state !== 'refused') contact.become('connecting', contact.reason, this.#use.clock.now())
    void session.open()
    return session
  }

  #onReady(contact: Contact, session: Session): void {
    contact.name = session.peerName
    contact.become('ready', undefined, this.#use.clock.now())
    this.#init.onReady(session)
    this.#moveLanes(contact)
  }

  #onEnd(contact: Contact, session: Session, end: SessionEnd): void {
    const { clock, events, log } = this.#use
    const reason = end.cause === 'closed-by-us' ? end.refusal.reason : end.reason
    if (contact.session === session) contact.session = undefined
    this.#track(session.farewell)
    this.#init.onEnd(session)
    if (session.readyAt !== undefined && clock.monotonic() - session.readyAt >= STABLE_MS) contact.backoff.reset()
    log.debug({ peer: contact.peer, cause: end.cause, reason }, 'lanes closed')
    if (end.cause === 'refused-by-them') contact.become('refused', reason, clock.now())
    else if (!isNotAdmitted(end)) contact.become(contact.link ? 'connecting' : 'offline', reason, clock.now())
    if (!isNotAdmitted(end)) this.#tryAgain(contact, end)
    if (session.readyAt !== undefined) events.emit('peer:lost', { peer: contact.peer, reason })
    if (end.cause === 'refused-by-them') events.emit('peer:refused', { peer: contact.peer, reason, by: 'them' })
  }

  #tryAgain(contact: Contact, end: SessionEnd): void {
    const delayMs = contact.backoff.next(retryCauseOf(end))
    if (retryCauseOf(end) === 'fault') {
      this.#use.counters.faults++
      contact.penaltyUntil = this.#use.clock.monotonic() + delayMs
    }
    this.#retryIn(contact, delayMs)
  }

  #retryIn(contact: Contact, delayMs: number): void {
    contact.cancelRetry()
    if (!this.#running || contact.link === undefined) return
    contact.retry = this.#use.clock.setTimer(delayMs, () => {
      contact.retry = undefined
      this.#consider(contact)
    })
  }

  /** A stream of the lane protocol that a peer opened. */
  async #onChannel(channel: Channel): Promise<void> {
    const hello = await this.#readHello(channel)
    if (typeof hello === 'string') return channel.abort(new BusError('ERR_LANE_PROTOCOL', hello))
    const contact = this.#contactOf(channel.peer)
    const refusal = this.#refusalOf(contact, hello)
    if (refusal !== undefined) return this.#turnAway(contact, channel, refusal)
    await this.#letIn(contact, hello, channel)
  }

  async #letIn(contact: Contact, hello: Hello, channel: Channel): Promise<void> {
    const { session: known } = contact
    if (hello.lane === 'control' && known?.hasIncoming('control') && !known.belongs(hello)) {
      const reason = 'the peer opened new lanes'
      known.close({ cause: 'closed-by-us', refusal: { code: 'superseded', reason } })
    }
    if (contact.session === undefined) contact.promptedAt = this.#use.clock.monotonic()
    const { session = this.#begin(contact) } = contact
    await session.accept(hello, channel)
  }

  /** Why a lane is not let in, if so. */
  #refusalOf(contact: Contact, hello: Hello): Refusal | undefined {
    const { admission, clock } = this.#use
    const verdict = admission.mayTakePart(contact.peer)
    if (!verdict.allowed) return { code: 'not-admitted', reason: verdict.reason }
    if (contact.penaltyUntil > clock.monotonic()) {
      return { code: 'protocol', reason: contact.reason ?? 'the peer broke the protocol a moment ago' }
    }
    const { session } = contact
    if (hello.lane === 'control') return session === undefined ? this.#hasteOf(contact) : undefined
    const fits = session?.belongs(hello) === true
    return fits ? undefined : { code: 'superseded', reason: 'the lane belongs to no session that is open' }
  }

  /** Why a peer must wait before a new session is begun at its prompting, if so. */
  #hasteOf(contact: Contact): Refusal | undefined {
    if (this.#sessions >= SESSIONS_MAX) return { code: 'busy', reason: `${SESSIONS_MAX} peers are connected already` }
    const since = this.#use.clock.monotonic() - (contact.promptedAt ?? Number.NEGATIVE_INFINITY)
    return since < PROMPTED_MS ? { code: 'busy', reason: 'lanes were opened a moment ago' } : undefined
  }

  async #turnAway(contact: Contact, channel: Channel, refusal: Refusal): Promise<void> {
    this.#use.counters.refusals++
    if (refusal.code === 'not-admitted') {
      contact.become('refused', refusal.reason, this.#use.clock.now())
      this.#reportRefusal(contact, refusal.reason)
    }
    await refuse(channel, refusal, this.#use.clock)
  }

  #reportRefusal(contact: Contact, reason: string): void {
    const now = this.#use.clock.monotonic()
    if (contact.refusedAt !== undefined && now - contact.refusedAt < REFUSAL_REPORT_MS) return
    contact.refusedAt = now
    this.#use.events.emit('peer:refused', { peer: contact.peer, reason, by: 'us' })
  }

  /** The HELLO that a lane must begin with, or why there is none. Never rejects. */
  async #readHello(channel: Channel): Promise<Hello | string> {
    if (this.#handshakes >= HANDSHAKES_MAX) return 'too many peers are opening lanes'
    this.#handshakes++
    const { clock, counters, log } = this.#use
    try {
      const hello = await withDeadline(readHello(channel), { clock, timeoutMs: HANDSHAKE_TIMEOUT_MS, what: 'HELLO' })
      return this.#running ? hello : 'the bus is stopping'
    } catch (error) {
      counters.faults++
      log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a lane began badly')
      return reasonOf(error)
    } finally {
      this.#handshakes--
    }
  }

  get #sessions(): number {
    let count = 0
    for (const { session } of this.#contacts.values()) if (session !== undefined) count++
    return count
  }

  #contactOf(peer: PeerId): Contact {
    const known = this.#contacts.get(peer)
    if (known !== undefined) return known
    if (this.#contacts.size >= CONTACTS_MAX) this.#forgetOne()
    const contact = new Contact({ peer, random: this.#use.random, now: this.#use.clock.now() })
    contact.link = this.#use.transport.links().find((link) => link.peer === peer)
    this.#contacts.set(peer, contact)
    return contact
  }

  /** Makes room: forgets the first peer without a link. Linked ones are bounded by the transport. */
  #forgetOne(): void {
    for (const [peer, contact] of this.#contacts) {
      if (contact.session !== undefined || contact.link !== undefined) continue
      this.#contacts.delete(peer)
      return
    }
  }

  #track(farewell: Promise<void>): void {
    this.#farewells.add(farewell)
    void farewell.then(() => this.#farewells.delete(farewell))
  }
}

/** Then there is nothing to try until admission changes its mind. */
function isNotAdmitted(end: SessionEnd): boolean {
  return end.cause === 'closed-by-us' && end.refusal.code === 'not-admitted'
}

function retryCauseOf(end: SessionEnd): RetryCause {
  if (end.cause === 'refused-by-them') return 'refused'
  return end.cause === 'closed-by-us' && end.refusal.code === 'protocol' ? 'fault' : 'lost'
}
