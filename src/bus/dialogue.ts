import { type Clock, type Events, type Logger, type PeerId, type Random, reasonOf, shortPeerId } from '../base/index.ts'
import { Answers } from './answers.ts'
import type { Contact } from './contact.ts'
import { type Counters, countIn } from './counters.ts'
import { Delivery, type Dispatcher } from './dispatcher.ts'
import type { Lanes } from './dissemination/lanes.ts'
import { numberOf } from './dissemination/numbering.ts'
import type { Tree } from './dissemination/tree.ts'
import { parseMark } from './dissemination/tree-frames.ts'
import { parseEnvelope } from './envelope.ts'
import type { BusError } from './errors.ts'
import { bodyOf, creditFrame, FRAME, idOf, parseCredit, parseToken } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
import type { FrameOutcome } from './inbound-lane.ts'
import type { Inbox } from './inbox.ts'
import { type Introducer, type Introduction, introductionsFrame, parseIntroductions } from './introductions.ts'
import type { KindTable } from './kind-table.ts'
import { outgoing } from './lane-queue.ts'
import { INTRODUCTION_BURST } from './limits.ts'
import type { OnceTable } from './once-table.ts'
import type { Verdict } from './presence/suspicion.ts'
import { type InFlight, Questions } from './questions.ts'
import type { Routing } from './routing/routing.ts'
import { LANE_OF } from './scheduler.ts'
import type { Session, SessionUser } from './session.ts'
import type { Admission, BusEvents, Lane, Message, Responder } from './types.ts'
import { withSoundTrace } from './untrusted-trace.ts'

/** Above this the control lane is for what cannot be done without. */
const CONTROL_SPARE_FILL = 0.5
const SILENT = 'no sign of life; others are asked whether they reach it'

export interface DialogueComponents {
  readonly contact: Contact
  readonly session: Session
  readonly admission: Admission
  readonly inbox: Inbox
  readonly dispatcher: Dispatcher
  readonly lanes: Lanes
  readonly tree: Tree
  readonly responders: KindTable<Responder>
  readonly once: OnceTable
  readonly introducer: Introducer
  readonly routing: Routing
  /** The link to a peer is at fault, and not the peer: make a new one. */
  readonly renew: (peer: PeerId, reason: string) => void
  readonly inFlight: InFlight
  readonly counters: Counters
  readonly events: Events<BusEvents>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Everything that is said over one ready session: sorts the peer's frames to whom they concern. */
export class Dialogue implements SessionUser {
  readonly session: Session
  readonly questions: Questions
  readonly answers: Answers
  readonly heartbeat: Heartbeat
  readonly #use: DialogueComponents
  #introductionsLeft = INTRODUCTION_BURST
  /** Who last vouched for the peer. */
  #voucher: PeerId | undefined
  #expired = 0

  constructor(components: DialogueComponents) {
    const { contact, session, clock, random, log, counters, inFlight, responders, once } = components
    const { outbox, peer } = session
    const control = (frame: Uint8Array): void => this.#control(frame)
    this.#use = components
    this.session = session
    this.questions = new Questions({ peer, outbox, clock, counters, inFlight, control })
    this.answers = new Answers({ peer, outbox, responders, once, clock, log, counters, inFlight })
    this.heartbeat = new Heartbeat({
      clock,
      random,
      control,
      bytesIn: () => session.bytesIn,
      onRtt: (smoothedMs, rttMs) => {
        contact.rttMs = smoothedMs
        outbox.measured(rttMs)
      },
      onVerdict: (verdict) => this.#onVerdict(verdict),
    })
    outbox.onBulk = () => this.heartbeat.probe()
  }

  get isSuspected(): boolean {
    return this.heartbeat.isSuspected
  }

  get rttMs(): number | undefined {
    return this.#use.contact.rttMs
  }

  start(): void {
    this.heartbeat.start()
    this.introduce(this.#use.introducer.greeting(this.session.peer))
  }

  /** Sends a frame of little account on the control lane; left out, and counted, when that is half full. */
  tell(frame: Uint8Array): boolean {
    const { outbox } = this.session
    const hasRoom = outbox.scheduler.fill('control') < CONTROL_SPARE_FILL
    if (hasRoom && outbox.offer('control', outgoing(frame, Number.POSITIVE_INFINITY))) return true
    this.#use.counters.droppedFull++
    return false
  }

  /** The peer broke the protocol, as was found after its frame was taken. */
  breach(reason: string): void {
    this.session.close({ cause: 'closed-by-us', refusal: { code: 'protocol', reason } })
  }

  introduce(introductions: readonly Introduction[]): void {
    if (introductions.length > 0) this.#control(introductionsFrame(introductions))
  }

  sayLinks(frame: Uint8Array): void {
    this.#control(frame)
  }

  /** Another peer reached this one, which does not answer us. */
  vouched(by: PeerId): void {
    this.#voucher = by
    this.heartbeat.vouched()
  }

  /** Lets go of whatever takes too long. Returns whether something expired in our lanes since it was last called. */
  expire(): boolean {
    const { expired } = this.session.outbox.scheduler
    const hasLapsed = expired > this.#expired
    this.#expired = expired
    this.#introductionsLeft = Math.min(INTRODUCTION_BURST, this.#introductionsLeft + 1)
    this.session.releaseStuck()
    this.answers.expire()
    return hasLapsed
  }

  onFrame(lane: Lane, type: number, payload: Buffer): FrameOutcome {
    try {
      return lane === 'control' ? this.#onControl(type, payload) : this.#onData(lane, type, payload)
    } catch (error) {
      // Ours, not the peer's: a component that we asked (admission, a listener) threw.
      this.#use.log.error({ peer: this.session.peer, reason: reasonOf(error) }, 'a frame could not be handled')
      this.#use.counters.handlerFailures++
      return undefined
    }
  }

  dispatch(delivery: Delivery): void {
    this.#use.dispatcher.post(delivery)
  }

  onCredit(bytes: number): void {
    this.#control(creditFrame(bytes))
  }

  onEnd(error: BusError): void {
    this.heartbeat.stop(error)
    this.questions.close(error)
    this.answers.close(error)
  }

  #onData(lane: Exclude<Lane, 'control'>, type: number, payload: Buffer): FrameOutcome {
    countIn(this.#use.counters, lane)
    if (type === FRAME.message || type === FRAME.request || type === FRAME.requestOnce) {
      const received = parseEnvelope(payload, this.session.peer)
      const message = received === undefined ? undefined : withSoundTrace(received, this.#use.counters)
      if (message === undefined) return 'an envelope that cannot be read'
      if (LANE_OF[message.priority] !== lane) return `priority ${message.priority} does not travel here`
      if (type === FRAME.message) return this.#onMessage(message)
      return message.topic === '' ? this.answers.accept(message, type === FRAME.requestOnce) : 'a request with a topic'
    }
    if (type === FRAME.spread) return this.#use.tree.onSpread(this, lane, payload)
    if (type === FRAME.relay) return this.#use.routing.onRelay(this, lane, payload)
    if (type === FRAME.mark) return this.#onMark(payload)
    if (type < FRAME.answer || type > FRAME.cancel) return `frame type ${type} does not travel here`
    const id = idOf(payload)
    if (id === undefined) return 'a reply without an id'
    if (type !== FRAME.cancel) return this.questions.onReply(type, id, bodyOf(payload))
    this.answers.onCancel(id)
    return undefined
  }

  #onMessage(message: Message): FrameOutcome {
    if (message.topic !== '') {
      const number = numberOf(message.id)
      if (number < 1) return 'a message without a number'
      if (!this.#use.lanes.heard(message, number)) {
        this.#use.counters.duplicates++
        return undefined
      }
    }
    return new Delivery(message.priority, () => this.#use.inbox.accept(message))
  }

  #onMark(payload: Buffer): string | undefined {
    const mark = parseMark(payload)
    if (mark === undefined) return 'a MARK that cannot be read'
    this.#use.lanes.marked(this.session.peer, mark)
    return undefined
  }

  #onControl(type: number, payload: Buffer): string | undefined {
    if (type === FRAME.credit) return this.#onCreditFrame(payload)
    if (type === FRAME.addresses) return this.#onAddresses(payload)
    if (type >= FRAME.announce && type <= FRAME.want) {
      return this.#use.tree.onControl(this, type, payload)
    }
    if (type >= FRAME.relayRefused && type <= FRAME.links) return this.#use.routing.onControl(this, type, payload)
    if (type !== FRAME.ping && type !== FRAME.pong) return `frame type ${type} does not travel here`
    const token = parseToken(payload)
    if (token === undefined) return 'a heartbeat that cannot be read'
    if (type === FRAME.ping) this.heartbeat.onPing(token)
    else this.heartbeat.onPong(token)
    return undefined
  }

  #onCreditFrame(payload: Buffer): string | undefined {
    const credit = parseCredit(payload)
    if (credit === undefined) return 'credit that cannot be read'
    const { stream, bytes } = credit
    const honest = stream === undefined ? this.session.outbox.grant(bytes) : this.answers.onCredit(stream, bytes)
    return honest ? undefined : 'credit for more than was sent'
  }

  #onAddresses(payload: Buffer): string | undefined {
    const { admission, events, introducer, counters } = this.#use
    if (this.#introductionsLeft === 0) {
      counters.droppedAddresses++
      return undefined
    }
    this.#introductionsLeft--
    const introductions = parseIntroductions(payload)
    if (introductions === undefined) return 'addresses that cannot be read'
    const { peer } = this.session
    for (const about of introductions) {
      if (about.peer === peer) introducer.learn(peer, about.addresses)
      const wanted = about.peer !== introducer.self && admission.mayTakePart(about.peer).allowed
      if (wanted) events.emit('peer:addresses', about)
      else counters.droppedAddresses++
    }
    return undefined
  }

  #onVerdict(verdict: Exclude<Verdict, 'fine'>): void {
    const { contact, clock, events, routing, renew } = this.#use
    const { peer } = this.session
    const via = this.#voucher
    if (verdict === 'gone') {
      this.session.close({ cause: 'lost', reason: 'no sign of life, and nobody who was asked reaches it' })
      return
    }
    if (verdict === 'link-fault') {
      events.emit('peer:recovered', { peer, via })
      renew(peer, `its link to us is silent, but ${via === undefined ? 'another' : shortPeerId(via)} reaches it`)
      return
    }
    if (verdict !== 'recovered') routing.probes.ask(peer)
    if (verdict === 'still-suspected') return
    const [state, reason] = verdict === 'suspected' ? (['suspected', SILENT] as const) : (['ready', undefined] as const)
    contact.become(state, reason, clock.now())
    routing.doubted(peer)
    if (verdict === 'suspected') {
      events.emit('peer:suspected', { peer, reason: SILENT })
    } else {
      routing.probes.forget(peer)
      events.emit('peer:recovered', { peer, via: undefined })
    }
  }

  #control(frame: Uint8Array): void {
    if (this.session.isOver || this.session.outbox.offer('control', outgoing(frame, Number.POSITIVE_INFINITY))) return
    this.session.close({ cause: 'lost', reason: 'the peer does not read its control lane' })
  }
}
