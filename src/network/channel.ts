import { abortable, BaseError, type Clock, type PeerId, reasonOf, type Timer, whenAborted } from '../base/index.ts'
import { NetworkError } from './errors.ts'
import { CHANNEL_MAX_WRITE_BYTES, CHANNEL_READ_BUFFER_BYTES, type Channel } from './transport.ts'

/** What waits in a channel because the caller did not await `send`; more is refused with `ERR_OVERLOADED`. */
export const CHANNEL_QUEUE_BYTES: number = 4 * 1024 * 1024
export const CHANNEL_QUEUE_SENDS = 4096
/** How long `close` waits for the peer to make room for what was sent; then the channel is reset. */
export const CHANNEL_CLOSE_TIMEOUT_MS = 30_000
/** Bytes handed to the muxer at once: small enough that streams of one connection take turns. */
const SLICE_BYTES = 64 * 1024
/** Unread bytes at which the stream is paused; a muxer may deliver a whole window at once, hence the margin. */
const PAUSE_AT_BYTES = CHANNEL_READ_BUFFER_BYTES / 2
const RESUME_AT_BYTES = CHANNEL_READ_BUFFER_BYTES / 8
/** The same for a peer that sends crumbs, each of which costs an object. */
const PAUSE_AT_CHUNKS = 1024

/** One muxed stream of an adapter; it reports back, at any time, through the methods of `StreamChannel` marked "Wire:". */
export interface Wire {
  /** Whether the peer's window and the buffers below have room for another write. */
  readonly writable: boolean
  /** Takes all of `bytes`. Throws when the stream is gone. */
  write(bytes: Uint8Array): void
  /** Ends our side after what was written. */
  end(): Promise<void>
  /** Ends both sides at once. */
  reset(reason: Error): void
  pause(): void
  resume(): void
}

export interface StreamChannelInit {
  readonly peer: PeerId
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  readonly wire: Wire
}

interface QueuedSend {
  readonly bytes: Uint8Array
  /** How much of `bytes` the wire has taken. */
  written: number
  readonly settle: PromiseWithResolvers<void>
}

type WaitingRead = PromiseWithResolvers<Uint8Array | undefined>

/**
 * The one implementation of `Channel`: order and back-pressure of sends, one reader with a bounded buffer, half-close,
 * reset. Adapters differ only in their `Wire`.
 *
 * A side reads the end of the stream only if the other side closed it; every other way for a stream to end is an error,
 * so that a cut-off transfer is never mistaken for a complete one.
 */
export class StreamChannel implements Channel {
  readonly peer: PeerId
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  readonly closed: Promise<void>
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #closed = Promise.withResolvers<void>()

  readonly #sends: QueuedSend[] = []
  #queuedBytes = 0
  #closing: PromiseWithResolvers<void> | undefined
  #closeTimer: Timer | undefined
  #ended = false

  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  #reader: WaitingRead | undefined
  #paused = false
  #remoteEnded = false

  #failure: NetworkError | undefined

  constructor(init: StreamChannelInit, components: { readonly clock: Clock }) {
    this.peer = init.peer
    this.protocol = init.protocol
    this.direction = init.direction
    this.closed = this.#closed.promise
    this.#wire = init.wire
    this.#clock = components.clock
  }

  /** Resolves once there is room for more; a send that is aborted after its first byte went out is still sent whole. */
  async send(bytes: Uint8Array, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (bytes.byteLength > CHANNEL_MAX_WRITE_BYTES) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `one send takes at most ${CHANNEL_MAX_WRITE_BYTES} bytes`)
    }
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw new NetworkError('ERR_CHANNEL_CLOSED', 'our side of the channel is closed')
    if (this.#queuedBytes + bytes.byteLength > CHANNEL_QUEUE_BYTES || this.#sends.length >= CHANNEL_QUEUE_SENDS) {
      throw new NetworkError('ERR_OVERLOADED', 'too much waits to be sent on this channel', {
        fix: 'Wait for each send to resolve before the next.',
      })
    }
    const entry: QueuedSend = { bytes, written: 0, settle: Promise.withResolvers() }
    this.#sends.push(entry)
    this.#queuedBytes += bytes.byteLength
    this.#flush()
    await abortable(entry.settle.promise, options.signal, () => this.#withdraw(entry))
  }

  async read(options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array | undefined> {
    options.signal?.throwIfAborted()
    if (this.#reader !== undefined) throw new BaseError('ERR_LIFECYCLE', 'another read of this channel is under way')
    const chunk = this.#takeUnread()
    if (chunk !== undefined) return chunk
    if (this.#remoteEnded) return undefined
    if (this.#failure !== undefined) throw this.#failure
    const reader: WaitingRead = Promise.withResolvers()
    this.#reader = reader
    // What arrived in this very moment is the reader's: it must not be lost to the next one.
    using _abort = whenAborted(options.signal, (reason) => {
      if (this.#reader === reader) this.#takeReader()?.reject(reason)
    })
    return await reader.promise
  }

  /** Resolves once our side is closed, or the channel has failed; what could not be sent, its `send` has said. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise
    this.#closing = Promise.withResolvers()
    if (this.#failure !== undefined) {
      this.#closing.resolve()
      return this.#closing.promise
    }
    this.#closeTimer = this.#clock.setTimer(CHANNEL_CLOSE_TIMEOUT_MS, () =>
      this.abort(new NetworkError('ERR_TIMEOUT', `the peer took no data for ${CHANNEL_CLOSE_TIMEOUT_MS} ms`)),
    )
    this.#flush()
    return this.#closing.promise
  }

  abort(reason: Error): void {
    if (this.#isOver()) return
    this.#unread.length = 0
    this.#unreadBytes = 0
    this.#fail(new NetworkError('ERR_CHANNEL_CLOSED', `the channel was reset: ${reasonOf(reason)}`, { cause: reason }))
    this.#wire.reset(reason)
  }

  /** Closes our side, then lets go of the other. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    this.abort(new NetworkError('ERR_CHANNEL_CLOSED', 'the channel is no longer used'))
  }

  /** Wire: input arrived. */
  received(bytes: Uint8Array): void {
    if (this.#failure !== undefined || this.#remoteEnded || bytes.byteLength === 0) return
    const reader = this.#takeReader()
    if (reader !== undefined) {
      reader.resolve(bytes)
      return
    }
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.byteLength
    if (this.#paused || (this.#unreadBytes < PAUSE_AT_BYTES && this.#unread.length < PAUSE_AT_CHUNKS)) return
    this.#paused = true
    this.#wire.pause()
  }

  /** Wire: there may be room for writes again. */
  drained(): void {
    this.#flush()
  }

  /** Wire: the peer closed its side, and all it sent has been `received`. */
  remoteEnded(): void {
    if (this.#failure !== undefined || this.#remoteEnded) return
    this.#remoteEnded = true
    this.#takeReader()?.resolve(undefined)
    this.#settleIfOver()
  }

  /** Wire: the stream was reset by the peer, or its connection is gone. What was `received` can still be read. */
  lost(reason: string, cause?: unknown): void {
    if (!this.#isOver()) this.#fail(new NetworkError('ERR_CHANNEL_CLOSED', reason, { cause }))
  }

  #flush(): void {
    for (let head = this.#sends[0]; head !== undefined; head = this.#sends[0]) {
      if (!this.#wire.writable) return
      if (head.written === head.bytes.byteLength) {
        this.#sends.shift()
        this.#queuedBytes -= head.bytes.byteLength
        head.settle.resolve()
        continue
      }
      const slice = head.bytes.subarray(head.written, head.written + SLICE_BYTES)
      head.written += slice.byteLength
      try {
        this.#wire.write(slice)
      } catch (error) {
        this.lost(`the stream takes no more data: ${reasonOf(error)}`, error)
        return
      }
    }
    if (this.#closing !== undefined && !this.#ended && this.#failure === undefined) this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#closeTimer?.cancel()
    this.#wire.end().then(
      () => {
        this.#closing?.resolve()
        this.#settleIfOver()
      },
      (error: unknown) => this.lost(`the stream could not be closed: ${reasonOf(error)}`, error),
    )
  }

  /** Takes back a send that the wire has not begun. */
  #withdraw(entry: QueuedSend): void {
    const index = this.#sends.indexOf(entry)
    if (index === -1 || entry.written > 0) return
    this.#sends.splice(index, 1)
    this.#queuedBytes -= entry.bytes.byteLength
    this.#flush()
  }

  #takeUnread(): Uint8Array | undefined {
    const chunk = this.#shiftUnread()
    if (this.#paused && this.#unreadBytes <= RESUME_AT_BYTES) {
      this.#paused = false
      this.#wire.resume()
    }
    return chunk ?? this.#shiftUnread()
  }

  #shiftUnread(): Uint8Array | undefined {
    const chunk = this.#unread.shift()
    this.#unreadBytes -= chunk?.byteLength ?? 0
    return chunk
  }

  #takeReader(): WaitingRead | undefined {
    const reader = this.#reader
    this.#reader = undefined
    return reader
  }

  #fail(failure: NetworkError): void {
    this.#failure = failure
    this.#closeTimer?.cancel()
    for (const entry of this.#sends.splice(0)) entry.settle.reject(failure)
    this.#queuedBytes = 0
    this.#takeReader()?.reject(failure)
    this.#closing?.resolve()
    this.#closed.resolve()
  }

  #isOver(): boolean {
    return this.#failure !== undefined || (this.#ended && this.#remoteEnded)
  }

  #settleIfOver(): void {
    if (this.#isOver()) this.#closed.resolve()
  }
}
