/**
 * Receiver-driven flow control, both ends. The unit is the byte of a frame.
 *
 * Invariant, given an honest pair: the bytes sent and not yet credited never exceed the window, except that one frame larger
 * than the window may be in flight alone. Without that exception such a frame could never be sent.
 */
export class SendWindow {
  #windowBytes: number
  #inFlight = 0

  constructor(init: { readonly windowBytes: number }) {
    this.#windowBytes = init.windowBytes
  }

  /** What is in flight stays so: a smaller window is reached as credit comes. */
  resize(windowBytes: number): void {
    this.#windowBytes = windowBytes
  }

  allows(bytes: number): boolean {
    return this.#inFlight === 0 || this.#inFlight + bytes <= this.#windowBytes
  }

  spend(bytes: number): void {
    this.#inFlight += bytes
  }

  /** Takes what the receiver gave back. More than was spent is a fault of the peer: returns false. */
  grant(bytes: number): boolean {
    if (bytes > this.#inFlight) return false
    this.#inFlight -= bytes
    return true
  }
}

export class ReceiveWindow {
  readonly #windowBytes: number
  #held = 0
  #due = 0

  constructor(init: { readonly windowBytes: number }) {
    this.#windowBytes = init.windowBytes
  }

  /** Notes a frame's arrival; false if the sender went beyond its credit. */
  arrive(bytes: number): boolean {
    const inFlight = this.#held + this.#due
    if (inFlight > 0 && inFlight + bytes > this.#windowBytes) return false
    this.#held += bytes
    return true
  }

  /** The frame is dealt with. */
  settle(bytes: number): void {
    this.#held -= bytes
    this.#due += bytes
  }

  /** Credit to send now, 0 for none: a sixteenth of the window at a time, or all there is once nothing is held. */
  take(): number {
    if (this.#held > 0 && this.#due * 16 < this.#windowBytes) return 0
    const due = this.#due
    this.#due = 0
    return due
  }
}
