import { type Clock, isList, type PeerId, plainLine, type Timer, tryDecodeCbor, whenAborted } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { ReceiveWindow } from './credit.ts'
import { BusError } from './errors.ts'
import { Fifo } from './fifo.ts'
import { creditFrame, FRAME, replyFrame } from './frames.ts'
import { type Outgoing, outgoing } from './lane-queue.ts'
import {
  ERROR_MESSAGE_MAX_CHARS,
  KIND_MAX_CHARS,
  REQUESTS_PER_PEER,
  REQUESTS_TOTAL,
  STREAM_WINDOW_BYTES,
} from './limits.ts'
import type { FrameSink } from './outbox.ts'
import type { Priority } from './types.ts'

/** One request as it goes out: the frame is the same for all who are asked. */
export interface Ask {
  readonly id: string
  readonly frame: Uint8Array
  readonly priority: Priority
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** Counted over all peers. */
export interface InFlight {
  asked: number
  answering: number
}

export interface QuestionsComponents {
  readonly peer: PeerId
  readonly outbox: FrameSink
  readonly clock: Clock
  readonly counters: Counters
  readonly inFlight: InFlight
  /** Sends a frame on the control lane. */
  readonly control: (frame: Uint8Array) => void
}

/** What a question does with what comes back. Returns a sentence if the peer broke the protocol. */
interface Question {
  answer(body: Uint8Array): void
  part(body: Uint8Array): string | undefined
  end(): void
  fail(error: unknown): void
}

/** The asker's half of request and response with one peer. */
export class Questions {
  readonly #use: QuestionsComponents
  readonly #open = new Map<string, Question>()

  constructor(components: QuestionsComponents) {
    this.#use = components
  }

  get size(): number {
    return this.#open.size
  }

  /** Asks and waits for the one answer. */
  request(ask: Ask): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        timer.cancel()
        flight.land()
      }
      const flight = this.#launch(ask, {
        answer: (body) => {
          done()
          resolve(body)
        },
        part: () => {
          flight.giveUp(new BusError('ERR_ANSWER_STREAMED', 'the answer comes in parts', { fix: 'Use requestStream.' }))
          return undefined
        },
        end: () => {
          done()
          resolve(new Uint8Array(0))
        },
        fail: (error) => {
          done()
          reject(error)
        },
      })
      const timer = this.#use.clock.setTimer(ask.timeoutMs, () => flight.giveUp(timeoutOf(ask.timeoutMs)))
    })
  }

  /** Asks and yields the parts; a single answer is one part. The deadline is for the time between two parts. */
  async *stream(ask: Ask): AsyncGenerator<Uint8Array, void> {
    const parts = new PartQueue()
    const flight = this.#launch(ask, parts)
    const { clock, control } = this.#use
    let timer: Timer | undefined
    const watch = (waitMs: number): void => {
      timer = clock.setTimer(waitMs, () => {
        const left = parts.idleSince === undefined ? ask.timeoutMs : parts.idleSince + ask.timeoutMs - clock.monotonic()
        if (left > 0) watch(left)
        else flight.giveUp(timeoutOf(ask.timeoutMs))
      })
    }
    watch(ask.timeoutMs)
    try {
      for (;;) {
        parts.idleSince = clock.monotonic()
        const part = await parts.next()
        parts.idleSince = undefined
        if (part === undefined) return
        yield part
        const due = parts.settle(part)
        if (due > 0 && this.#open.has(ask.id)) control(creditFrame(due, ask.id))
      }
    } finally {
      timer?.cancel()
      flight.giveUp(new BusError('ERR_REQUEST_CANCELLED', 'nobody reads the answer any more'))
      flight.land()
    }
  }

  /** A frame that answers. Returns a sentence if the peer broke the protocol. */
  onReply(type: number, id: string, body: Uint8Array): string | undefined {
    const question = this.#open.get(id)
    if (question === undefined) {
      this.#use.counters.droppedLate++
      return undefined
    }
    if (type === FRAME.answerPart) return question.part(body)
    this.#forget(id)
    if (type === FRAME.answer) question.answer(body)
    else if (type === FRAME.answerEnd) question.end()
    else question.fail(remoteError(body))
    return undefined
  }

  close(error: BusError): void {
    for (const [id, question] of [...this.#open]) {
      this.#forget(id)
      question.fail(error)
    }
  }

  #launch(ask: Ask, question: Question): { giveUp(error: unknown): void; land(): void } {
    const { outbox, clock, counters, inFlight } = this.#use
    ask.signal?.throwIfAborted()
    if (this.#open.size >= REQUESTS_PER_PEER || inFlight.asked >= REQUESTS_TOTAL) {
      throw new BusError('ERR_OVERLOADED', 'too many requests are in flight', {
        fix: 'Wait for earlier requests to settle.',
      })
    }
    this.#open.set(ask.id, question)
    inFlight.asked++
    counters.requestsOut++
    const entry = outgoing(ask.frame, clock.monotonic() + ask.timeoutMs)
    const giveUp = (error: unknown): void => {
      if (!this.#forget(ask.id)) return
      this.#cancel(ask, entry)
      question.fail(error)
    }
    const abort = whenAborted(ask.signal, giveUp)
    void outbox.post(ask.priority, entry, ask.signal)?.catch(giveUp)
    return { giveUp, land: () => abort[Symbol.dispose]() }
  }

  #forget(id: string): boolean {
    const known = this.#open.delete(id)
    if (known) this.#use.inFlight.asked--
    return known
  }

  /** Takes the request back if it still waits here, else tells the peer: on the same lane, so that it cannot overtake it. */
  #cancel(ask: Ask, entry: Outgoing): void {
    if (entry.state === 'queued') entry.state = 'cancelled'
    else this.#use.outbox.offer(ask.priority, outgoing(replyFrame(FRAME.cancel, ask.id), Number.POSITIVE_INFINITY))
  }
}

/** The parts of one streamed answer that nobody has taken yet; the window bounds them. */
class PartQueue implements Question {
  readonly #parts = new Fifo<Uint8Array>()
  readonly #window = new ReceiveWindow({ windowBytes: STREAM_WINDOW_BYTES })
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  /** Since when the reader has waited for a part; `undefined` while it is at work. Monotonic ms. */
  idleSince: number | undefined

  answer(body: Uint8Array): void {
    this.#window.arrive(body.byteLength)
    this.#parts.push(body)
    this.end()
  }

  part(body: Uint8Array): string | undefined {
    if (!this.#window.arrive(body.byteLength)) return 'a streamed answer beyond its credit'
    this.#parts.push(body)
    this.#wake?.()
    return undefined
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const part = this.#parts.shift()
      if (part !== undefined || (this.#ended && this.#failure === undefined)) return part
      if (this.#failure !== undefined) throw this.#failure.error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The reader is done with a part. Returns the credit to send. */
  settle(part: Uint8Array): number {
    this.#window.settle(part.byteLength)
    return this.#window.take()
  }
}

function timeoutOf(timeoutMs: number): BusError {
  return new BusError('ERR_REQUEST_TIMEOUT', `no answer within ${timeoutMs} ms`)
}

/** The error in an ERROR frame, as far as it can be trusted: a code that looks like one, and a bounded sentence. */
function remoteError(body: Uint8Array): BusError {
  const fields = tryDecodeCbor(body)
  const [code, message] = isList(fields) ? fields : []
  if (typeof code !== 'string' || typeof message !== 'string') {
    const unreadable = 'the peer reported an error that cannot be read'
    return new BusError('ERR_REMOTE', unreadable, { remoteCode: 'ERR_UNKNOWN' })
  }
  const text = plainLine(message, ERROR_MESSAGE_MAX_CHARS)
  if (code === 'ERR_NO_RESPONDER' || code === 'ERR_OVERLOADED' || code === 'ERR_ANSWER_FORGOTTEN') {
    return new BusError(code, text)
  }
  return new BusError('ERR_REMOTE', text, { remoteCode: plainLine(code, KIND_MAX_CHARS) })
}
