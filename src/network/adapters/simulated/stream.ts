import type { StreamChannel, Wire } from '../../channel.ts'

/** What the receiver of a stream has room for; the sender stops when it is used up. */
export const SIMULATED_WINDOW_BYTES: number = 256 * 1024

/** How a stream reaches its other half. */
export interface StreamPort {
  data(bytes: Uint8Array): void
  window(bytes: number): void
  end(): void
  reset(): void
}

/** One half of a simulated stream, with a window and a buffer of the kind that yamux has. */
export class SimulatedStream implements Wire {
  readonly #port: StreamPort
  #channel: StreamChannel | undefined
  #window = SIMULATED_WINDOW_BYTES
  /** Taken from the channel, but beyond the window. */
  #unsent: Uint8Array | undefined
  #unread: Uint8Array[] = []
  #paused = false
  #remoteEnded = false

  constructor(port: StreamPort) {
    this.#port = port
  }

  attach(channel: StreamChannel): void {
    this.#channel = channel
  }

  get writable(): boolean {
    return this.#unsent === undefined && this.#window > 0
  }

  write(bytes: Uint8Array): void {
    const now = bytes.subarray(0, this.#window)
    this.#window -= now.byteLength
    // A copy: what the writer does to its buffer afterwards must not reach the reader.
    this.#port.data(new Uint8Array(now))
    if (now.byteLength < bytes.byteLength) this.#unsent = bytes.subarray(now.byteLength)
  }

  async end(): Promise<void> {
    this.#port.end()
  }

  reset(): void {
    this.#port.reset()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliver()
  }

  /** From the other half, as all that follow. */
  onData(bytes: Uint8Array): void {
    this.#unread.push(bytes)
    this.#deliver()
  }

  onWindow(bytes: number): void {
    this.#window += bytes
    const unsent = this.#unsent
    this.#unsent = undefined
    if (unsent !== undefined) this.write(unsent)
    this.#channel?.drained()
  }

  onEnd(): void {
    this.#remoteEnded = true
    this.#deliver()
  }

  onLost(reason: string): void {
    do this.resume()
    while (this.#unread.length > 0)
    this.#channel?.lost(reason)
  }

  #deliver(): void {
    let granted = 0
    while (!this.#paused) {
      const bytes = this.#unread.shift()
      if (bytes === undefined) break
      granted += bytes.byteLength
      this.#channel?.received(bytes)
    }
    if (granted > 0) this.#port.window(granted)
    if (this.#remoteEnded && this.#unread.length === 0) this.#channel?.remoteEnded()
  }
}
