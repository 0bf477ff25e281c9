import { hkdfSync } from 'node:crypto'
import { bytesOfHex, encodeCbor, keyOfPeerId, type PeerId, PlexusError, utf8 } from '../base/index.ts'
import { NAME_MAX_CHARS, SEED_BYTES, type Signer, signer, type Verifier, verifyCertificate } from '../identity/index.ts'
import type { JoinRequest, Ticket } from './types.ts'

/** The secret in a ticket. */
export const INVITE_SEED_BYTES = 16

const KEY_INFO = utf8('plexus/invite/1')
const PROOF_TAG = 'plexus/join/1'
const PROOF_VERSION = 1

/** The key pair of an invite: Ed25519 from HKDF-SHA256 (RFC 5869) over the seed of the ticket, without salt. */
export function inviteKey(seed: Uint8Array): Signer {
  return signer(new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), KEY_INFO, SEED_BYTES)))
}

/** What the proof of a join request is made over. */
function proofMessage(request: Omit<JoinRequest, 'proof'>): Uint8Array {
  const { space, inviteId, device, certificate, name } = request
  return encodeCbor([PROOF_VERSION, bytesOfHex(space), bytesOfHex(inviteId), keyOfPeerId(device), certificate, name])
}

export function signRequest(ticket: Ticket, device: PeerId, certificate: Uint8Array, name: string): JoinRequest {
  const key = inviteKey(ticket.seed)
  const inviteId = Buffer.from(key.publicKey).toString('hex')
  const request = { space: ticket.space, inviteId, device, certificate, name }
  return { ...request, proof: key.sign(PROOF_TAG, proofMessage(request)) }
}

export function isProven(request: JoinRequest, verifier: Verifier): boolean {
  return verifier.verify(bytesOfHex(request.inviteId), PROOF_TAG, proofMessage(request), request.proof)
}

/** What a certificate says of a member, in the form of the control records; `undefined` unless it is valid for this device. */
export function certified(
  certificate: Uint8Array,
  device: PeerId,
  components: { readonly verifier: Verifier; readonly nowMs?: number },
): { readonly principal: string; readonly sealing: string } | undefined {
  try {
    const verified = verifyCertificate(certificate, components)
    if (!Buffer.from(verified.device).equals(keyOfPeerId(device))) return undefined
    return {
      principal: Buffer.from(verified.principal).toString('hex'),
      sealing: Buffer.from(verified.sealingKey).toString('hex'),
    }
  } catch (error) {
    if (error instanceof PlexusError) return undefined
    throw error
  }
}

/** Control characters, line separators and bidirectional overrides: what could rearrange the line a name is shown in. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** A name of a person or space that is fit to be shown: trimmed, printable, neither empty nor too long. */
export function isName(name: string, maxChars: number = NAME_MAX_CHARS): boolean {
  const printable = name.isWellFormed() && !UNPRINTABLE.test(name)
  return printable && name.length > 0 && name.length <= maxChars && name.trim() === name
}
