import { whenAborted } from './abort.ts'
import { BaseError } from './errors.ts'

export const OVERFLOW_POLICIES = ['drop-oldest', 'drop-newest', 'block', 'disconnect'] as const
export type OverflowPolicy = (typeof OVERFLOW_POLICIES)[number]

export interface BoundedQueueInit {
  readonly capacity: number
  readonly overflow: OverflowPolicy
}

export interface QueueWaitOptions {
  readonly signal?: AbortSignal
}

interface BlockedPush<T> {
  readonly item: T
  readonly settle: (taken: boolean) => void
}

/**
 * A queue between producers and one consumer that never outgrows `capacity`.
 *
 * On overflow: `drop-oldest` and `drop-newest` lose an item and count it; `block` makes `push` wait its turn;
 * `disconnect` ends the queue, so that the consumer sees `ERR_OVERFLOW` after the items it still holds.
 */
export class BoundedQueue<T extends NonNullable<unknown> | null> implements AsyncIterable<T>, Disposable {
  readonly #capacity: number
  readonly #overflow: OverflowPolicy
  readonly #items: T[] = []
  readonly #blocked = new Set<BlockedPush<T>>()
  #dropped = 0
  #ended = false
  #failure: unknown
  #wakeConsumer: (() => void) | undefined

  constructor(init: BoundedQueueInit) {
    if (!(init.capacity >= 1))
      throw new BaseError('ERR_INVALID_ARGUMENT', `capacity must be at least 1, not ${init.capacity}`)
    this.#capacity = init.capacity
    this.#overflow = init.overflow
  }

  get size(): number {
    return this.#items.length
  }

  /** Items lost to the policy. */
  get dropped(): number {
    return this.#dropped
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Says whether the item was taken; only `block` makes it wait, and the order of the calls is kept. Rejects with the
   * signal's reason if that comes first: the item is not taken then.
   */
  async push(item: T, options: QueueWaitOptions = {}): Promise<boolean> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#overflow !== 'block' || this.#ended || this.#items.length < this.#capacity) return this.offer(item)
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const blocked: BlockedPush<T> = { item, settle: resolve }
    this.#blocked.add(blocked)
    using _abort = whenAborted(signal, (reason) => {
      if (this.#blocked.delete(blocked)) reject(reason)
    })
    return await promise
  }

  /** As `push` without waiting: under `block` a full queue refuses the item. */
  offer(item: T): boolean {
    if (this.#ended) return false
    if (this.#items.length >= this.#capacity) {
      if (this.#overflow !== 'block') this.#dropped++
      if (this.#overflow === 'disconnect')
        this.end(new BaseError('ERR_OVERFLOW', `more than ${this.#capacity} items waited`))
      if (this.#overflow !== 'drop-oldest') return false
      this.#items.shift()
    }
    this.#items.push(item)
    this.#wake()
    return true
  }

  /**
   * No more items come, and pushes that wait are refused. What is queued is still delivered, then the iteration ends, with
   * `failure` if one is given.
   */
  end(failure?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    for (const { settle } of this.#blocked) settle(false)
    this.#blocked.clear()
    this.#wake()
  }

  /**
   * The next item, or `undefined` once the queue has ended. Rejects with the failure given to `end`, or with the signal's
   * reason; one call at a time.
   */
  async shift(options: QueueWaitOptions = {}): Promise<T | undefined> {
    const { signal } = options
    if (this.#wakeConsumer !== undefined) throw new BaseError('ERR_LIFECYCLE', 'a queue has one consumer')
    signal?.throwIfAborted()
    if (this.#items.length === 0 && !this.#ended) await this.#filled(signal)
    const item = this.#items.shift()
    if (item !== undefined) this.#admitBlocked()
    else if (this.#failure !== undefined) throw this.#failure
    return item
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (let item = await this.shift(); item !== undefined; item = await this.shift()) yield item
    } finally {
      this[Symbol.dispose]()
    }
  }

  /** Forgets what is queued and ends. */
  [Symbol.dispose](): void {
    this.#items.length = 0
    this.end()
  }

  /** Resolves when there is an item or the queue has ended. */
  async #filled(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#wakeConsumer = resolve
    using _abort = whenAborted(signal, reject)
    try {
      await promise
    } finally {
      this.#wakeConsumer = undefined
    }
  }

  #wake(): void {
    this.#wakeConsumer?.()
  }

  #admitBlocked(): void {
    for (const blocked of this.#blocked) {
      this.#blocked.delete(blocked)
      this.#items.push(blocked.item)
      blocked.settle(true)
      return
    }
  }
}
