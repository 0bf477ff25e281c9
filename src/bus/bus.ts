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
import { addSent, type Counters, counters } from './counters.ts'
import { Dialogue } from './dialogue.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Dissemination } from './dissemination/dissemination.ts'
import { Lanes } from './dissemination/lanes.ts'
import { MissedReports } from './dissemination/missed-reports.ts'
import { OpenMesh } from './dissemination/open-mesh.ts'
import { Tree } from './dissemination/tree.ts'
import { envelopeFrame } from './envelope.ts'
import { BusError } from './errors.ts'
import { FRAME } from './frames.ts'
import { Inbox } from './inbox.ts'
import { Introducer } from './introductions.ts'
import { KindTable } from './kind-table.ts'
import { outgoing } from './lane-queue.ts'
import { DIRECT_MEMBERS_MAX, HOUSEKEEPING_MS, PACE_MAX_MS } from './limits.ts'
import { membersOnly } from './members-only.ts'
import { OnceTable } from './once-table.ts'
import { OverloadReports } from './overload-reports.ts'
import { Peers } from './peers.ts'
import { query } from './query.ts'
import type { Ask, InFlight } from './questions.ts'
import { Repeats } from './repeats.ts'
import { Routing } from './routing/routing.ts'
import { LANE_OF } from './scheduler.ts'
import { Seals } from './seals.ts'
import type { Session } from './session.ts'
import { statusOf } from './status.ts'
import { Subscriptions } from './subscriptions.ts'
import { isOpenTopic } from './topics.ts'
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
  readonly #repeats: Repeats
  /** Ready peers. */
  readonly #dialogues = new Map<PeerId, Dialogue>()
  readonly #composer: Composer
  readonly #subscriptions: Subscriptions
  readonly #inbox: Inbox
  readonly #dispatcher: Dispatcher
  readonly #introducer: Introducer
  readonly #overloads: OverloadReports
  readonly #missed: MissedReports
  readonly #seals: Seals
  readonly #directMembersMax: number
  readonly #lanes: Lanes
  readonly #tree: Tree
  readonly #mesh: OpenMesh | undefined
  readonly #ways: readonly Dissemination[]
  readonly #peers: Peers
  readonly #routing: Routing
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
    this.#missed = new MissedReports({ ...shared, events: this.events })
    this.#repeats = new Repeats({ dialogue: (peer) => this.#dialogue(peer), events: this.events, clock })
    this.#directMembersMax = init.directMembersMax ?? DIRECT_MEMBERS_MAX
    const { hybridClock } = this.#composer
    const { signer, verifier: checks = verifier() } = components
    this.#seals = new Seals({ signer, verifier: checks, clock, hybridClock })
    const ways = {
      ...shared,
      self: this.self,
      hybridClock,
      seals: this.#seals,
      dialogues: this.#dialogues,
      missed: this.#missed,
      onFull: (peer: PeerId, lane: Lane) => this.#dropped(peer, lane),
    }
    const deliver = (message: Message): Promise<void> | undefined => this.#subscriptions.deliver(message)
    this.#lanes = new Lanes(ways)
    this.#tree = new Tree({ ...ways, deliver })
    this.#mesh = openTopics === undefined ? undefined : new OpenMesh({ ...ways, openTopics, deliver })
    this.#ways = [this.#lanes, this.#tree, ...(this.#mesh === undefined ? [] : [this.#mesh])]
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
  }

  async start(options: StartOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#state !== 'stopped') return
    this.#become('ok')
    this.#ownAddresses = this.#use.transport.events.on('self:addresses', () => this.#introducer.ownAddressesChanged())
    this.#peers.start()
    this.#mesh?.start()
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
      tree: { ...this.#tree.figures, ...this.#mesh?.figures },
      presence: this.presence(),
    })
  }

  async publish(topic: string, kind: string, body: Uint8Array, options: SendOptions = {}): Promise<PublishReport> {
    this.#assertRunning()
    if (topic === '') throw new BusError('ERR_TOPIC_INVALID', 'a topic is needed; to reach one peer use send')
    const draft = this.#composer.draft(topic, kind, body, options)
    const group = this.#use.admission.groupOf?.(topic) ?? topic
    const way = isOpenTopic(topic) ? this.#openWay(topic) : this.#wayTo(group)
    const dispatching = way.publish(draft, group)
    const { message, sent, skipped, roomiest } = dispatching instanceof Promise ? await dispatching : dispatching
    if (this.#subscriptions.wants(topic)) await this.#subscriptions.deliver({ ...message, body: body.slice() })
    const lane = LANE_OF[message.priority]
    if (roomiest !== undefined && roomiest.scheduler.fill(lane) >= PACE_FILL) await roomiest.relieved(lane, PACE_MAX_MS)
    return { sent, skipped }
  }

  subscribe(pattern: string, options: SubscribeOptions = {}, handler?: MessageHandler): Subscription {
    return this.#subscriptions.add(pattern, options, handler)
  }

  async send(peer: PeerId, kind: string, body: Uint8Array, options: SendOptions = {}): Promise<void> {
    const dialogue = this.#dialogueOrWay(peer, options)
    const message = this.#composer.message('', kind, body, options)
    const frame = envelopeFrame(FRAME.message, message)
    const expiresAt = this.#use.clock.monotonic() + message.ttlMs
    if (dialogue === undefined) return this.#routing.remote.send(peer, message.priority, frame, expiresAt)
    const { session } = dialogue
    const entry = outgoing(frame, expiresAt)
    const wait = session.outbox.post(message.priority, entry, options.signal)
    if (wait !== undefined) await wait
    this.#counters.messagesOut++
  }

  receive(kind: string, handler: MessageHandler): Disposable {
    return this.#inbox.receive(kind, handler)
  }

  async request(peer: PeerId, kind: string, body: Uint8Array, options: SingleRequestOptions = {}): Promise<Uint8Array> {
    if (options.repeatable === true && !this.#isRemote(peer, options)) {
      return this.#repeats.request(peer, this.#composer.repeatableAsk(kind, body, options))
    }
    const dialogue = this.#dialogueOrWay(peer, options)
    return this.#ask(peer, dialogue, this.#composer.ask(kind, body, options))
  }

  async *requestStream(
    peer: PeerId,
    kind: string,
    body: Uint8Array,
    options: RequestOptions = {},
  ): AsyncGenerator<Uint8Array, void> {
    const { questions } = this.#dialogue(peer)
    yield* questions.stream(this.#composer.ask(kind, body, options))
  }

  respond(kind: string, responder: Responder): Disposable {
    return this.#responders.add(kind, tracedResponder(kind, responder, this.#use))
  }

  async query(
    peers: readonly PeerId[],
    kind: string,
    body: Uint8Array,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    this.#assertRunning()
    return query({
      peers,
      enough: options.enough,
      ask: this.#composer.ask(kind, body, options),
      request: async (peer, ask) => this.#ask(peer, this.#dialogueOrWay(peer, options), ask),
      clock: this.#use.clock,
    })
  }

  async ping(peer: PeerId, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return this.#dialogue(peer).heartbeat.ping(options.signal)
  }

  presence(): readonly PeerPresence[] {
    return this.#routing.presence(this.#peers.presence(), this.#since)
  }

  reconsider(): void {
    this.#peers.reconsider()
    this.#routing.reconsider()
    for (const way of this.#ways) way.reconsider()
  }

  #begin(contact: Contact, session: Session): Dialogue {
    const dialogue = new Dialogue({
      ...this.#use,
      contact,
      session,
      inbox: this.#inbox,
      dispatcher: this.#dispatcher,
      once: this.#once,
      lanes: this.#lanes,
      tree: this.#tree,
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
    for (const way of this.#ways) way.welcome(peer)
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
    for (const way of this.#ways) way.farewell(session.peer)
    this.#routing.farewell(session.peer)
  }

  /** Along a tree if there are many members, and directly if there are few or we do not know them. */
  #wayTo(group: string): Dissemination {
    const members = this.#use.admission.membersOf?.(group)
    const others = members === undefined ? 0 : members.size - 1
    return others > this.#directMembersMax && this.#seals.signer !== undefined ? this.#tree : this.#lanes
  }

  #openWay(topic: string): Dissemination {
    if (this.#mesh?.carries(topic) === true) return this.#mesh
    throw new BusError('ERR_TOPIC_INVALID', `${JSON.stringify(topic)} is not an open topic of this peer`, {
      fix: 'Name it in `openTopics` when the node is made, or use a topic that does not begin with "open".',
    })
  }

  /** The lanes of a peer; nothing if others pass on what is for it. Throws `ERR_PEER_NOT_READY` if it cannot be reached at all. */
  #dialogueOrWay(peer: PeerId, options: SendOptions): Dialogue | undefined {
    return this.#isRemote(peer, options) ? undefined : this.#dialogue(peer)
  }

  /** Do others pass on what is for this peer? */
  #isRemote(peer: PeerId, { direct }: SendOptions): boolean {
    return direct !== true && !this.#dialogues.has(peer) && this.#state === 'ok' && this.#routing.reaches(peer)
  }

  #ask(peer: PeerId, dialogue: Dialogue | undefined, ask: Ask): Promise<Uint8Array> {
    return dialogue === undefined ? this.#routing.remote.request(peer, ask) : dialogue.questions.request(ask)
  }

  #dialogue(peer: PeerId): Dialogue {
    this.#assertRunning()
    const dialogue = this.#dialogues.get(peer)
    if (dialogue !== undefined) return dialogue
    const { state, reason, fix } = this.#peers.contact(peer)?.presence() ?? {}
    const detail = reason === undefined ? (state ?? 'not connected') : `${state}: ${reason}`
    throw new BusError('ERR_PEER_NOT_READY', `the peer cannot be reached now (${detail})`, { fix })
  }

  #dropped(peer: PeerId, lane: Lane): string {
    this.#counters.droppedFull++
    this.#overloads.note(peer, lane)
    return `its ${lane} lane is full`
  }

  #armHousekeeping(): void {
    this.#housekeeping = this.#use.clock.setTimer(HOUSEKEEPING_MS, () => {
      for (const [peer, dialogue] of this.#dialogues) {
        if (dialogue.expire()) for (const way of this.#ways) way.lapsed(peer)
      }
      this.#subscriptions.expire()
      this.#once.expire(this.#use.clock.monotonic())
      for (const way of this.#ways) way.keepHouse()
      this.#routing.keepHouse(this.presence())
      this.#overloads.flush()
      this.#missed.flush()
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
    this.#repeats.stop(error)
    await this.#peers.stop()
    this.#dispatcher.stop()
    for (const way of this.#ways) way.stop()
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
