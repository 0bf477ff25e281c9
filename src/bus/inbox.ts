import { type HybridClock, type Logger, type PeerId, reasonOf } from '../base/index.ts'
import type { Counters } from './counters.ts'
import { KindTable } from './kind-table.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Admission, Message, MessageHandler } from './types.ts'

export interface InboxComponents {
  readonly admission: Admission
  readonly subscriptions: Subscriptions
  readonly hybridClock: HybridClock
  readonly counters: Counters
  readonly log: Logger
}

/** Where messages of other peers go: to the subscribers of their topic, or to the one receiver of their kind. */
export class Inbox {
  readonly #use: InboxComponents
  readonly #receivers = new KindTable<MessageHandler>('receives')

  constructor(components: InboxComponents) {
    this.#use = components
  }

  receive(kind: string, handler: MessageHandler): Disposable {
    return this.#receivers.add(kind, handler)
  }

  /** A promise means that the message is not dealt with yet. */
  accept(message: Message): Promise<void> | undefined {
    const { admission, subscriptions, hybridClock, counters } = this.#use
    counters.messagesIn++
    hybridClock.observe(message.hlc)
    if (message.topic !== '') {
      if (admission.mayUseTopic(message.from, message.topic)) return subscriptions.deliver(message)
      counters.droppedTopic++
      return undefined
    }
    const receiver = this.#receivers.get(message.kind)
    if (receiver !== undefined) return this.#run(receiver, message)
    counters.droppedUnhandled++
    return undefined
  }

  #run(receiver: MessageHandler, message: Message): Promise<void> | undefined {
    try {
      const settled = receiver(message)
      if (!(settled instanceof Promise)) return undefined
      return settled.catch((error: unknown) => this.#fail(message.from, message.kind, error))
    } catch (error) {
      this.#fail(message.from, message.kind, error)
      return undefined
    }
  }

  #fail(from: PeerId, kind: string, error: unknown): void {
    this.#use.counters.handlerFailures++
    this.#use.log.warn({ peer: from, kind, reason: reasonOf(error) }, 'a receiver failed')
  }
}
