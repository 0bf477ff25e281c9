import { type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import type { CatchUpEffect, CatchUpEvent } from './catch-up-events.ts'
import type { Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import { decodeHave, decodeHello, encodeHaveRequest, encodeHello, encodeWant, type Hello } from './wire.ts'

export interface QuestionsComponents {
  readonly space: SpaceId
  readonly bus: Bus
  readonly log: Logger
  readonly signal: AbortSignal
  /** What we hold. */
  readonly hello: () => Hello
  readonly onEvent: (event: CatchUpEvent) => void
  readonly blame: (peer: PeerId, misconduct: Misconduct) => void
}

export type Question = Extract<CatchUpEffect, { readonly do: 'ask-hello' | 'ask-have' | 'send-want' | 'send-done' }>

/** Puts the questions of the catch-up machine to peers. Every answer and every failure comes back to it as an event. */
export class Questions {
  readonly #use: QuestionsComponents

  constructor(components: QuestionsComponents) {
    this.#use = components
  }

  put(question: Question): void {
    void this.#put(question)
  }

  /** Never rejects. */
  async #put(question: Question): Promise<void> {
    const { onEvent, signal, log, blame } = this.#use
    const { peer } = question
    try {
      const event = await this.#carryOut(question)
      if (event !== undefined && !signal.aborted) onEvent(event)
    } catch (error) {
      if (signal.aborted) return
      log.debug({ peer, question: question.do, reason: reasonOf(error) }, 'a peer did not answer')
      if (error instanceof SyncError) blame(peer, 'malformed')
      if (question.do !== 'send-done') onEvent({ on: 'failed', peer })
    }
  }

  async #carryOut(question: Question): Promise<CatchUpEvent | undefined> {
    const { bus, space, signal } = this.#use
    const { peer } = question
    const onLanes = { direct: true, signal }
    switch (question.do) {
      case 'ask-hello': {
        const answer = decodeHello(await bus.request(peer, 'sync.hello', encodeHello(this.#use.hello()), onLanes))
        this.#assertSpace(answer.space)
        return { on: 'hello', peer, theirs: answer }
      }
      case 'ask-have': {
        const { group, after } = question
        const body = encodeHaveRequest({ space, group, after })
        const { space: answered, claims, more } = decodeHave(await bus.request(peer, 'sync.have', body, onLanes))
        this.#assertSpace(answered)
        return { on: 'have', peer, claims, more }
      }
      case 'send-want':
        await bus.send(peer, 'sync.want', encodeWant({ space, want: question.want, ranges: question.ranges }), onLanes)
        return undefined
      case 'send-done':
        await bus.send(peer, 'sync.done', encodeHello(this.#use.hello()), onLanes)
        return undefined
    }
  }

  #assertSpace(space: SpaceId): void {
    if (space !== this.#use.space) throw new SyncError('ERR_SYNC_MALFORMED', 'an answer about another space')
  }
}
