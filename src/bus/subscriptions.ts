import { BaseError, type Clock, type Logger, type OverflowPolicy, reasonOf } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { HANDLER_TIMEOUT_MS, SUBSCRIPTION_CAPACITY, TOPIC_CACHE_ENTRIES } from './limits.ts'
import { Mailbox } from './mailbox.ts'
import { topicMatcher } from './topics.ts'
import type { Message, MessageHandler, SubscribeOptions, Subscription } from './types.ts'

export interface SubscriptionsComponents {
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** Who wants to hear what. */
export class Subscriptions {
  readonly #use: SubscriptionsComponents
  readonly #all = new Set<TopicSubscription>()
  /** Subscriptions by topic, forgotten whenever one comes or goes and when it grows too large. */
  readonly #byTopic = new Map<string, readonly TopicSubscription[]>()

  constructor(components: SubscriptionsComponents) {
    this.#use = components
  }

  add(pattern: string, options: SubscribeOptions, handler: MessageHandler | undefined): Subscription {
    const subscription = new TopicSubscription(
      { pattern, options, handler, onEnd: () => this.#remove(subscription) },
      this.#use,
    )
    this.#all.add(subscription)
    this.#byTopic.clear()
    return subscription
  }

  /** How many there are, and the messages that wait in them. */
  get figures(): Readonly<Record<'subscriptions' | 'subscriptionsQueued', number>> {
    let queued = 0
    for (const subscription of this.#all) queued += subscription.queued
    return { subscriptions: this.#all.size, subscriptionsQueued: queued }
  }

  /** Does anybody here listen to the topic? */
  wants(topic: string): boolean {
    return this.#wanting(topic).length > 0
  }

  /** Hands a message to all who want it. A promise means that one of them makes the sender wait. */
  deliver(message: Message): Promise<void> | undefined {
    const waits: Promise<void>[] = []
    let taken = false
    for (const subscription of this.#wanting(message.topic)) {
      if (!subscription.takes(message)) continue
      taken = true
      const wait = subscription.offer(message)
      if (wait !== undefined) waits.push(wait)
    }
    if (!taken) this.#use.counters.droppedUnhandled++
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined)
  }

  /** Gives up on messages that waited too long for room. */
  expire(): void {
    const now = this.#use.clock.monotonic()
    for (const subscription of this.#all) subscription.expire(now)
  }

  close(): void {
    for (const subscription of [...this.#all]) subscription[Symbol.dispose]()
  }

  #wanting(topic: string): readonly TopicSubscription[] {
    const known = this.#byTopic.get(topic)
    if (known !== undefined) return known
    const found = [...this.#all].filter((subscription) => subscription.matches(topic))
    if (this.#byTopic.size >= TOPIC_CACHE_ENTRIES) this.#byTopic.clear()
    this.#byTopic.set(topic, found)
    return found
  }

  #remove(subscription: TopicSubscription): void {
    this.#all.delete(subscription)
    this.#byTopic.clear()
  }
}

interface TopicSubscriptionInit {
  readonly pattern: string
  readonly options: SubscribeOptions
  readonly handler: MessageHandler | undefined
  readonly onEnd: () => void
}

/** One subscriber. Its queue, its failures and its slowness are its own. */
class TopicSubscription implements Subscription {
  readonly pattern: string
  readonly matches: (topic: string) => boolean
  readonly #use: SubscriptionsComponents
  readonly #handler: MessageHandler | undefined
  readonly #kinds: ReadonlySet<string> | undefined
  readonly #filter: ((message: Message) => boolean) | undefined
  readonly #overflow: OverflowPolicy
  readonly #capacity: number
  readonly #mailbox: Mailbox
  readonly #onEnd: () => void
  #busy = false
  #ended = false
  /** Readers that wait for a message: several share what comes. */
  #readers: (() => void)[] = []
  #delivered = 0
  #failed = 0

  constructor(init: TopicSubscriptionInit, components: SubscriptionsComponents) {
    const { kinds, filter, capacity = SUBSCRIPTION_CAPACITY, overflow = 'drop-oldest' } = init.options
    if (!(capacity >= 1)) throw new BaseError('ERR_INVALID_ARGUMENT', `capacity must be at least 1, not ${capacity}`)
    this.pattern = init.pattern
    this.matches = topicMatcher(init.pattern)
    this.#use = components
    this.#handler = init.handler
    this.#kinds = kinds === undefined ? undefined : new Set(kinds)
    this.#filter = filter
    this.#overflow = overflow
    this.#capacity = capacity
    this.#mailbox = new Mailbox({ capacity, overflow })
    this.#onEnd = init.onEnd
  }

  get delivered(): number {
    return this.#delivered
  }

  get queued(): number {
    return this.#mailbox.size
  }

  get dropped(): number {
    return this.#mailbox.dropped
  }

  get failed(): number {
    return this.#failed
  }

  /** Whether it is for this subscriber. */
  takes(message: Message): boolean {
    if (this.#ended || (this.#mailbox.overflowed && this.#overflow === 'disconnect')) return false
    if (this.#kinds !== undefined && !this.#kinds.has(message.kind)) return false
    if (this.#filter === undefined) return true
    try {
      return this.#filter(message)
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** Takes a message. A promise means that it waits for room. */
  offer(message: Message): Promise<void> | undefined {
    if (this.#handler !== undefined && !this.#busy && this.#mailbox.size === 0) {
      this.#run(this.#handler, message)
      this.#drain()
      return undefined
    }
    const wait = this.#mailbox.put(message, this.#use.clock.monotonic() + Math.min(message.ttlMs, HANDLER_TIMEOUT_MS))
    if (this.#mailbox.overflowed && this.#handler !== undefined) {
      this.#fail(this.#overflowError())
      this[Symbol.dispose]()
    }
    this.#wakeReaders()
    return wait
  }

  expire(now: number): void {
    this.#mailbox.expire(now)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    try {
      for (;;) {
        const message = this.#mailbox.take()
        if (message !== undefined) {
          this.#delivered++
          yield message
        } else if (this.#mailbox.overflowed) {
          throw this.#overflowError()
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>((resolve) => this.#readers.push(resolve))
        }
      }
    } finally {
      this[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    this.#mailbox.close()
    this.#wakeReaders()
  }

  #wakeReaders(): void {
    for (const wake of this.#readers.splice(0)) wake()
  }

  /** Runs the handler, one message at a time: also when it publishes to itself. */
  #run(handler: MessageHandler, message: Message): void {
    this.#busy = true
    this.#delivered++
    try {
      const settled = handler(message)
      if (!(settled instanceof Promise)) {
        this.#busy = false
        return
      }
      void settled.then(
        () => this.#settle(),
        (error: unknown) => {
          this.#fail(error)
          this.#settle()
        },
      )
    } catch (error) {
      this.#busy = false
      this.#fail(error)
    }
  }

  #settle(): void {
    this.#busy = false
    this.#drain()
  }

  #drain(): void {
    while (this.#handler !== undefined && !this.#busy) {
      const message = this.#mailbox.take()
      if (message === undefined) return
      this.#run(this.#handler, message)
    }
  }

  #overflowError(): BaseError {
    return new BaseError('ERR_OVERFLOW', `more than ${this.#capacity} messages waited for "${this.pattern}"`)
  }

  #fail(error: unknown): void {
    this.#failed++
    this.#use.counters.handlerFailures++
    this.#use.log.warn({ pattern: this.pattern, reason: reasonOf(error) }, 'a subscriber failed')
  }
}
