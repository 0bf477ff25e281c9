import { once } from 'node:events'
import type { Stream } from '@libp2p/interface'

/** u32 length of the body, u8 kind, u32 id. */
const HEADER_BYTES = 9
const WRITE_MAX_BYTES = 32 * 1024

export type OnFrame = (kind: number, id: number, body: Uint8Array) => void

/**
 * What one would write by hand on a kept libp2p stream. `packed`, as when nothing but speed counts: frames that are sent in
 * one turn go out in one write; else each is a write of its own, as most programs do it. No priorities, no deadlines, no checks.
 */
export class FramedStream {
  readonly #stream: Stream
  readonly #onFrame: OnFrame
  readonly #packed: boolean
  #batch: Buffer = Buffer.allocUnsafeSlow(WRITE_MAX_BYTES)
  #used = 0
  #rest: Uint8Array | undefined

  constructor(stream: Stream, packed: boolean, onFrame: OnFrame) {
    this.#stream = stream
    this.#packed = packed
    this.#onFrame = onFrame
    stream.addEventListener('message', ({ data }) => this.#take(data.subarray()))
  }

  /** A promise means: wait before the next. */
  send(kind: number, id: number, body: Uint8Array): Promise<unknown> | undefined {
    const size = HEADER_BYTES + body.byteLength
    if (this.#used + size > this.#batch.byteLength) this.#flush(size)
    if (this.#used === 0 && this.#packed) queueMicrotask(() => this.#flush())
    const at = this.#used
    this.#batch.writeUInt32BE(body.byteLength, at)
    this.#batch[at + 4] = kind
    this.#batch.writeUInt32BE(id, at + 5)
    this.#batch.set(body, at + HEADER_BYTES)
    this.#used += size
    if (!this.#packed) this.#flush()
    return this.#stream.writableNeedsDrain ? once(this.#stream, 'drain') : undefined
  }

  #flush(nextBytes = 0): void {
    if (this.#used === 0 && nextBytes <= this.#batch.byteLength) return
    if (this.#used > 0 && this.#stream.status === 'open') this.#stream.send(this.#batch.subarray(0, this.#used))
    this.#batch = Buffer.allocUnsafeSlow(this.#packed ? Math.max(WRITE_MAX_BYTES, nextBytes) : nextBytes)
    this.#used = 0
  }

  #take(chunk: Uint8Array): void {
    const whole = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength)
    let at = 0
    while (at + HEADER_BYTES <= bytes.byteLength) {
      const end = at + HEADER_BYTES + bytes.readUInt32BE(at)
      if (end > bytes.byteLength) break
      this.#onFrame(bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5), bytes.subarray(at + HEADER_BYTES, end))
      at = end
    }
    this.#rest = at < bytes.byteLength ? bytes.subarray(at) : undefined
  }
}
