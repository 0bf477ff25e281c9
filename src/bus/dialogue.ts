import { type Clock, type Events, isTraceparent, type Logger, type Random, reasonOf } from '../base/index.ts'
import { Answers } from './answers.ts'
import type { Contact } from './contact.ts'
import type { Counters } from './counters.ts'
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
import { type InFlight, Questions } from './questions.ts'
import { LANE_OF } from './scheduler.ts'
import type { Session, SessionUser } from './session.ts'
import type { Admission, BusEvents, Lane, Message, Responder } from './types.ts'

export interface DialogueComponents {
  readonly contact: Contact
  readonly session: Session
  readonly admission: Admission
  readonly inbox: Inbox
  readonly responders: KindTable<Responder>
  readonly introducer: Introducer
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

  constructor(components: DialogueComponents) {
    const { contact, session, clock, random, log, counters, inFlight, responders } = components
    const { outbox, peer } = session
    const control = (frame: Uint8Array): void => this.#control(frame)
    this.#use = components
    this.session = session
    this.questions = new Questions({ peer, outbox, clock, counters, inFlight, control })
    this.answers = new Answers({ peer, outbox, responders, clock, log, counters, inFlight })
    this.heartbeat = new Heartbeat({
      clock,
      random,
      control,
      bytesIn: () => session.bytesIn,
      onRtt: (rttMs) => {
        contact.rttMs = rttMs
      },
      onSilence: (reason) => session.close({ cause: 'lost', reason }),
    })
  }

  start(): void {
    this.heartbeat.start()
    this.introduce(this.#use.introducer.greeting(this.session.peer))
  }

  introduce(introductions: readonly Introduction[]): void {
    if (introductions.length > 0) this.#control(introductionsFrame(introductions))
  }

  /** Lets go of whatever takes too long. */
  expire(): void {
    this.#introductionsLeft = Math.min(INTRODUCTION_BURST, this.#introductionsLeft + 1)
    this.session.releaseStuck()
    this.answers.expire()
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

  onCredit(bytes: number): void {
    this.#control(creditFrame(bytes))
  }

  onEnd(error: BusError): void {
    this.heartbeat.stop(error)
    this.questions.close(error)
    this.answers.close(error)
  }

  #onData(lane: Lane, type: number, payload: Buffer): FrameOutcome {
    if (type === FRAME.message || type === FRAME.request) {
      const received = parseEnvelope(payload, this.session.peer)
      const message = received === undefined ? undefined : this.#withTrace(received)
      if (message === undefined) return 'an envelope that cannot be read'
      if (LANE_OF[message.priority] !== lane) return `priority ${message.priority} does not travel here`
      if (type === FRAME.message) return this.#use.inbox.accept(message)
      return message.topic === '' ? this.answers.onRequest(message) : 'a request with a topic'
    }
    if (type < FRAME.answer || type > FRAME.cancel) return `frame type ${type} does not travel here`
    const id = idOf(payload)
    if (id === undefined) return 'a reply without an id'
    if (type !== FRAME.cancel) return this.questions.onReply(type, id, bodyOf(payload))
    this.answers.onCancel(id)
    return undefined
  }

  /** Without its trace if that is none: a trace is never a reason to lose a message. */
  #withTrace(message: Message): Message {
    if (message.trace === '' || isTraceparent(message.trace)) return message
    this.#use.counters.droppedTraces++
    return { ...message, trace: '' }
  }

  #onControl(type: number, payload: Buffer): string | undefined {
    if (type === FRAME.credit) return this.#onCreditFrame(payload)
    if (type === FRAME.addresses) return this.#onAddresses(payload)
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

  #control(frame: Uint8Array): void {
    if (this.session.isOver || this.session.outbox.offer('control', outgoing(frame, Number.POSITIVE_INFINITY))) return
    this.session.close({ cause: 'lost', reason: 'the peer does not read its control lane' })
  }
}
