import { FRAME_HEADER_BYTES } from './frames.ts'

const LENGTH_BYTES = 4
/** What a length field is believed at once. */
const GRANTED_BYTES = 128 * 1024

/** Takes one frame; a sentence means that the input is malformed and parsing stops. */
export type FrameSink = (type: number, payload: Buffer) => string | undefined

/**
 * Cuts a byte stream into frames, however it was chunked.
 *
 * Holds at most one incomplete frame, in memory that beyond `GRANTED_BYTES` grows with what has arrived and not with what
 * its length field claims. Frames that lie whole in a chunk are handed on without copying: a sink that keeps bytes copies them.
 */
export class FrameParser {
  readonly #maxFrameBytes: number
  #partial: Buffer = Buffer.alloc(0)
  #have = 0

  constructor(init: { readonly maxFrameBytes: number }) {
    this.#maxFrameBytes = init.maxFrameBytes
  }

  /** Bytes of the incomplete frame. */
  get pendingBytes(): number {
    return this.#have
  }

  /** Feeds a chunk. Returns what is wrong with the input, if anything; nothing must be fed afterwards. */
  push(chunk: Uint8Array, sink: FrameSink): string | undefined {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (this.#have > 0 && at < bytes.byteLength) {
      const missing = this.#frameBytes(this.#partial, 0, this.#have) - this.#have
      if (Number.isNaN(missing)) return this.#malformed(this.#partial, 0)
      const taken = Math.min(missing, bytes.byteLength - at)
      this.#keep(bytes, at, at + taken)
      at += taken
      if (taken < missing) return undefined
      if (this.#have <= LENGTH_BYTES) continue
      const whole = this.#partial.subarray(0, this.#have)
      this.#partial = Buffer.alloc(0)
      this.#have = 0
      const fault = sink(whole[LENGTH_BYTES] ?? 0, whole.subarray(FRAME_HEADER_BYTES))
      if (fault !== undefined) return fault
    }
    while (at < bytes.byteLength) {
      const size = this.#frameBytes(bytes, at, bytes.byteLength)
      if (Number.isNaN(size)) return this.#malformed(bytes, at)
      if (at + size > bytes.byteLength) {
        this.#keep(bytes, at, bytes.byteLength)
        return undefined
      }
      const fault = sink(bytes[at + LENGTH_BYTES] ?? 0, bytes.subarray(at + FRAME_HEADER_BYTES, at + size))
      if (fault !== undefined) return fault
      at += size
    }
    return undefined
  }

  /** Bytes of the frame that starts at `from`; as long as its length is not there, of the length; NaN if out of bounds. */
  #frameBytes(bytes: Buffer, from: number, end: number): number {
    if (end - from < LENGTH_BYTES) return LENGTH_BYTES
    const length = bytes.readUInt32BE(from)
    return length < 1 || length + LENGTH_BYTES > this.#maxFrameBytes ? Number.NaN : length + LENGTH_BYTES
  }

  #malformed(bytes: Buffer, at: number): string {
    return `a frame claims ${bytes.readUInt32BE(at)} bytes`
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const needed = this.#have + to - from
    if (needed > this.#partial.byteLength) {
      const head =
        this.#have >= LENGTH_BYTES ? this.#frameBytes(this.#partial, 0, this.#have) : this.#frameBytes(bytes, from, to)
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(head, Math.max(needed * 2, GRANTED_BYTES))))
      larger.set(this.#partial.subarray(0, this.#have))
      this.#partial = larger
    }
    bytes.copy(this.#partial, this.#have, from, to)
    this.#have = needed
  }
}
