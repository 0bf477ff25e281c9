import { type Clock, type Logger, reasonOf, type Timer } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { GRADE_OF, GradedFifo } from './graded-fifo.ts'
import type { Priority } from './types.ts'

/** Who waits for a delivery to be dealt with: the lane it came on. */
export interface Payer {
  /** The handler ran; a promise means that it has not settled yet. */
  dealt(bytes: number, settled: Promise<void> | undefined): void
}

/** Something that arrived and is to be handled when its turn comes. */
export class Delivery {
  readonly priority: Priority
  readonly handle: () => Promise<void> | undefined
  payer: Payer | undefined
  bytes = 0

  constructor(priority: Priority, handle: () => Promise<void> | undefined) {
    this.priority = priority
    this.handle = handle
  }
}

/** Handlers may run so long before the event loop gets a turn to read what else has arrived. */
const TURN_MAX_MS = 0.5
/** How often the time is looked at: asking costs about as much as a cheap handler. */
const LOOK_EVERY = 2
const CRITICAL = GRADE_OF.critical

export interface DispatcherComponents {
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/**
 * Runs handlers in order of urgency over all peers and lanes: what was read in the same turn of the event loop is sorted
 * before any of it is handled, so that what is critical does not stand behind a burst of the rest. Bounded by the lanes,
 * which stop reading while too much of theirs waits here.
 */
export class Dispatcher {
  readonly #use: DispatcherComponents
  readonly #queue = new GradedFifo<Delivery>()
  #isScheduled = false
  #turn: Timer | undefined

  constructor(components: DispatcherComponents) {
    this.#use = components
  }

  post(delivery: Delivery): void {
    this.#queue.push(GRADE_OF[delivery.priority], delivery)
    if (this.#isScheduled || (this.#turn !== undefined && delivery.priority !== 'critical')) return
    this.#isScheduled = true
    queueMicrotask(() => this.#drain())
  }

  /** Drops what waits: nobody listens any more. */
  stop(): void {
    this.#turn?.cancel()
    this.#turn = undefined
    this.#queue.clear()
  }

  #drain(): void {
    this.#isScheduled = false
    if (this.#turn !== undefined) {
      for (let one = this.#queue.shiftOf(CRITICAL); one !== undefined; one = this.#queue.shiftOf(CRITICAL))
        this.#run(one)
      return
    }
    const end = this.#use.clock.monotonic() + TURN_MAX_MS
    let count = 0
    for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
      this.#run(one)
      if (++count % LOOK_EVERY !== 0 || this.#use.clock.monotonic() < end) continue
      this.#yield()
      return
    }
  }

  #yield(): void {
    if (this.#queue.size === 0) return
    this.#turn = this.#use.clock.setTimer(0, () => {
      this.#turn = undefined
      this.#drain()
    })
  }

  #run(delivery: Delivery): void {
    let settled: Promise<void> | undefined
    try {
      settled = delivery.handle()
    } catch (error) {
      // Ours, not the peer's: a component that we asked (admission, a listener) threw.
      this.#use.log.error({ reason: reasonOf(error) }, 'a message could not be handled')
      this.#use.counters.handlerFailures++
    }
    delivery.payer?.dealt(delivery.bytes, settled)
  }
}
