import { type PeerId, seededRandom } from '../../../src/base/index.ts'
import { type Identity, identityFromSeeds, verifier } from '../../../src/identity/index.ts'
import { LinkGuest } from '../../../src/sync/link/link-guest.ts'
import { type LinkEffect, type LinkEvent, LinkHost, type LinkOutcome } from '../../../src/sync/link/link-host.ts'
import { linkKey } from '../../../src/sync/link/link-ticket.ts'
import {
  decodeLinkMessage,
  encodeLinkMessage,
  type LinkHello,
  type LinkMessage,
} from '../../../src/sync/link/link-wire.ts'

export function identity(seed: number, name: string): Identity {
  const random = seededRandom(seed)
  return identityFromSeeds(
    { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) },
    { name },
  )
}

export const SEED: Uint8Array = new Uint8Array(16).fill(7)
const CONSENT = new Uint8Array(64).fill(9)

export function guestMachine(self: Identity, host: PeerId, nonce: number, seed: Uint8Array = SEED): LinkGuest {
  return new LinkGuest({
    host,
    ticket: linkKey(seed),
    self: { device: self.device.peer, sealingKey: self.sealingKey, name: 'laptop', kind: 'human' },
    nonce: new Uint8Array(32).fill(nonce),
    consent: () => CONSENT,
    verifier: verifier(),
  })
}

export function hostMachine(self: Identity, hello: LinkHello, nonce: number): LinkHost {
  const { certify, principal, device } = self
  if (certify === undefined) throw new Error('it has no principal')
  const offer = { principal, name: 'desk', nonce: new Uint8Array(32).fill(nonce) }
  return new LinkHost({ self: device.peer, offer, hello, certify })
}

/** One side: does what its machine says, and remembers it. */
export class Side {
  readonly #machine: { on(event: LinkEvent): readonly LinkEffect[] }
  readonly done: LinkEffect['do'][] = []
  /** Sent and not fetched yet. */
  readonly out: LinkMessage[] = []
  words: readonly string[] | undefined
  outcome: LinkOutcome | undefined
  certificate: Uint8Array | undefined
  /** Effects whose end is not told until the test does. */
  readonly held: Set<LinkEffect['do']>

  constructor(
    machine: { begin(): readonly LinkEffect[]; on(event: LinkEvent): readonly LinkEffect[] },
    held: readonly LinkEffect['do'][] = [],
  ) {
    this.#machine = machine
    this.held = new Set(held)
    this.#do(machine.begin())
  }

  on(event: LinkEvent): void {
    this.#do(this.#machine.on(event))
  }

  receive(message: LinkMessage): void {
    this.on({ is: 'message', message: decodeLinkMessage(encodeLinkMessage(message)) })
  }

  #do(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      this.done.push(effect.do)
      if (effect.do === 'send') this.out.push(effect.message)
      if (effect.do === 'show') this.words = effect.words
      if (effect.do === 'end') this.outcome = effect.outcome
      if (effect.do === 'keep' || effect.do === 'admit') this.certificate = effect.certificate
      if (effect.do === 'deliver') this.out.push({ is: 'peers', peers: [] }, { is: 'end' })
      if (this.held.has(effect.do)) continue
      if (['admit', 'deliver', 'keep', 'take', 'await'].includes(effect.do)) this.on({ is: 'ready' })
    }
  }
}

/** Passes on what both have to say until neither has anything; `through` may change or drop (`undefined`) it. */
export function exchange(
  a: Side,
  b: Side,
  through: (message: LinkMessage) => LinkMessage | undefined = (message) => message,
): void {
  for (;;) {
    const [from, to] = a.out.length > 0 ? [a, b] : [b, a]
    const message = from.out.shift()
    if (message === undefined) return
    const passed = through(message)
    if (passed !== undefined) to.receive(passed)
  }
}

/** Takes the one message of a kind that a side has ready. */
export function taken<K extends LinkMessage['is']>(side: Side, is: K): Extract<LinkMessage, { readonly is: K }> {
  const message = side.out.shift()
  if (message?.is !== is) throw new Error(`${message?.is} came instead of ${is}`)
  return message as Extract<LinkMessage, { readonly is: K }>
}
