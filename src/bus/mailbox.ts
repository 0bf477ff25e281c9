import type { OverflowPolicy } from '../base/index.ts'
import { GRADE_OF, GradedFifo } from './graded-fifo.ts'
import { HELD_MAX_FRAMES } from './limits.ts'
import { type Message, PRIORITIES } from './types.ts'

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
 * The bounded queue of one subscription, the more urgent first. Unlike `BoundedQueue` of base it can be emptied synchronously,
 * and what waits under `block` has a deadline: a subscriber that sleeps for good holds a lane up only that long.
 */
export class Mailbox {
  readonly #init: MailboxInit
  readonly #messages = new GradedFifo<Message>()
  readonly #parked = new GradedFifo<Parked>()
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
    const grade = GRADE_OF[message.priority]
    if (this.#messages.size < this.#init.capacity && this.#parked.size === 0) {
      this.#messages.push(grade, message)
      return undefined
    }
    if (this.#init.overflow === 'block' && this.#parked.size < HELD_MAX_FRAMES) {
      return new Promise((settle) => this.#parked.push(grade, { message, until, settle }))
    }
    this.dropped++
    if (this.#init.overflow === 'disconnect') this.overflowed = true
    else if (this.#makeRoom(grade)) this.#messages.push(grade, message)
    return undefined
  }

  take(): Message | undefined {
    const message = this.#messages.shift()
    const next = this.#parked.shift()
    if (next !== undefined) {
      this.#messages.push(GRADE_OF[next.message.priority], next.message)
      next.settle()
    }
    return message
  }

  /** Gives up on those that waited too long. */
  expire(now: number): void {
    for (const grade of PRIORITIES.keys()) {
      for (let one = this.#parked.peekOf(grade); one !== undefined && one.until <= now; ) {
        this.#parked.shiftOf(grade)
        this.dropped++
        one.settle()
        one = this.#parked.peekOf(grade)
      }
    }
  }

  close(): void {
    this.#messages.clear()
    for (let parked = this.#parked.shift(); parked !== undefined; parked = this.#parked.shift()) parked.settle()
  }

  /** Loses one of the least urgent to a newcomer of `grade`; false if that is the newcomer itself. */
  #makeRoom(grade: number): boolean {
    const least = this.#messages.leastUrgent
    if (this.#init.overflow === 'drop-oldest') return grade <= least && this.#messages.shiftOf(least) !== undefined
    return grade < least && this.#messages.popOf(least) !== undefined
  }
}
