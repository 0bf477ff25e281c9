import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { type Logger, reasonOf } from '../../../base/index.ts'
import type { StreamChannel, Wire } from '../../channel.ts'

/** Below this size on average, the parts of one message are joined: each part costs an object as long as it is unread. */
const SMALL_PART_BYTES = 4 * 1024

/**
 * One libp2p stream. The library's promises and iterators do not hold a fast sender back, so this uses its events only:
 * `drain` for room to write, `message` with `pause` and `resume` for input.
 */
export class StreamWire implements Wire {
  readonly #stream: Stream
  readonly #log: Logger
  #resuming = false
  #pauseWanted = false
  /** The peer closed its side. Its last bytes may still wait in the stream's buffer. */
  #finished = false

  constructor(stream: Stream, log: Logger) {
    this.#stream = stream
    this.#log = log
  }

  get writable(): boolean {
    return !this.#stream.writableNeedsDrain && this.#stream.writeBufferLength === 0
  }

  write(bytes: Uint8Array): void {
    this.#stream.send(bytes)
  }

  async end(): Promise<void> {
    await this.#stream.close()
  }

  reset(reason: Error): void {
    this.#stream.abort(reason)
  }

  pause(): void {
    // Paused from within resume(), the stream would go on granting window and overrun its own buffer: wait for its end.
    if (this.#resuming) this.#pauseWanted = true
    else if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  resume(): void {
    this.#pauseWanted = false
    if (this.#resuming || this.#stream.readStatus !== 'paused') return
    this.#resuming = true
    try {
      this.#stream.resume()
    } catch (error) {
      // Thrown after the buffer was delivered, when the connection is gone and the new window cannot be told.
      this.#log.debug({ reason: reasonOf(error) }, 'a stream could not be resumed')
    }
    this.#resuming = false
    if (this.#pauseWanted) this.pause()
  }

  /** Begins to report to `channel`. */
  attach(channel: StreamChannel): void {
    const stream = this.#stream
    stream.addEventListener('message', (event) => this.#onMessage(channel, event))
    stream.addEventListener('remoteCloseWrite', () => this.#onFinish(channel))
    stream.addEventListener('close', (event) => this.#onClose(channel, event))
    // The library marks a stream writable first and fills it from its own buffer in a microtask: look after that.
    stream.addEventListener('drain', () => queueMicrotask(() => channel.drained()))
    // What happened before we listened. A stream closed altogether may be cut off, so only a half-closed one is finished.
    if (stream.status !== 'open') queueMicrotask(() => this.#onClose(channel))
    else if (stream.remoteWriteStatus === 'closed') this.#onFinish(channel)
  }

  #onMessage(channel: StreamChannel, { data }: StreamMessageEvent): void {
    const parts = data instanceof Uint8Array ? [data] : [...data]
    const joined = data.byteLength < parts.length * SMALL_PART_BYTES ? [data.subarray()] : parts
    for (const part of joined) channel.received(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    this.#tellEnd(channel)
  }

  #onFinish(channel: StreamChannel): void {
    this.#finished = true
    this.#tellEnd(channel)
  }

  #tellEnd(channel: StreamChannel): void {
    if (this.#finished && this.#stream.readBufferLength === 0) channel.remoteEnded()
  }

  #onClose(channel: StreamChannel, event?: StreamCloseEvent): void {
    // Delivers what arrived before the end, which the stream would otherwise keep while it is paused.
    if (this.#stream.readBufferLength > 0) {
      this.pause()
      this.resume()
    }
    this.#tellEnd(channel)
    const reset = event?.error !== undefined && event.local !== true
    channel.lost(reset ? 'the peer reset the stream' : 'the connection was lost', event?.error)
  }
}
