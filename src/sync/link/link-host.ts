import { bytesEqual, keyOfPeerId, type PeerId } from '../../base/index.ts'
import type { Subject } from '../../identity/index.ts'
import type { LinkHello, LinkMessage, LinkOffer, LinkRefusal } from './link-wire.ts'
import { commitmentTo, wordsOf } from './transcript.ts'

/** What happens to one side of a linking. */
export type LinkEvent =
  | { readonly is: 'message'; readonly message: LinkMessage }
  /** The person here says that both screens show the same words. */
  | { readonly is: 'confirmed' }
  /** What was asked for by the last effect is done. */
  | { readonly is: 'ready' }
  /** It ends here: the person says so, time is over, the stream was lost, or a step failed. */
  | { readonly is: 'stopped'; readonly why: LinkRefusal | 'lost' }

/** What one side of a linking does, in this order. */
export type LinkEffect =
  | { readonly do: 'send'; readonly message: LinkMessage }
  | { readonly do: 'show'; readonly words: readonly string[]; readonly name: string }
  | { readonly do: 'heard' }
  /** Old device: admits the new one to every space; then `ready`. */
  | { readonly do: 'admit'; readonly certificate: Uint8Array; readonly proof: Uint8Array }
  /** Old device: sends the control records of these spaces; then `ready`. */
  | { readonly do: 'deliver' }
  /** Old device: waits whether the new one comes as a member, because its last word was lost; then `ready`. */
  | { readonly do: 'await' }
  /** Old device: takes back what `admit` did. */
  | { readonly do: 'withdraw' }
  /** New device: keeps the certificate as the one that is to take over; then `ready`. */
  | { readonly do: 'keep'; readonly certificate: Uint8Array }
  /** New device: a batch of control records; nothing of it is stored yet. */
  | { readonly do: 'collect'; readonly message: Extract<LinkMessage, { readonly is: 'control' | 'peers' }> }
  /** New device: checks and stores what it collected, and lets the certificate take over; then `ready`. */
  | { readonly do: 'take' }
  /** New device: forgets the certificate. */
  | { readonly do: 'abandon' }
  | { readonly do: 'end'; readonly outcome: LinkOutcome }

/** How it ended, and which side ended it. */
export type LinkOutcome =
  | { readonly is: 'linked' }
  | { readonly is: 'failed'; readonly why: LinkRefusal | 'lost'; readonly by: 'us' | 'them' }

export interface LinkHostInit {
  readonly self: PeerId
  readonly offer: LinkOffer
  /** Its proof has been checked. */
  readonly hello: LinkHello
  readonly certify: (subject: Subject) => Uint8Array
}

type HostState = 'offered' | 'comparing' | 'certified' | 'admitting' | 'delivering' | 'delivered' | 'doubtful' | 'over'

/**
 * The side of the device that has the principal's key. It gives nothing away before both people have confirmed the words, and admits
 * nobody before the new device has its certificate on disk.
 */
export class LinkHost {
  readonly #init: LinkHostInit
  #state: HostState = 'offered'
  #here = false
  #there = false

  constructor(init: LinkHostInit) {
    this.#init = init
  }

  begin(): readonly LinkEffect[] {
    return [{ do: 'send', message: { is: 'offer', ...this.#init.offer } }]
  }

  on(event: LinkEvent): readonly LinkEffect[] {
    if (this.#state === 'over') return []
    switch (event.is) {
      case 'stopped':
        if (this.#state !== 'delivered' || event.why !== 'lost') return this.#fail(event.why, 'us')
        this.#state = 'doubtful'
        return [{ do: 'await' }]
      case 'confirmed':
        if (this.#state !== 'comparing' || this.#here) return []
        this.#here = true
        return [{ do: 'send', message: { is: 'confirmed' } }, ...this.#certifyIfBoth()]
      case 'ready':
        return this.#onReady()
      case 'message':
        return this.#onMessage(event.message)
    }
  }

  #onMessage(message: LinkMessage): readonly LinkEffect[] {
    if (message.is === 'refused') return this.#fail(message.why, 'them')
    if (message.is === 'reveal' && this.#state === 'offered') return this.#compare(message.nonce)
    if (message.is === 'confirmed' && this.#state === 'comparing' && !this.#there) {
      this.#there = true
      return [{ do: 'heard' }, ...this.#certifyIfBoth()]
    }
    if (message.is === 'kept' && this.#state === 'certified') {
      this.#state = 'admitting'
      return [{ do: 'admit', certificate: this.#certificate(), proof: message.proof }]
    }
    if (message.is === 'done' && this.#state === 'delivered') return this.#linked()
    return this.#fail('protocol', 'us')
  }

  #compare(nonce: Uint8Array): readonly LinkEffect[] {
    const { self, hello, offer } = this.#init
    if (!bytesEqual(commitmentTo(nonce), hello.commitment)) return this.#fail('protocol', 'us')
    this.#state = 'comparing'
    return [{ do: 'show', words: wordsOf({ host: self, hello, offer, nonce }), name: hello.name }]
  }

  #certifyIfBoth(): readonly LinkEffect[] {
    if (!this.#here || !this.#there) return []
    this.#state = 'certified'
    return [{ do: 'send', message: { is: 'certificate', certificate: this.#certificate() } }]
  }

  #certificate(): Uint8Array {
    const { device, sealingKey, name, kind } = this.#init.hello
    return this.#init.certify({ device: keyOfPeerId(device), sealingKey, name, kind })
  }

  #onReady(): readonly LinkEffect[] {
    if (this.#state === 'admitting') {
      this.#state = 'delivering'
      return [{ do: 'deliver' }]
    }
    if (this.#state === 'doubtful') return this.#linked()
    if (this.#state === 'delivering') this.#state = 'delivered'
    return []
  }

  #linked(): readonly LinkEffect[] {
    this.#state = 'over'
    return [{ do: 'end', outcome: { is: 'linked' } }]
  }

  #fail(why: LinkRefusal | 'lost', by: 'us' | 'them'): readonly LinkEffect[] {
    const admitted = ['admitting', 'delivering', 'delivered', 'doubtful'].includes(this.#state)
    this.#state = 'over'
    return [
      ...(by === 'us' && why !== 'lost' ? [{ do: 'send', message: { is: 'refused', why } } as const] : []),
      ...(admitted ? [{ do: 'withdraw' } as const] : []),
      { do: 'end', outcome: { is: 'failed', why, by } },
    ]
  }
}
