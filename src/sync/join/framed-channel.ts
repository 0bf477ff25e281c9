import { concatBytes } from '../../base/index.ts'
import { CHANNEL_MAX_WRITE_BYTES, type Channel } from '../../network/index.ts'
import { SyncError } from '../errors.ts'

const LENGTH_BYTES = 4

export interface FrameOptions {
  readonly signal: AbortSignal
}

/** Frames on a channel: four bytes of length, big-endian, then so many bytes. */
export class FramedChannel {
  readonly #channel: Channel
  #unread: Uint8Array = new Uint8Array(0)

  constructor(channel: Channel) {
    this.#channel = channel
  }

  async send(bytes: Uint8Array, options: FrameOptions): Promise<void> {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(bytes.byteLength)
    const frame = concatBytes(length, bytes)
    for (let at = 0; at < frame.byteLength; at += CHANNEL_MAX_WRITE_BYTES) {
      await this.#channel.send(frame.subarray(at, at + CHANNEL_MAX_WRITE_BYTES), options)
    }
  }

  /** The next frame. Rejects with `ERR_SYNC_MALFORMED` when the stream ends first or a frame claims more than `maxBytes`. */
  async read(maxBytes: number, options: FrameOptions): Promise<Uint8Array> {
    const head = await this.#take(LENGTH_BYTES, options)
    const length = Buffer.from(head.buffer, head.byteOffset, LENGTH_BYTES).readUInt32BE()
    if (length > maxBytes)
      throw new SyncError('ERR_SYNC_MALFORMED', `a frame claims ${length} bytes; at most ${maxBytes} may come`)
    return this.#take(length, options)
  }

  async #take(length: number, options: FrameOptions): Promise<Uint8Array> {
    const parts = [this.#unread]
    let have = this.#unread.byteLength
    while (have < length) {
      const chunk = await this.#channel.read(options)
      if (chunk === undefined) throw new SyncError('ERR_SYNC_MALFORMED', 'the stream ended within a frame')
      parts.push(chunk)
      have += chunk.byteLength
    }
    const whole = concatBytes(...parts)
    this.#unread = whole.subarray(length)
    return whole.subarray(0, length)
  }
}
