import {
  abortable,
  type Clock,
  type ComponentState,
  type ComponentStatus,
  Events,
  type Logger,
  type PeerId,
  plainLine,
  type Random,
  type StartOptions,
  silentLogger,
  systemClock,
  systemRandom,
  type Timer,
} from '../base/index.ts'
import { NAME_MAX_CHARS, type Signer, type Verifier, verifier } from '../identity/index.ts'
import type { OpenTopics, Transport } from '../network/index.ts'
import { Composer } from './composer.ts'
import type { Contact } from './contact.ts'
import { Correspondence } from './correspondence.ts'
import { addSent, type Counters, counters } from './counters.ts'
import { Dialogue } from './dialogue.ts'
import { Dispatcher } from './dispatcher.ts'
import { MissedReports } from './dissemination/missed-reports.ts'
import { Publishing } from './dissemination/publishing.ts'
import { BusError } from './errors.ts'
import { Inbox } from './inbox.ts'
import { Introducer } from './introductions.ts'
import { KindTable } from './kind-table.ts'
import { HOUSEKEEPING_MS, PACE_MAX_MS } from './limits.ts'
import { membersOnly } from './members-only.ts'
import { OnceTable } from './once-table.ts'
import { OverloadReports } from './overload-reports.ts'
import { Peers } from './peers.ts'
import type { InFlight } from './questions.ts'
import { Routing } from './routing/routing.ts'
import { LANE_OF } from './scheduler.ts'
import { Seals } from './seals.ts'
import type { Session } from './session.ts'
import { statusOf } from './status.ts'
import { Subscriptions } from './subscriptions.ts'
import { tracedResponder } from './traced-responder.ts'
import type {
  Admission,
  Bus,
  BusEvents,
  Lane,
  Message,
  MessageHandler,
  PeerPresence,
  PublishReport,
  QueryOptions,
  QueryResult,
  RequestOptions,
  Responder,
  SendOptions,
  SingleRequestOptions,
  SubscribeOptions,
  Subscription,
} from './types.ts'

export interface BusInit {
  /** What other peers see as our name; untrusted there, at most 64 characters. */
  readonly name: string
  /** Members of a group whom a publisher reaches directly; to more it publishes along a tree. Default 32. */
  readonly directMembersMax?: number
}

export interface BusComponents {
  readonly transport: Transport
  /** Who may take part; `openAdmission` lets in everybody. */
  readonly admission: Admission
  /** The device's: signs what goes through others. Without one, what we publish reaches only peers with lanes to us. */
  readonly signer?: Signer
  /** Checks what came through others; one of its own by default. */
  readonly verifier?: Verifier
  /** Carries the topics that anybody may speak on. Without it there are none. */
  readonly openTopics?: OpenTopics
  /** Default: the system's, as for `random`. */
  readonly clock?: Clock
  readonly random?: Random
  /** Default: none. */
  readonly log?: Logger
}

type Equipped = BusComponents & Required<Pick<BusComponents, 'clock' | 'random' | 'log'>>

/**
 * The bus over a transport. Start it after the transport and stop it before: it opens lanes to every linked peer that
 * `admission` lets take part (docs/specs/bus.md).
 */
export function createBus(init: BusInit): (components: BusComponents) => Bus {
  return (components) =>
    new LaneBus(init, { clock: systemClock(), random: systemRandom(), log: silentLogger(), ...components })
}

/** From here on a publisher that awaits is held back. */
const PACE_FILL = 0.5

class LaneBus implements Bus {
  readonly name = 'bus'
  readonly self: PeerId
  readonly events: Events<BusEvents>
  readonly #use: Equipped
  readonly #counters: Counters = counters()
  readonly #inFlight: InFlight = { asked: 0, answering: 0 }
  readonly #responders = new KindTable<Responder>('answers')
  readonly #once = new OnceTable()
  /** Ready peers. */
  readonly #dialogues = new Map<PeerId, Dialogue>()
  readonly #composer: Composer
  readonly #subscriptions: Subscriptions
  readonly #inbox: Inbox
  readonly #dispatcher: Dispatcher
  readonly #introducer: Introducer
  readonly #overloads: OverloadReports
  readonly #publishing: Publishing
  readonly #peers: Peers
  readonly #routing: Routing
  readonly #correspondence: Correspondence
  #state: ComponentState = 'stopped'
  #since: number
  #stopping: Promise<void> = Promise.resolve()
  #housekeeping: Timer | undefined
  #ownAddresses: Disposable | undefined

  constructor(init: BusInit, components: Equipped) {
    const { transport, openTopics, clock, random } = components
    const admission = membersOnly(components.admission)
    const log = components.log.child({ module: 'bus' })
    const shared = { ...components, admission, log, counters: this.#counters }
    this.self = transport.self
    this.events = new Events(log)
    this.#use = { ...components, admission, log }
    this.#since = clock.now()
    this.#composer = new Composer({ self: this.self, clock, random })
    this.#subscriptions = new Subscriptions(shared)
    this.#inbox = new Inbox({ ...shared, subscriptions: this.#subscriptions, hybridClock: this.#composer.hybridClock })
    this.#dispatcher = new Dispatcher(shared)
    this.#introducer = new Introducer({ self: this.self, admission, ownAddresses: () => transport.addresses() })
    this.#overloads = new OverloadReports({ events: this.events })
    const { hybridClock } = this.#composer
    const { signer, verifier: checks = verifier() } = components
    const ways = {
      ...shared,
      self: this.self,
      hybridClock,
      seals: new Seals({ signer, verifier: checks, clock, hybridClock }),
      dialogues: this.#dialogues,
      missed: new MissedReports({ ...shared, events: this.events }),
      deliver: (message: Message) => this.#subscriptions.deliver(message),
      onFull: (peer: PeerId, lane: Lane) => this.#dropped(peer, lane),
    }
    this.#publishing = new Publishing({ directMembersMax: init.directMembersMax, openTopics }, ways)
    this.#routing = new Routing({
      ...ways,
      log,
      inbox: this.#inbox,
      responders: this.#responders,
      once: this.#once,
      inFlight: this.#inFlight,
      events: this.events,
    })
    this.#peers = new Peers(
      {
        ownName: plainLine(init.name, NAME_MAX_CHARS),
        user: (contact, session) => this.#begin(contact, session),
        onReady: ({ peer, peerName }) => this.#greet(peer, peerName),
        onEnd: (session) => this.#end(session),
      },
      { ...shared, events: this.events },
    )
    this.#correspondence = new Correspondence({
      ...ways,
      composer: this.#composer,
      routing: this.#routing,
      peers: this.#peers,
      assertRunning: () => this.#assertRunning(),
      events: this.events,
    })
  }

  async start(options: StartOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#state !== 'stopped') return
    this.#become('ok')
    this.#ownAddresses = this.#use.transport.events.on('self:addresses', () => this.#introducer.ownAddressesChanged())
    this.#peers.start()
    this.#publishing.start()
    this.#armHousekeeping()
  }

  async stop(options: StartOptions = {}): Promise<void> {
    if (this.#state === 'ok') this.#stopping = this.#shutDown()
    await abortable(this.#stopping, options.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const dialogues = [...this.#dialogues.values()]
    return statusOf({
      state: this.#state,
      since: this.#since,
      counters: this.#counters,
      dialogues,
      more: { ...this.#publishing.figures, ...this.#subscriptions.figures },
      presence: this.presence(),
    })
  }

  async publish(topic: string, kind: string, body: Uint8Array, options: SendOptions = {}): Promise<PublishReport> {
    this.#assertRunning()
    if (topic === '') throw new BusError('ERR_TOPIC_INVALID', 'a topic is needed; to reach one peer use send')
    const draft = this.#composer.draft(topic, kind, body, options)
    const dispatching = this.#publishing.publish(draft)
    const { message, sent, skipped, roomiest } = dispatching instanceof Promise ? await dispatching : dispatching
    if (this.#subscriptions.wants(topic)) await this.#subscriptions.deliver({ ...message, body: body.slice() })
    const lane = LANE_OF[message.priority]
    if (roomiest !== undefined && roomiest.scheduler.fill(lane) >= PACE_FILL) await roomiest.relieved(lane, PACE_MAX_MS)
    return { sent, skipped }
  }

  subscribe(pattern: string, options: SubscribeOptions = {}, handler?: MessageHandler): Subscription {
    return this.#subscriptions.add(pattern, options, handler)
  }

  send(peer: PeerId, kind: string, body: Uint8Array, options: SendOptions = {}): Promise<void> {
    return this.#correspondence.send(peer, kind, body, options)
  }

  receive(kind: string, handler: MessageHandler): Disposable {
    return this.#inbox.receive(kind, handler)
  }

  request(peer: PeerId, kind: string, body: Uint8Array, options: SingleRequestOptions = {}): Promise<Uint8Array> {
    return this.#correspondence.request(peer, kind, body, options)
  }

  requestStream(peer: PeerId, kind: string, body: Uint8Array, options: RequestOptions = {}): AsyncIterable<Uint8Array> {
    return this.#correspondence.requestStream(peer, kind, body, options)
  }

  respond(kind: string, responder: Responder): Disposable {
    return this.#responders.add(kind, tracedResponder(kind, responder, this.#use))
  }

  query(peers: readonly PeerId[], kind: string, body: Uint8Array, options: QueryOptions = {}): Promise<QueryResult> {
    return this.#correspondence.query(peers, kind, body, options)
  }

  ping(peer: PeerId, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return this.#correspondence.ping(peer, options.signal)
  }

  presence(): readonly PeerPresence[] {
    return this.#routing.presence(this.#peers.presence(), this.#since)
  }

  reconsider(): void {
    this.#peers.reconsider()
    this.#routing.reconsider()
    this.#publishing.reconsider()
  }

  #begin(contact: Contact, session: Session): Dialogue {
    const dialogue = new Dialogue({
      ...this.#use,
      contact,
      session,
      inbox: this.#inbox,
      dispatcher: this.#dispatcher,
      once: this.#once,
      lanes: this.#publishing.lanes,
      tree: this.#publishing.tree,
      responders: this.#responders,
      introducer: this.#introducer,
      routing: this.#routing,
      renew: (peer, reason) => this.#peers.renew(peer, reason, this.#introducer.addressesOf(peer)),
      inFlight: this.#inFlight,
      counters: this.#counters,
      events: this.events,
    })
    this.#dialogues.set(session.peer, dialogue)
    return dialogue
  }

  #greet(peer: PeerId, name: string | undefined): void {
    this.#dialogues.get(peer)?.start()
    this.#publishing.welcome(peer)
    this.#routing.welcome(peer)
    this.events.emit('peer:ready', { peer, name })
  }

  #end(session: Session): void {
    const total = this.#counters
    total.bytesIn += session.bytesIn
    total.bytesOut += session.outbox.bytesOut
    addSent(total, session.outbox.scheduler)
    total.handlersStuck += session.stuckHandlers
    total.droppedExpired += session.outbox.scheduler.expired
    total.droppedLost += session.outbox.scheduler.queuedFrames
    if (this.#dialogues.get(session.peer)?.session !== session) return
    this.#dialogues.delete(session.peer)
    this.#introducer.forget(session.peer)
    this.#publishing.farewell(session.peer)
    this.#routing.farewell(session.peer)
  }

  #dropped(peer: PeerId, lane: Lane): string {
    this.#counters.droppedFull++
    this.#overloads.note(peer, lane)
    return `its ${lane} lane is full`
  }

  #armHousekeeping(): void {
    this.#housekeeping = this.#use.clock.setTimer(HOUSEKEEPING_MS, () => {
      this.#subscriptions.expire()
      this.#once.expire(this.#use.clock.monotonic())
      this.#publishing.keepHouse()
      this.#routing.keepHouse(this.presence())
      this.#overloads.flush()
      this.#tellNews()
      this.#armHousekeeping()
    })
  }

  #tellNews(): void {
    if (!this.#introducer.hasNews) return
    for (const dialogue of this.#dialogues.values()) dialogue.introduce(this.#introducer.news(dialogue.session.peer))
    this.#introducer.newsTold()
  }

  async #shutDown(): Promise<void> {
    this.#become('stopping')
    this.#housekeeping?.cancel()
    this.#ownAddresses?.[Symbol.dispose]()
    this.#subscriptions.close()
    const error = new BusError('ERR_BUS_STOPPED', 'the bus was stopped')
    this.#correspondence.stop(error)
    await this.#peers.stop()
    this.#dispatcher.stop()
    this.#publishing.stop()
    this.#routing.stop(error)
    this.#once.clear(error)
    this.#become('stopped')
  }

  #become(state: ComponentState): void {
    this.#state = state
    this.#since = this.#use.clock.now()
  }

  #assertRunning(): void {
    if (this.#state === 'ok') return
    throw new BusError('ERR_BUS_STOPPED', `the bus is ${this.#state}`, { fix: 'Start the node first.' })
  }
}
