import { encodeCbor, keyOfPeerId, type PeerId, sha256, utf8 } from '../../base/index.ts'
import { type Signer, sixWords, type Verifier } from '../../identity/index.ts'
import type { LinkHello, LinkOffer } from './link-wire.ts'

export const NONCE_BYTES = 32
const PROOF_TAG = 'plexus/link/1'
const COMMITMENT_TAG = utf8('plexus/link/commitment/1')
const WORDS_TAG = utf8('plexus/link/words/1')
const VERSION = 1

/** What the new device is bound to before it has seen the nonce of the old one. */
export function commitmentTo(nonce: Uint8Array): Uint8Array {
  return sha256(COMMITMENT_TAG, nonce)
}

/** The proof that the sender of a hello holds the ticket: made with the ticket's key, for this host and these contents. */
export function proveTicket(key: Signer, host: PeerId, hello: Omit<LinkHello, 'proof'>): Uint8Array {
  return key.sign(PROOF_TAG, proofMessage(host, hello))
}

export function holdsTicket(verifier: Verifier, host: PeerId, hello: LinkHello): boolean {
  return verifier.verify(hello.ticket, PROOF_TAG, proofMessage(host, hello), hello.proof)
}

/**
 * The six words of a conversation: a hash over everything that both sides know of each other and both nonces. The new device
 * is committed to its nonce before the old one shows its own, so neither side, nor anybody between them, can choose what comes out.
 */
export function wordsOf(of: {
  readonly host: PeerId
  readonly hello: LinkHello
  readonly offer: LinkOffer
  readonly nonce: Uint8Array
}): readonly string[] {
  const { host, hello, offer, nonce } = of
  const transcript = [VERSION, keyOfPeerId(host), ...contents(hello), offer.principal, offer.name, offer.nonce, nonce]
  return sixWords(sha256(WORDS_TAG, encodeCbor(transcript)))
}

function proofMessage(host: PeerId, hello: Omit<LinkHello, 'proof'>): Uint8Array {
  return encodeCbor([VERSION, keyOfPeerId(host), ...contents(hello)])
}

function contents(hello: Omit<LinkHello, 'proof'>): readonly (Uint8Array | string)[] {
  const { ticket, device, sealingKey, name, kind, commitment } = hello
  return [ticket, keyOfPeerId(device), sealingKey, name, kind, commitment]
}
