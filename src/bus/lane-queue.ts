import { Batch } from './batch.ts'
import type { SendWindow } from './credit.ts'
import { Fifo } from './fifo.ts'
import { HIGH_BURST_FRAMES, WAITING_MAX_BYTES, WAITING_MAX_FRAMES, WRITE_MAX_BYTES } from './limits.ts'

/** A frame on its way out. One object may stand in the queues of many peers unless somebody means to cancel it. */
export interface Outgoing {
  readonly frame: Uint8Array
  /** Monotonic ms; `Infinity` for frames that stay true. */
  readonly expiresAt: number
  /** `cancelled` may be set by the owner while `queued`: the frame is then passed over. */
  state: 'queued' | 'sent' | 'cancelled'
}

export function outgoing(frame: Uint8Array, expiresAt: number): Outgoing {
  return { frame, expiresAt, state: 'queued' }
}

/** Somebody who waits for room. */
interface Waiter {
  readonly entry: Outgoing
  readonly taken: () => void
}

export interface LaneQueueInit {
  readonly bounds: { readonly bytes: number; readonly frames: number }
  /** How many grades of urgency share the lane; 0 is the most urgent. */
  readonly classes: 1 | 2
}

/** The frames of one lane: first in, first out within a class; bounded; overflow is the caller's choice (`offer` or `wait`). */
export class LaneQueue {
  readonly #bounds: LaneQueueInit['bounds']
  readonly #classes: readonly Fifo<Outgoing>[]
  /** In order of arrival; sets, so that leaving is cheap. */
  readonly #waiting: readonly Set<Waiter>[]
  #waitingFrames = 0
  #waitingBytes = 0
  #frames = 0
  #bytes = 0
  #urgentRun = 0
  /** The large frame that is being written in slices. */
  #inside: { readonly frame: Uint8Array; offset: number } | undefined
  #expired = 0
  #sent = 0

  constructor(init: LaneQueueInit) {
    this.#bounds = init.bounds
    this.#classes = Array.from({ length: init.classes }, () => new Fifo<Outgoing>())
    this.#waiting = Array.from({ length: init.classes }, () => new Set<Waiter>())
  }

  /** Frames not yet written whole. */
  get frames(): number {
    return this.#frames
  }

  /** Bytes not yet written. */
  get bytes(): number {
    return this.#bytes
  }

  /** Frames handed out to be written. */
  get sent(): number {
    return this.#sent
  }

  get expired(): number {
    return this.#expired
  }

  offer(entry: Outgoing, grade: number, now: number): boolean {
    if (this.#waitingFrames > 0) return false
    if (!this.#hasRoom(entry)) this.#dropStale(now)
    if (!this.#hasRoom(entry)) return false
    this.#add(entry, grade)
    return true
  }

  /** Lines up for room. Returns how to leave the line, or `undefined` when too many stand in it. */
  wait(entry: Outgoing, grade: number, taken: () => void): (() => void) | undefined {
    const line = this.#waiting[grade]
    const bytes = this.#waitingBytes + entry.frame.byteLength
    if (line === undefined || this.#waitingFrames >= WAITING_MAX_FRAMES || bytes > WAITING_MAX_BYTES) return undefined
    const waiter: Waiter = { entry, taken }
    line.add(waiter)
    this.#waitingFrames++
    this.#waitingBytes = bytes
    return () => this.#leave(line, waiter)
  }

  /** Up to `WRITE_MAX_BYTES` of whole frames, or the next slice of a frame larger than that. */
  take(now: number, window?: SendWindow): Uint8Array | undefined {
    for (;;) {
      const bytes = this.#inside === undefined ? this.#pack(now, window) : this.#slice(this.#inside)
      const admitted = this.#admit()
      if (bytes !== undefined || !admitted) return bytes
    }
  }

  #pack(now: number, window: SendWindow | undefined): Uint8Array | undefined {
    const batch = new Batch()
    for (let queue = this.#next(now); queue !== undefined; queue = this.#next(now)) {
      const entry = queue.peek()
      const bytes = entry?.frame.byteLength ?? 0
      if (entry === undefined || !batch.takes(entry.frame) || window?.allows(bytes) === false) break
      queue.shift()
      entry.state = 'sent'
      this.#sent++
      window?.spend(bytes)
      this.#urgentRun = queue === this.#classes[0] ? this.#urgentRun + 1 : 0
      if (bytes > WRITE_MAX_BYTES) {
        this.#inside = { frame: entry.frame, offset: 0 }
        return this.#slice(this.#inside)
      }
      batch.add(entry.frame)
      this.#remove(bytes)
    }
    return batch.bytes()
  }

  #slice(inside: { readonly frame: Uint8Array; offset: number }): Uint8Array {
    const bytes = inside.frame.subarray(inside.offset, inside.offset + WRITE_MAX_BYTES)
    inside.offset += bytes.byteLength
    this.#bytes -= bytes.byteLength
    if (inside.offset === inside.frame.byteLength) {
      this.#inside = undefined
      this.#frames--
    }
    return bytes
  }

  /** The class whose turn it is, its head still worth sending. */
  #next(now: number): Fifo<Outgoing> | undefined {
    const [urgent, other] = this.#classes
    if (urgent !== undefined) this.#dropStaleHeads(urgent, now)
    if (other === undefined) return urgent?.size === 0 ? undefined : urgent
    this.#dropStaleHeads(other, now)
    if (other.size === 0) return urgent?.size === 0 ? undefined : urgent
    return urgent === undefined || urgent.size === 0 || this.#urgentRun >= HIGH_BURST_FRAMES ? other : urgent
  }

  #dropStale(now: number): void {
    for (const queue of this.#classes) this.#dropStaleHeads(queue, now)
  }

  #dropStaleHeads(queue: Fifo<Outgoing>, now: number): void {
    for (let entry = queue.peek(); entry !== undefined; entry = queue.peek()) {
      if (entry.state !== 'cancelled' && entry.expiresAt > now) return
      if (entry.state !== 'cancelled') this.#expired++
      queue.shift()
      this.#remove(entry.frame.byteLength)
    }
  }

  #hasRoom(entry: Outgoing): boolean {
    return this.#frames < this.#bounds.frames && this.#bytes + entry.frame.byteLength <= this.#bounds.bytes
  }

  #add(entry: Outgoing, grade: number): void {
    this.#classes[grade]?.push(entry)
    this.#frames++
    this.#bytes += entry.frame.byteLength
  }

  #remove(bytes: number): void {
    this.#frames--
    this.#bytes -= bytes
  }

  /** Lets in those who wait, the more urgent first, each class in order; says whether there was one. */
  #admit(): boolean {
    let admitted = false
    for (const [grade, line] of this.#waiting.entries()) {
      for (const waiter of line) {
        if (!this.#hasRoom(waiter.entry)) return admitted
        this.#leave(line, waiter)
        this.#add(waiter.entry, grade)
        waiter.taken()
        admitted = true
      }
    }
    return admitted
  }

  #leave(line: Set<Waiter>, waiter: Waiter): void {
    if (!line.delete(waiter)) return
    this.#waitingFrames--
    this.#waitingBytes -= waiter.entry.frame.byteLength
  }
}
