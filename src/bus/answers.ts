import { type Clock, codeOf, encodeCbor, type Logger, type PeerId, PlexusError, reasonOf } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { Delivery } from './dispatcher.ts'
import { BusError } from './errors.ts'
import { FRAME, replyFrame } from './frames.ts'
import type { FrameOutcome } from './inbound-lane.ts'
import type { KindTable } from './kind-table.ts'
import { outgoing } from './lane-queue.ts'
import {
  ERROR_MESSAGE_MAX_CHARS,
  REQUEST_BODIES_MAX_BYTES,
  REQUESTS_PER_PEER,
  REQUESTS_TOTAL,
  STREAM_STALL_MS,
} from './limits.ts'
import type { OnceTable, Reply } from './once-table.ts'
import type { FrameSink } from './outbox.ts'
import type { InFlight } from './questions.ts'
import { Scope } from './scope.ts'
import { MESSAGE_MAX_BYTES, type Message, type Priority, type Responder } from './types.ts'

export interface AnswersComponents {
  readonly peer: PeerId
  readonly outbox: FrameSink
  readonly responders: KindTable<Responder>
  readonly once: OnceTable
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly inFlight: InFlight
}

/** The responder's half of request and response with one peer. */
export class Answers {
  readonly #use: AnswersComponents
  readonly #open = new Map<string, Scope>()
  #bodyBytes = 0

  constructor(components: AnswersComponents) {
    this.#use = components
  }

  /** Takes a request, which may be asked again if `repeatable`. */
  accept(request: Message, repeatable: boolean): FrameOutcome {
    const { id, kind, priority, from } = request
    this.#use.counters.requestsIn++
    if (repeatable && this.#use.once.join(from, id, this.#sender(request))) {
      this.#use.counters.requestsRepeated++
      return undefined
    }
    if (this.#open.has(id)) return 'a request id that is in use'
    const responder = this.#use.responders.get(kind)
    if (responder === undefined) {
      this.#use.counters.droppedUnhandled++
      return this.#refuse(request, new BusError('ERR_NO_RESPONDER', `nobody answers "${kind}" here`))
    }
    const scope = new Scope(request, this.#use.clock.monotonic() + request.ttlMs, repeatable)
    const isFull = this.#isFull(request.body.byteLength)
    if (isFull || (repeatable && !this.#use.once.begin(from, id, scope, this.#sender(request)))) {
      return this.#refuse(request, new BusError('ERR_OVERLOADED', 'too many requests are being answered'))
    }
    this.#open.set(id, scope)
    this.#bodyBytes += request.body.byteLength
    this.#use.inFlight.answering++
    return new Delivery(priority, () => {
      this.#answer(request, scope, responder)
      return undefined
    })
  }

  onCancel(id: string): void {
    const scope = this.#open.get(id)
    if (scope === undefined || scope.survives) this.#use.once.release(this.#use.peer, id)
    else scope.abort(new BusError('ERR_REQUEST_CANCELLED', 'the asker cancelled'))
  }

  /** Credit for a streamed answer; false if it is more than was spent. */
  onCredit(id: string, bytes: number): boolean {
    return this.#open.get(id)?.grant(bytes) ?? true
  }

  /** Aborts what is past its deadline. */
  expire(): void {
    const now = this.#use.clock.monotonic()
    for (const scope of this.#open.values()) {
      if (scope.deadline > now || scope.isAborted) continue
      this.#use.counters.handlersStuck++
      scope.abort(new BusError('ERR_REQUEST_TIMEOUT', 'the deadline of the request passed'))
    }
  }

  close(error: BusError): void {
    for (const scope of this.#open.values()) if (!scope.survives) scope.abort(error)
  }

  /** A responder keeps its place until it settles, also when the asker has gone: it is what bounds the work for one peer. */
  #isFull(bodyBytes: number): boolean {
    if (this.#open.size >= REQUESTS_PER_PEER || this.#use.inFlight.answering >= REQUESTS_TOTAL) return true
    return this.#bodyBytes > 0 && this.#bodyBytes + bodyBytes > REQUEST_BODIES_MAX_BYTES
  }

  /** Sends the reply to a repeatable request, however long the lane takes; if that is lost, it is asked for again. */
  #sender({ id, priority }: Message): (reply: Reply | 'forgotten') => void {
    return (reply) => {
      if (reply === 'forgotten') {
        this.#sendError(id, priority, new BusError('ERR_ANSWER_FORGOTTEN', 'it ran, and its answer was not kept'))
        return
      }
      const frame = replyFrame(reply.isError ? FRAME.error : FRAME.answer, id, reply.body)
      const entry = outgoing(frame, this.#use.clock.monotonic() + STREAM_STALL_MS)
      this.#use.outbox.post(priority, entry)?.catch(() => this.#use.counters.droppedLost++)
    }
  }

  #refuse({ id, priority }: Message, error: BusError): undefined {
    this.#sendError(id, priority, error)
  }

  /** Never throws. */
  #answer(request: Message, scope: Scope, responder: Responder): void {
    let answering: Promise<void>
    try {
      answering = scope.isAborted ? Promise.resolve() : this.#reply(request, scope, responder(request.body, scope))
    } catch (error) {
      answering = Promise.reject(error)
    }
    answering.then(
      () => this.#close(request),
      (error: unknown) => {
        const { from, id, priority } = request
        if (scope.survives) this.#use.once.finish(from, id, scope, { isError: true, body: this.#errorBody(error) })
        else if (!scope.isAborted) this.#sendError(id, priority, error)
        this.#close(request)
      },
    )
  }

  /** A promise for each step would cost as much as the rest of an answer: there is one. */
  #reply(request: Message, scope: Scope, result: ReturnType<Responder>): Promise<void> {
    const { id, priority } = request
    if (!(Symbol.asyncIterator in result))
      return Promise.resolve(result).then((body) => this.#send(request, scope, bounded(body)))
    if (!scope.survives) return this.#stream(id, priority, scope, result)
    throw new BusError('ERR_ANSWER_STREAMED', 'the answer comes in parts', { fix: 'Use requestStream.' })
  }

  #send({ from, id, priority }: Message, scope: Scope, body: Uint8Array): Promise<void> | undefined {
    if (scope.isAborted) return undefined
    if (!scope.survives)
      return this.#use.outbox.post(priority, outgoing(replyFrame(FRAME.answer, id, body), scope.deadline))
    this.#use.once.finish(from, id, scope, { isError: false, body })
    return undefined
  }

  #close({ id, body }: Message): void {
    this.#open.delete(id)
    this.#bodyBytes -= body.byteLength
    this.#use.inFlight.answering--
  }

  async #stream(id: string, priority: Priority, scope: Scope, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const { outbox, clock } = this.#use
    const post = async (frame: Uint8Array): Promise<void> => {
      const entry = outgoing(frame, Number.POSITIVE_INFINITY)
      if (!outbox.offer(priority, entry)) await outbox.post(priority, entry, scope.signal)
    }
    for await (const part of parts) {
      const frame = replyFrame(FRAME.answerPart, id, bounded(part))
      scope.deadline = clock.monotonic() + STREAM_STALL_MS
      await scope.spend(part.byteLength)
      await post(frame)
      scope.deadline = clock.monotonic() + STREAM_STALL_MS
    }
    await post(replyFrame(FRAME.answerEnd, id))
  }

  #sendError(id: string, priority: Priority, error: unknown): void {
    const frame = replyFrame(FRAME.error, id, this.#errorBody(error))
    const expiresAt = this.#use.clock.monotonic() + STREAM_STALL_MS
    if (!this.#use.outbox.offer(priority, outgoing(frame, expiresAt))) this.#use.counters.droppedFull++
  }

  /** Says what went wrong: codes and sentences of our own errors, of any other only that there was one. */
  #errorBody(error: unknown): Uint8Array {
    const known = error instanceof PlexusError
    if (!known) {
      this.#use.counters.handlerFailures++
      this.#use.log.warn({ peer: this.#use.peer, reason: reasonOf(error) }, 'a responder failed')
    }
    const message = known ? error.message.slice(0, ERROR_MESSAGE_MAX_CHARS) : 'the responder failed'
    return encodeCbor([codeOf(error), message.toWellFormed()])
  }
}

function bounded(body: Uint8Array): Uint8Array {
  if (body.byteLength <= MESSAGE_MAX_BYTES) return body
  throw new BusError('ERR_MESSAGE_TOO_LARGE', `an answer of ${body.byteLength} bytes`, { fix: 'Answer in parts.' })
}
