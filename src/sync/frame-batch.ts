import { type Frame, frameBytes, RUN_MAX_BYTES, RUN_MAX_FRAMES } from '../records/index.ts'

/** The head of the array of frames. */
const HEAD_BYTES = 3

/** Frames that travel together: no more than one batch may hold. */
export class FrameBatch {
  readonly frames: Frame[] = []
  bytes = 0

  /** False if there is no room. */
  add(frame: Frame): boolean {
    return this.addAll([frame])
  }

  /** All of them or none. */
  addAll(frames: readonly Frame[]): boolean {
    const bytes = frames.reduce((sum, frame) => sum + frameBytes(frame), 0)
    if (this.frames.length + frames.length > RUN_MAX_FRAMES) return false
    if (this.bytes + bytes > RUN_MAX_BYTES - HEAD_BYTES) return false
    this.frames.push(...frames)
    this.bytes += bytes
    return true
  }
}
