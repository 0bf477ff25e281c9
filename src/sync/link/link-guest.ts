import { bytesEqual, keyOfPeerId, type PeerId, PlexusError } from '../../base/index.ts'
import { type Signer, type Verifier, verifyCertificate } from '../../identity/index.ts'
import type { LinkEffect, LinkEvent } from './link-host.ts'
import type { LinkHello, LinkMessage, LinkOffer, LinkRefusal } from './link-wire.ts'
import { commitmentTo, proveTicket, wordsOf } from './transcript.ts'

export interface LinkGuestInit {
  /** The device that the ticket names; the connection proves that it is the one at the other end. */
  readonly host: PeerId
  /** The ticket's key. */
  readonly ticket: Signer
  readonly self: Pick<LinkHello, 'device' | 'sealingKey' | 'name' | 'kind'>
  /** 32 random bytes of this attempt alone. */
  readonly nonce: Uint8Array
  /** Our consent to belong to the same person as the host. */
  readonly consent: () => Uint8Array
  readonly verifier: Verifier
}

type GuestState = 'greeting' | 'comparing' | 'keeping' | 'kept' | 'taking' | 'over'

/** The side of the new device. Until everything has come and was checked, nothing of it counts. */
export class LinkGuest {
  readonly #init: LinkGuestInit
  readonly #hello: LinkHello
  #state: GuestState = 'greeting'
  #offer: LinkOffer | undefined
  #here = false

  constructor(init: LinkGuestInit) {
    this.#init = init
    const { self, ticket, nonce, host } = init
    const unproven = { ...self, ticket: ticket.publicKey, commitment: commitmentTo(nonce) }
    this.#hello = { ...unproven, proof: proveTicket(ticket, host, unproven) }
  }

  begin(): readonly LinkEffect[] {
    return [{ do: 'send', message: { is: 'hello', ...this.#hello } }]
  }

  on(event: LinkEvent): readonly LinkEffect[] {
    if (this.#state === 'over') return []
    // What is being stored is all there: neither the other side nor the stream is needed any more.
    if (this.#state === 'taking' && event.is !== 'ready' && !(event.is === 'stopped' && event.why === 'failed'))
      return []
    switch (event.is) {
      case 'stopped':
        return this.#fail(event.why, 'us')
      case 'confirmed':
        if (this.#state !== 'comparing' || this.#here) return []
        this.#here = true
        return [{ do: 'send', message: { is: 'confirmed' } }]
      case 'ready':
        return this.#onReady()
      case 'message':
        return this.#onMessage(event.message)
    }
  }

  #onMessage(message: LinkMessage): readonly LinkEffect[] {
    switch (message.is) {
      case 'refused':
        return this.#fail(message.why, 'them')
      case 'offer':
        return this.#state === 'greeting' ? this.#compare(message) : this.#fail('protocol', 'us')
      case 'confirmed':
        return this.#state === 'comparing' ? [{ do: 'heard' }] : this.#fail('protocol', 'us')
      case 'certificate':
        return this.#onCertificate(message.certificate)
      case 'peers':
      case 'control':
        return this.#state === 'kept' ? [{ do: 'collect', message }] : this.#fail('protocol', 'us')
      case 'end':
        if (this.#state !== 'kept') return this.#fail('protocol', 'us')
        this.#state = 'taking'
        return [{ do: 'take' }]
      default:
        return this.#fail('protocol', 'us')
    }
  }

  #compare(offer: LinkOffer): readonly LinkEffect[] {
    const { host, nonce } = this.#init
    this.#state = 'comparing'
    this.#offer = offer
    return [
      { do: 'send', message: { is: 'reveal', nonce } },
      { do: 'show', words: wordsOf({ host, hello: this.#hello, offer, nonce }), name: offer.name },
    ]
  }

  /** Before the person here has confirmed, no certificate is wanted. */
  #onCertificate(certificate: Uint8Array): readonly LinkEffect[] {
    if (this.#state !== 'comparing' || !this.#here || !this.#isOurs(certificate)) return this.#fail('protocol', 'us')
    this.#state = 'keeping'
    return [{ do: 'keep', certificate }]
  }

  #isOurs(bytes: Uint8Array): boolean {
    const { self, verifier } = this.#init
    try {
      const { principal, device, sealingKey, name, kind } = verifyCertificate(bytes, { verifier })
      return (
        bytesEqual(principal, this.#offer?.principal ?? new Uint8Array(0)) &&
        bytesEqual(device, keyOfPeerId(self.device)) &&
        bytesEqual(sealingKey, self.sealingKey) &&
        name === self.name &&
        kind === self.kind
      )
    } catch (error) {
      if (error instanceof PlexusError) return false
      throw error
    }
  }

  #onReady(): readonly LinkEffect[] {
    if (this.#state === 'keeping') {
      this.#state = 'kept'
      return [{ do: 'send', message: { is: 'kept', proof: this.#init.consent() } }]
    }
    if (this.#state !== 'taking') return []
    this.#state = 'over'
    return [
      { do: 'send', message: { is: 'done' } },
      { do: 'end', outcome: { is: 'linked' } },
    ]
  }

  #fail(why: LinkRefusal | 'lost', by: 'us' | 'them'): readonly LinkEffect[] {
    const kept = ['keeping', 'kept', 'taking'].includes(this.#state)
    this.#state = 'over'
    return [
      ...(by === 'us' && why !== 'lost' ? [{ do: 'send', message: { is: 'refused', why } } as const] : []),
      ...(kept ? [{ do: 'abandon' } as const] : []),
      { do: 'end', outcome: { is: 'failed', why, by } },
    ]
  }
}
