import { bytesEqual, hexOf, type PeerId, reasonOf, withDeadline } from '../../base/index.ts'
import type { Channel } from '../../network/index.ts'
import { SyncError } from '../errors.ts'
import { FramedChannel } from '../join/framed-channel.ts'
import { LINK_STEP_TIMEOUT_MS } from './conversation.ts'
import type { Dialogue } from './dialogue.ts'
import { Admission } from './link-admission.ts'
import { linkError } from './link-errors.ts'
import { LinkHost, type LinkOutcome } from './link-host.ts'
import { type LinkTicket, linkKey } from './link-ticket.ts'
import { decodeLinkMessage, encodeLinkMessage, LINK_FRAME_MAX_BYTES, type LinkHello } from './link-wire.ts'
import type { LinkingComponents } from './linking.ts'
import { holdsTicket, NONCE_BYTES } from './transcript.ts'
import type { LinkOfferOptions, LinkReport } from './types.ts'

/** Streams of all while a ticket is open. */
export const LINK_STREAMS_MAX = 8

export interface OfferingInit {
  readonly ticket: LinkTicket
  readonly options: LinkOfferOptions
  readonly signal: AbortSignal
  readonly onEnd: (peer: PeerId, outcome: LinkOutcome) => void
}

/** A ticket that is open: who proves that it holds it takes it, and all others are turned away. */
export class Offering {
  readonly #init: OfferingInit
  readonly #use: LinkingComponents
  readonly #dialogue: Dialogue
  readonly #key: Uint8Array
  readonly #result = Promise.withResolvers<LinkReport>()
  #isTaken = false
  #streams = 0

  constructor(init: OfferingInit, components: LinkingComponents, dialogue: Dialogue) {
    this.#init = init
    this.#use = components
    this.#dialogue = dialogue
    this.#key = linkKey(init.ticket.seed).publicKey
  }

  get result(): Promise<LinkReport> {
    return this.#result.promise
  }

  /** The time of the ticket is over, or the person has left. */
  end(reason: unknown): void {
    if (!this.#isTaken) this.#result.reject(reason)
  }

  /** A stream of somebody who may hold the ticket. */
  async answer(channel: Channel): Promise<void> {
    const framed = new FramedChannel(channel)
    const { signal } = this.#init
    this.#streams++
    try {
      if (this.#streams > LINK_STREAMS_MAX) throw new SyncError('ERR_LINK_BUSY', 'too many ask to be linked')
      const hello = await this.#hello(channel, framed)
      if (hello === undefined || !this.#isGood(hello, channel.peer)) {
        await framed.send(encodeLinkMessage({ is: 'refused', why: 'ticket' }), { signal })
        return await channel.close()
      }
      this.#isTaken = true
      await this.#host(channel, framed, hello)
    } catch (error) {
      this.#use.log.debug({ peer: channel.peer, reason: reasonOf(error) }, 'a link request was not answered')
      channel.abort(error instanceof Error ? error : new Error(reasonOf(error)))
    } finally {
      this.#streams--
    }
  }

  #isGood(hello: LinkHello, peer: PeerId): boolean {
    const { verifier, transport, clock } = this.#use
    if (this.#isTaken || clock.now() > this.#init.ticket.expires) return false
    return hello.device === peer && bytesEqual(hello.ticket, this.#key) && holdsTicket(verifier, transport.self, hello)
  }

  async #hello(channel: Channel, framed: FramedChannel): Promise<LinkHello | undefined> {
    const { clock } = this.#use
    const { signal } = this.#init
    const what = `the link request of ${channel.peer}`
    const options = { clock, timeoutMs: LINK_STEP_TIMEOUT_MS, what, signal }
    const message = decodeLinkMessage(await withDeadline(framed.read(LINK_FRAME_MAX_BYTES, { signal }), options))
    return message.is === 'hello' ? message : undefined
  }

  async #host(channel: Channel, framed: FramedChannel, hello: LinkHello): Promise<void> {
    const { transport, keys, random } = this.#use
    const { options, signal, onEnd } = this.#init
    const { principal, certify } = keys.identity
    if (certify === undefined) throw new SyncError('ERR_LINK_NO_KEY', 'the key of the principal is gone')
    const offer = { principal, name: options.name, nonce: random.bytes(NONCE_BYTES) }
    const machine = new LinkHost({ self: transport.self, offer, hello, certify })
    const admission = new Admission(hello, this.#use)
    const { outcome, cause } = await this.#dialogue.run({
      channel,
      framed,
      machine,
      options,
      signal,
      perform: async (effect, isOver) => {
        if (effect.do === 'admit') await admission.admit(effect)
        if (effect.do === 'deliver') await admission.deliver(framed, isOver)
        if (effect.do === 'await') await admission.awaited(isOver)
        if (effect.do === 'withdraw') await admission.withdraw()
      },
    })
    onEnd(channel.peer, outcome)
    if (outcome.is === 'failed') return this.#result.reject(linkError(outcome, cause))
    admission.finished()
    const { spaces } = admission
    this.#result.resolve({ peer: channel.peer, name: hello.name, principal: hexOf(principal), spaces })
  }
}
