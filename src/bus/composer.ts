import { type Clock, HybridClock, hexOf, isTraceparent, type PeerId, type Random } from '../base/index.ts'
import type { Draft } from './dissemination/dissemination.ts'
import { envelopeFrame } from './envelope.ts'
import { BusError } from './errors.ts'
import { FRAME } from './frames.ts'
import { MESSAGE_TTL_MAX_MS, MESSAGE_TTL_MS, TRACE_MAX_CHARS } from './limits.ts'
import type { Ask } from './questions.ts'
import type { RepeatableAsk } from './repeats.ts'
import { assertKind, assertTopic } from './topics.ts'
import { MESSAGE_MAX_BYTES, type Message, REQUEST_TIMEOUT_MS, type RequestOptions, type SendOptions } from './types.ts'

export interface ComposerComponents {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
}

const ID_PREFIX_BYTES = 8

/** Makes messages of what callers pass: checked, stamped, numbered. */
export class Composer {
  readonly hybridClock: HybridClock
  readonly #self: PeerId
  /** Ids are a random half, new with each start, and a counter: unique without a random draw per message. */
  readonly #idPrefix: string
  #count = 0

  constructor(components: ComposerComponents) {
    this.hybridClock = new HybridClock(components.clock)
    this.#self = components.self
    this.#idPrefix = hexOf(components.random.bytes(ID_PREFIX_BYTES))
  }

  /** A message to one peer, or with a topic to many. Throws `BusError` for what cannot be sent. */
  message(topic: string, kind: string, body: Uint8Array, options: SendOptions): Message {
    return { ...this.draft(topic, kind, body, options), id: this.#nextId() }
  }

  /** The same without an id: what is published gets one that counts, see `Numbering`. */
  draft(topic: string, kind: string, body: Uint8Array, options: SendOptions): Draft {
    if (topic !== '') assertTopic(topic)
    assertKind(kind)
    assertSize(body)
    const { priority = 'normal', ttlMs = MESSAGE_TTL_MS, trace = '' } = options
    options.signal?.throwIfAborted()
    const hlc = this.hybridClock.tick()
    const from = this.#self
    return { kind, topic, from, priority, hlc, ttlMs: duration(ttlMs), trace: traceOf(trace), body }
  }

  ask(kind: string, body: Uint8Array, options: RequestOptions): Ask {
    const timeoutMs = duration(options.timeoutMs ?? REQUEST_TIMEOUT_MS)
    const message = this.message('', kind, body, { ...options, ttlMs: timeoutMs })
    const { id, priority } = message
    return { id, frame: envelopeFrame(FRAME.request, message), priority, timeoutMs, signal: options.signal }
  }

  /** The same for a request that may be asked again under its id. */
  repeatableAsk(kind: string, body: Uint8Array, options: RequestOptions): RepeatableAsk {
    const timeoutMs = duration(options.timeoutMs ?? REQUEST_TIMEOUT_MS)
    const message = this.message('', kind, body, options)
    const frameFor = (ttlMs: number): Uint8Array => envelopeFrame(FRAME.requestOnce, { ...message, ttlMs })
    return { id: message.id, frameFor, priority: message.priority, timeoutMs, signal: options.signal }
  }

  #nextId(): string {
    this.#count++
    return this.#idPrefix + this.#count.toString(16).padStart(16, '0')
  }
}

function assertSize(body: Uint8Array): void {
  if (body.byteLength <= MESSAGE_MAX_BYTES) return
  throw new BusError(
    'ERR_MESSAGE_TOO_LARGE',
    `${body.byteLength} bytes; at most ${MESSAGE_MAX_BYTES} fit in a message`,
    {
      fix: 'Send large content as a blob, or answer a request in parts.',
    },
  )
}

/** Whole milliseconds within what the envelope carries. */
function duration(ms: number): number {
  return Math.ceil(Math.min(Math.max(ms, 0), MESSAGE_TTL_MAX_MS))
}

/** A trace is a courtesy: one that is none is left out rather than refused. */
function traceOf(trace: string): string {
  return trace.length <= TRACE_MAX_CHARS && isTraceparent(trace) ? trace : ''
}
