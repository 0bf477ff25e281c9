/** How many bytes are set aside at once. A frame that is kept keeps the slab that it lies in. */
export const SLAB_BYTES: number = 64 * 1024
/** Larger frames have memory of their own. */
const SHARED_MAX_BYTES = 4 * 1024

let slab: Buffer = Buffer.alloc(0)
let used = 0

/**
 * Memory for a frame of at most `maxBytes`; `fill` writes it and returns how many it took. Frames that are made one after
 * the other lie side by side, so that a lane can write a run of them without copying.
 */
export function inSlab(maxBytes: number, fill: (bytes: Buffer, start: number) => number): Buffer {
  if (maxBytes > SHARED_MAX_BYTES) {
    const own = Buffer.allocUnsafeSlow(maxBytes)
    return own.subarray(0, fill(own, 0))
  }
  if (used + maxBytes > slab.byteLength) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    used = 0
  }
  const start = used
  used = fill(slab, start)
  return slab.subarray(start, used)
}
