import { type Clock, codeOf, encodeCbor, type Logger, type PeerId, PlexusError, reasonOf } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { SendWindow } from './credit.ts'
import { BusError } from './errors.ts'
import { FRAME, replyFrame } from './frames.ts'
import type { KindTable } from './kind-table.ts'
import { outgoing } from './lane-queue.ts'
import {
  ERROR_MESSAGE_MAX_CHARS,
  REQUEST_BODIES_MAX_BYTES,
  REQUESTS_PER_PEER,
  REQUESTS_TOTAL,
  STREAM_STALL_MS,
  STREAM_WINDOW_BYTES,
} from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { InFlight } from './questions.ts'
import { MESSAGE_MAX_BYTES, type Message, type Priority, type RequestContext, type Responder } from './types.ts'

export interface AnswersComponents {
  readonly peer: PeerId
  readonly outbox: Outbox
  readonly responders: KindTable<Responder>
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

  /** Takes a request. Returns a sentence if the peer broke the protocol. */
  onRequest(request: Message): string | undefined {
    const { id, kind, priority, body } = request
    if (this.#open.has(id)) return 'a request id that is in use'
    this.#use.counters.requestsIn++
    const responder = this.#use.responders.get(kind)
    if (responder === undefined) {
      this.#use.counters.droppedUnhandled++
      this.#sendError(id, priority, new BusError('ERR_NO_RESPONDER', `nobody answers "${kind}" here`))
    } else if (this.#isFull(body.byteLength)) {
      this.#sendError(id, priority, new BusError('ERR_OVERLOADED', 'too many requests are being answered'))
    } else {
      void this.#answer(request, responder)
    }
    return undefined
  }

  onCancel(id: string): void {
    this.#open.get(id)?.abort(new BusError('ERR_REQUEST_CANCELLED', 'the asker cancelled'))
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
    for (const scope of this.#open.values()) scope.abort(error)
  }

  /** A responder keeps its place until it settles, also when the asker has gone: it is what bounds the work for one peer. */
  #isFull(bodyBytes: number): boolean {
    if (this.#open.size >= REQUESTS_PER_PEER || this.#use.inFlight.answering >= REQUESTS_TOTAL) return true
    return this.#bodyBytes > 0 && this.#bodyBytes + bodyBytes > REQUEST_BODIES_MAX_BYTES
  }

  /** Never rejects. */
  async #answer(request: Message, responder: Responder): Promise<void> {
    const { id, priority, body, from, ttlMs, trace } = request
    const scope = new Scope(from, this.#use.clock.monotonic() + ttlMs, trace)
    this.#open.set(id, scope)
    this.#bodyBytes += body.byteLength
    this.#use.inFlight.answering++
    try {
      const result = responder(body, scope)
      if (Symbol.asyncIterator in result) await this.#stream(id, priority, scope, result)
      else await this.#send(id, priority, scope, await result)
    } catch (error) {
      if (!scope.isAborted) this.#sendError(id, priority, error)
    } finally {
      this.#open.delete(id)
      this.#bodyBytes -= body.byteLength
      this.#use.inFlight.answering--
    }
  }

  async #send(id: string, priority: Priority, scope: Scope, body: Uint8Array): Promise<void> {
    if (scope.isAborted) return
    const entry = outgoing(answerFrame(FRAME.answer, id, body), scope.deadline)
    const wait = this.#use.outbox.post(priority, entry)
    if (wait !== undefined) await wait
  }

  async #stream(id: string, priority: Priority, scope: Scope, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const { outbox, clock } = this.#use
    const post = async (frame: Uint8Array): Promise<void> => {
      const entry = outgoing(frame, Number.POSITIVE_INFINITY)
      if (!outbox.offer(priority, entry)) await outbox.post(priority, entry, scope.signal)
    }
    for await (const part of parts) {
      const frame = answerFrame(FRAME.answerPart, id, part)
      scope.deadline = clock.monotonic() + STREAM_STALL_MS
      await scope.spend(part.byteLength)
      await post(frame)
      scope.deadline = clock.monotonic() + STREAM_STALL_MS
    }
    await post(replyFrame(FRAME.answerEnd, id))
  }

  /** Says what went wrong: codes and sentences of our own errors, of any other only that there was one. */
  #sendError(id: string, priority: Priority, error: unknown): void {
    const known = error instanceof PlexusError
    if (!known) {
      this.#use.counters.handlerFailures++
      this.#use.log.warn({ peer: this.#use.peer, reason: reasonOf(error) }, 'a responder failed')
    }
    const message = known ? error.message.slice(0, ERROR_MESSAGE_MAX_CHARS) : 'the responder failed'
    const frame = replyFrame(FRAME.error, id, encodeCbor([codeOf(error), message.toWellFormed()]))
    const expiresAt = this.#use.clock.monotonic() + STREAM_STALL_MS
    if (!this.#use.outbox.offer(priority, outgoing(frame, expiresAt))) this.#use.counters.droppedFull++
  }
}

function answerFrame(type: number, id: string, body: Uint8Array): Uint8Array {
  if (body.byteLength <= MESSAGE_MAX_BYTES) return replyFrame(type, id, body)
  throw new BusError('ERR_MESSAGE_TOO_LARGE', `an answer of ${body.byteLength} bytes`, { fix: 'Answer in parts.' })
}

/** One request that is being answered. Its signal is made only when somebody asks for it: most responders do not. */
class Scope implements RequestContext {
  readonly from: PeerId
  readonly trace: string
  /** Monotonic ms. */
  deadline: number
  readonly #window = new SendWindow({ windowBytes: STREAM_WINDOW_BYTES })
  #controller: AbortController | undefined
  #reason: BusError | undefined
  #wake: (() => void) | undefined

  constructor(from: PeerId, deadline: number, trace: string) {
    this.from = from
    this.trace = trace
    this.deadline = deadline
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: BusError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#wake?.()
  }

  grant(bytes: number): boolean {
    const honest = this.#window.grant(bytes)
    this.#wake?.()
    return honest
  }

  /** Waits until the asker has room for so many bytes. Rejects once the request is over. */
  async spend(bytes: number): Promise<void> {
    while (this.#reason === undefined && !this.#window.allows(bytes)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#reason !== undefined) throw this.#reason
    this.#window.spend(bytes)
  }
}
