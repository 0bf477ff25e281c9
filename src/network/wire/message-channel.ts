import { concatBytes } from '../../base/index.ts'
import { NetworkError } from '../errors.ts'
import type { Channel } from '../transport.ts'

/** What a length of two bytes can say: no protocol spoken this way has longer messages. */
const LENGTH_MAX = 2 ** 14 - 1

interface WaitOptions {
  readonly signal?: AbortSignal
}

/** Messages on a channel, each behind its length as a varint: how libp2p's small protocols frame. */
export class MessageChannel {
  readonly #channel: Channel
  readonly #maxBytes: number
  #unread: Uint8Array = new Uint8Array(0)

  /** `maxBytes` is at most 16,383. */
  constructor(channel: Channel, maxBytes: number) {
    this.#channel = channel
    this.#maxBytes = Math.min(maxBytes, LENGTH_MAX)
  }

  async send(message: Uint8Array, options: WaitOptions = {}): Promise<void> {
    const { byteLength } = message
    const length = byteLength < 0x80 ? [byteLength] : [(byteLength & 0x7f) | 0x80, byteLength >> 7]
    await this.#channel.send(concatBytes(Uint8Array.from(length), message), options)
  }

  /** The next message. Rejects with `ERR_MALFORMED_MESSAGE` when it announces too much or the stream ends first. */
  async read(options: WaitOptions = {}): Promise<Uint8Array> {
    for (;;) {
      const message = this.#take()
      if (message !== undefined) return message
      const chunk = await this.#channel.read(options)
      if (chunk === undefined) throw new NetworkError('ERR_MALFORMED_MESSAGE', 'the stream ended within a message')
      this.#unread = concatBytes(this.#unread, chunk)
    }
  }

  /** What came behind the last message: it belongs to whoever goes on with the channel. */
  takeRest(): Uint8Array {
    const rest = this.#unread
    this.#unread = new Uint8Array(0)
    return rest
  }

  #take(): Uint8Array | undefined {
    const [low, high] = this.#unread
    if (low === undefined || (low >= 0x80 && high === undefined)) return undefined
    const [start, length] = low < 0x80 ? [1, low] : [2, (low & 0x7f) | ((high ?? 0) << 7)]
    if (length > this.#maxBytes) {
      throw new NetworkError('ERR_MALFORMED_MESSAGE', `a message announces more than ${this.#maxBytes} bytes`)
    }
    const end = start + length
    if (this.#unread.byteLength < end) return undefined
    const message = this.#unread.subarray(start, end)
    this.#unread = this.#unread.subarray(end)
    return message
  }
}
