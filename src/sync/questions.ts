import { type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import type { Answering } from './answering.ts'
import type { CatchUpEffect, CatchUpEvent } from './catch-up-events.ts'
import type { Misconduct } from './conduct.ts'
import { SyncError } from './errors.ts'
import { type ClaimedFork, decodeForks, encodeForksRequest } from './fork-wire.ts'
import { decodeRangeAnswer, decodeSinceAnswer, encodeRangeRequest, encodeSinceRequest } from './range-wire.ts'
import {
  type Claim,
  decodeHave,
  decodeHello,
  encodeHave,
  encodeHaveRequest,
  encodeHello,
  encodeWant,
  HAVE_MAX_LOGS,
} from './wire.ts'

export interface QuestionsComponents {
  readonly space: SpaceId
  readonly bus: Bus
  readonly log: Logger
  readonly signal: AbortSignal
  readonly answering: Answering
  readonly onForks: (peer: PeerId, forks: readonly ClaimedFork[]) => void
  readonly onEvent: (event: CatchUpEvent) => void
  readonly blame: (peer: PeerId, misconduct: Misconduct) => void
}

export type Errand = Extract<
  CatchUpEffect,
  {
    readonly do:
      | 'ask-hello'
      | 'ask-since'
      | 'ask-have'
      | 'ask-range'
      | 'ask-forks'
      | 'send-want'
      | 'send-news'
      | 'send-done'
  }
>

/** Puts the questions of the catch-up machine to peers. Every answer and every failure comes back to it as an event. */
export class Questions {
  readonly #use: QuestionsComponents

  constructor(components: QuestionsComponents) {
    this.#use = components
  }

  put(errand: Errand): void {
    void this.#put(errand)
  }

  /** Never rejects. */
  async #put(errand: Errand): Promise<void> {
    const { onEvent, signal, log, blame } = this.#use
    const { peer } = errand
    try {
      const event = await this.#carryOut(errand)
      if (event !== undefined && !signal.aborted) onEvent(event)
    } catch (error) {
      if (signal.aborted) return
      log.debug({ peer, errand: errand.do, reason: reasonOf(error) }, 'a peer did not answer')
      if (error instanceof SyncError && error.code === 'ERR_SYNC_MALFORMED') blame(peer, 'malformed')
      if (errand.do !== 'send-done' && errand.do !== 'send-news') onEvent({ on: 'failed', peer })
    }
  }

  async #carryOut(errand: Errand): Promise<CatchUpEvent | undefined> {
    const { bus, space, signal, answering, onForks } = this.#use
    const { peer } = errand
    const onLanes = { direct: true, signal }
    switch (errand.do) {
      case 'ask-hello':
        return {
          on: 'hello',
          peer,
          theirs: await this.#ask(peer, 'sync.hello', encodeHello(answering.hello(peer)), decodeHello),
        }
      case 'ask-since': {
        const body = encodeSinceRequest({ ...errand, space })
        return { on: 'since', peer, news: (await this.#ask(peer, 'sync.since', body, decodeSinceAnswer)).news }
      }
      case 'ask-have': {
        const { claims, more, fingerprint } = await this.#ask(
          peer,
          'sync.have',
          encodeHaveRequest({ ...errand, space }),
          decodeHave,
        )
        return { on: 'have', peer, claims, more, fingerprint }
      }
      case 'ask-range': {
        const body = encodeRangeRequest({ ...errand, space })
        return { on: 'range', peer, answer: await this.#ask(peer, 'sync.range', body, decodeRangeAnswer) }
      }
      case 'ask-forks': {
        const body = encodeForksRequest({ space, after: errand.after })
        const { forks, more } = await this.#ask(peer, 'sync.forks', body, decodeForks)
        onForks(peer, forks)
        return { on: 'forks', peer, more, after: forks.at(-1) }
      }
      case 'send-want':
        await bus.send(peer, 'sync.want', encodeWant({ ...errand, space }), onLanes)
        return undefined
      case 'send-news':
        await this.#sendNews(peer, answering.claims(peer, errand.logs))
        return undefined
      case 'send-done':
        await bus.send(peer, 'sync.done', encodeHello(answering.hello(peer)), onLanes)
        return undefined
    }
  }

  async #ask<T extends { readonly space: SpaceId }>(
    peer: PeerId,
    kind: string,
    body: Uint8Array,
    decode: (body: Uint8Array) => T,
  ): Promise<T> {
    const { bus, space, signal } = this.#use
    const answer = decode(await bus.request(peer, kind, body, { direct: true, signal }))
    if (answer.space !== space) throw new SyncError('ERR_SYNC_MALFORMED', 'an answer about another space')
    return answer
  }

  /** Without claims too: whoever waits for it goes on. */
  async #sendNews(peer: PeerId, claims: readonly Claim[]): Promise<void> {
    const { bus, space, signal } = this.#use
    for (let from = 0; from === 0 || from < claims.length; from += HAVE_MAX_LOGS) {
      const page = claims.slice(from, from + HAVE_MAX_LOGS)
      const more = from + HAVE_MAX_LOGS < claims.length
      const body = encodeHave({ space, claims: page, more, fingerprint: undefined })
      await bus.send(peer, 'sync.have', body, { direct: true, signal })
    }
  }
}
