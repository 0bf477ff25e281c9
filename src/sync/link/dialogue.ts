import type { Clock, Logger, PeerId } from '../../base/index.ts'
import { areWords } from '../../identity/index.ts'
import type { Channel } from '../../network/index.ts'
import type { FramedChannel } from '../join/framed-channel.ts'
import { Conversation, type LinkMachine } from './conversation.ts'
import { linkError, noLinking } from './link-errors.ts'
import type { LinkEffect, LinkOutcome } from './link-host.ts'
import type { LinkOptions, LinkStep } from './types.ts'

/** One side of a linking, as it is run. */
export interface DialogueInit {
  readonly channel: Channel
  readonly framed: FramedChannel
  readonly machine: LinkMachine
  readonly options: LinkOptions
  /** The person leaves. */
  readonly signal: AbortSignal
  /** Does what is neither shown nor sent; `signal` aborts when the linking is over. */
  readonly perform: (effect: LinkEffect, signal: AbortSignal) => void | Promise<void>
}

export interface DialogueReport {
  readonly outcome: LinkOutcome
  /** What made a step fail. */
  readonly cause: unknown
  /** What the other device calls itself. */
  readonly name: string
}

interface Showing {
  readonly conversation: Conversation
  readonly peer: PeerId
  readonly options: LinkOptions
  words: readonly string[] | undefined
}

/** Between a linking and the person: shows the words, and takes the answer. One at a time. */
export class Dialogue {
  readonly #use: { readonly clock: Clock; readonly log: Logger }
  #showing: Showing | undefined

  constructor(components: { readonly clock: Clock; readonly log: Logger }) {
    this.#use = components
  }

  /** Runs one side to its end. Never rejects. */
  async run(init: DialogueInit): Promise<DialogueReport> {
    const { channel, framed, machine, options, signal, perform } = init
    const { clock, log } = this.#use
    let name = ''
    const show = (step: LinkStep): void => options.onStep?.(step)
    const conversation = new Conversation({
      channel,
      framed,
      machine,
      clock,
      log,
      perform: async (effect) => {
        if (effect.do === 'heard') return show({ is: 'confirmed', by: 'them' })
        if (effect.do !== 'show') return await perform(effect, conversation.signal)
        showing.words = effect.words
        name = effect.name
        show({ is: 'words', words: effect.words, peer: channel.peer, name })
      },
    })
    const showing: Showing = { conversation, peer: channel.peer, options, words: undefined }
    this.#showing = showing
    const onAbort = (): void => conversation.on({ is: 'stopped', why: 'refused' })
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return { outcome: await conversation.run(), cause: conversation.cause, name }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#showing = undefined
    }
  }

  /** As of `Linking`. */
  confirm(words: string): void {
    const showing = this.#showing
    if (showing?.words === undefined) throw noLinking()
    if (!areWords(showing.words, words)) {
      showing.conversation.on({ is: 'stopped', why: 'words' })
      throw linkError({ is: 'failed', why: 'words', by: 'us' })
    }
    showing.conversation.on({ is: 'confirmed' })
    showing.options.onStep?.({ is: 'confirmed', by: 'us' })
  }

  refuse(): void {
    this.#showing?.conversation.on({ is: 'stopped', why: 'refused' })
  }

  isWith(peer: PeerId): boolean {
    return this.#showing?.peer === peer
  }
}
