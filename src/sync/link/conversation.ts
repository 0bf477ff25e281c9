import { type Clock, type Logger, reasonOf, type Timer } from '../../base/index.ts'
import type { Channel } from '../../network/index.ts'
import { SyncError } from '../errors.ts'
import type { FramedChannel } from '../join/framed-channel.ts'
import type { LinkEffect, LinkEvent, LinkOutcome } from './link-host.ts'
import { decodeLinkMessage, encodeLinkMessage, LINK_FRAME_MAX_BYTES } from './link-wire.ts'

/** From one message to the next, until the words are there. */
export const LINK_STEP_TIMEOUT_MS = 10_000
/** How long two people may take to compare six words. */
export const LINK_COMPARE_TIMEOUT_MS = 300_000
/** From the certificate to the last word. */
export const LINK_FINISH_TIMEOUT_MS = 120_000

/** One side of a linking: decides, and does nothing itself. */
export interface LinkMachine {
  begin(): readonly LinkEffect[]
  on(event: LinkEvent): readonly LinkEffect[]
}

export interface ConversationInit {
  readonly channel: Channel
  readonly framed: FramedChannel
  readonly machine: LinkMachine
  /** Does what is neither `send` nor `end`; its failure is the linking's. */
  readonly perform: (effect: LinkEffect) => void | Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** Those that the machine wants to hear the end of. */
const ANSWERED: ReadonlySet<LinkEffect['do']> = new Set(['admit', 'deliver', 'await', 'keep', 'take'])

/** Runs a machine on a stream: one effect after the other, in the order in which they were decided. */
export class Conversation {
  readonly #use: ConversationInit
  readonly #outcome = Promise.withResolvers<LinkOutcome>()
  readonly #over = new AbortController()
  #work: Promise<void> = Promise.resolve()
  #timer: Timer | undefined
  /** What made a step fail. */
  cause: unknown

  constructor(init: ConversationInit) {
    this.#use = init
  }

  /** Aborts when it has ended. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Until it has ended, and all that this entails is done. Never rejects. */
  async run(): Promise<LinkOutcome> {
    const { machine, channel } = this.#use
    this.#wait(LINK_STEP_TIMEOUT_MS)
    this.#do(machine.begin())
    void this.#read()
    const outcome = await this.#outcome.promise
    this.#timer?.cancel()
    this.#over.abort(new SyncError('ERR_SYNC_STOPPED', 'the linking is over'))
    await channel.close()
    return outcome
  }

  on(event: LinkEvent): void {
    this.#do(this.#use.machine.on(event))
  }

  async #read(): Promise<void> {
    const { framed, log } = this.#use
    const { signal } = this.#over
    while (!signal.aborted) {
      let bytes: Uint8Array
      try {
        bytes = await framed.read(LINK_FRAME_MAX_BYTES, { signal })
      } catch (error) {
        if (!signal.aborted) log.debug({ reason: reasonOf(error) }, 'the stream of a linking ended')
        return this.on({ is: 'stopped', why: 'lost' })
      }
      try {
        this.on({ is: 'message', message: decodeLinkMessage(bytes) })
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
        return this.on({ is: 'stopped', why: 'protocol' })
      }
    }
  }

  #do(effects: readonly LinkEffect[]): void {
    for (const effect of effects) this.#work = this.#work.then(() => this.#perform(effect))
  }

  async #perform(effect: LinkEffect): Promise<void> {
    const { framed, perform } = this.#use
    if (effect.do === 'end') return this.#outcome.resolve(effect.outcome)
    if (effect.do === 'send') {
      if (effect.message.is === 'certificate' || effect.message.is === 'kept') this.#wait(LINK_FINISH_TIMEOUT_MS)
      // What cannot be sent any more, the reader notices too.
      await framed.send(encodeLinkMessage(effect.message), { signal: this.#over.signal }).catch(() => undefined)
      return
    }
    if (effect.do === 'show') this.#wait(LINK_COMPARE_TIMEOUT_MS)
    try {
      await perform(effect)
      if (ANSWERED.has(effect.do)) this.on({ is: 'ready' })
    } catch (error) {
      this.cause ??= error
      this.#use.log.debug({ step: effect.do, reason: reasonOf(error) }, 'a step of a linking failed')
      this.on({ is: 'stopped', why: 'failed' })
    }
  }

  #wait(timeoutMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#use.clock.setTimer(timeoutMs, () => this.on({ is: 'stopped', why: 'late' }), {
      keepAlive: true,
    })
  }
}
