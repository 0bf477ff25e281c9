import type { OverflowPolicy } from '../base/index.ts'
import { Fifo } from './fifo.ts'
import { HELD_MAX_FRAMES } from './limits.ts'
import type { Message } from './types.ts'

export interface MailboxInit {
  readonly capacity: number
  readonly overflow: OverflowPolicy
}

interface Parked {
  readonly message: Message
  readonly until: number
  readonly settle: () => void
}

/**
 * The bounded queue of one subscription. Unlike `BoundedQueue` of base it can be emptied synchronously, and what waits under
 * `block` has a deadline: a subscriber that sleeps for good holds a lane up only that long.
 */
export class Mailbox {
  readonly #init: MailboxInit
  readonly #messages = new Fifo<Message>()
  readonly #parked = new Fifo<Parked>()
  dropped = 0
  /** Under `disconnect`: more came than fits. */
  overflowed = false

  constructor(init: MailboxInit) {
    this.#init = init
  }

  get size(): number {
    return this.#messages.size
  }

  /** Takes a message or loses one, by policy. A promise means that it waits for room; it settles when that is decided. */
  put(message: Message, until: number): Promise<void> | undefined {
    if (this.#messages.size < this.#init.capacity && this.#parked.size === 0) {
      this.#messages.push(message)
      return undefined
    }
    if (this.#init.overflow === 'block' && this.#parked.size < HELD_MAX_FRAMES) {
      return new Promise((settle) => this.#parked.push({ message, until, settle }))
    }
    this.dropped++
    if (this.#init.overflow === 'disconnect') this.overflowed = true
    if (this.#init.overflow === 'drop-oldest') {
      this.#messages.shift()
      this.#messages.push(message)
    }
    return undefined
  }

  take(): Message | undefined {
    const message = this.#messages.shift()
    const next = this.#parked.shift()
    if (next !== undefined) {
      this.#messages.push(next.message)
      next.settle()
    }
    return message
  }

  /** Gives up on those that waited too long. */
  expire(now: number): void {
    for (let first = this.#parked.peek(); first !== undefined && first.until <= now; first = this.#parked.peek()) {
      this.#parked.shift()
      this.dropped++
      first.settle()
    }
  }

  close(): void {
    this.#messages.clear()
    for (let parked = this.#parked.shift(); parked !== undefined; parked = this.#parked.shift()) parked.settle()
  }
}
