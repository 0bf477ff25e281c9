import { WRITE_MAX_BYTES } from './limits.ts'

/** Frames that lie side by side are written as they lie, if they are at least so many bytes together. */
const RUN_MIN_BYTES = 8 * 1024

/** Frames for one write: those that lie side by side in memory go out as they are, others are copied together. */
export class Batch {
  readonly #frames: Uint8Array[] = []
  #size = 0
  /** So far each frame begins where the one before it ends. */
  #isRun = true

  /** May the frame go out with the rest? A frame larger than a write goes alone. */
  takes(frame: Uint8Array): boolean {
    if (this.#size === 0) return true
    if (this.#size + frame.byteLength > WRITE_MAX_BYTES) return false
    return !this.#isRun || this.#size < RUN_MIN_BYTES || this.#continues(frame)
  }

  add(frame: Uint8Array): void {
    this.#isRun &&= this.#size === 0 || this.#continues(frame)
    this.#frames.push(frame)
    this.#size += frame.byteLength
  }

  /** All of them; `undefined` if there are none. */
  bytes(): Uint8Array | undefined {
    const [first] = this.#frames
    if (first === undefined || this.#frames.length === 1) return first
    if (this.#isRun) return new Uint8Array(first.buffer, first.byteOffset, this.#size)
    const bytes = Buffer.allocUnsafeSlow(this.#size)
    let at = 0
    for (const frame of this.#frames) {
      bytes.set(frame, at)
      at += frame.byteLength
    }
    return bytes
  }

  #continues(frame: Uint8Array): boolean {
    const last = this.#frames.at(-1)
    return last !== undefined && last.buffer === frame.buffer && last.byteOffset + last.byteLength === frame.byteOffset
  }
}
