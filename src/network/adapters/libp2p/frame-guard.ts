import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'

/** Yamux specification, "Framing": version, type, flags (2), stream id (4), length (4), big-endian. */
const HEADER_BYTES = 12
const TYPE_OFFSET = 1
const LENGTH_OFFSET = 8
const TYPE_DATA = 0

/**
 * Follows the frame headers in a yamux byte stream and says whether a peer announces more than it may send.
 * Without it the muxer collects a frame of any length, up to 4 GiB, before it looks at the window.
 */
export class FrameGuard {
  readonly #maxFrameBytes: number
  readonly #header: Uint8Array = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #bodyBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** False from the first frame on that is too long. */
  accepts(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#bodyBytes > 0) {
        const step = Math.min(this.#bodyBytes, bytes.byteLength - at)
        this.#bodyBytes -= step
        at += step
        continue
      }
      const part = bytes.subarray(at, at + HEADER_BYTES - this.#headerBytes)
      this.#header.set(part, this.#headerBytes)
      this.#headerBytes += part.byteLength
      at += part.byteLength
      if (this.#headerBytes < HEADER_BYTES) break
      this.#headerBytes = 0
      if (this.#header[TYPE_OFFSET] !== TYPE_DATA) continue
      this.#bodyBytes = new DataView(this.#header.buffer).getUint32(LENGTH_OFFSET)
      if (this.#bodyBytes > this.#maxFrameBytes) return false
    }
    return true
  }
}

/** The same muxer, each connection watched by a `FrameGuard`; a violation ends the connection. */
export function guarded(
  factory: StreamMuxerFactory,
  options: { readonly maxFrameBytes: number; readonly onViolation: () => void },
): StreamMuxerFactory {
  const createStreamMuxer: StreamMuxerFactory['createStreamMuxer'] = (stream) => {
    watch(stream, options)
    return factory.createStreamMuxer(stream)
  }
  return { ...factory, createStreamMuxer }
}

function watch(
  stream: MessageStream,
  options: { readonly maxFrameBytes: number; readonly onViolation: () => void },
): void {
  const guard = new FrameGuard(options.maxFrameBytes)
  let violated = false
  stream.addEventListener('message', ({ data }) => {
    if (violated) return
    for (const part of data instanceof Uint8Array ? [data] : data) {
      if (guard.accepts(part)) continue
      violated = true
      options.onViolation()
      stream.abort(new Error(`the peer announced a frame of more than ${options.maxFrameBytes} bytes`))
      return
    }
  })
}
