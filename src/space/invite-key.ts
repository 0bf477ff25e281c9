import { hkdfSync } from 'node:crypto'
import {
  bytesEqual,
  bytesOfHex,
  encodeCbor,
  hexOf,
  keyOfPeerId,
  type PeerId,
  PlexusError,
  utf8,
} from '../base/index.ts'
import { SEED_BYTES, type Signer, signer, type Verifier, verifyCertificate } from '../identity/index.ts'
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
  const inviteId = hexOf(key.publicKey)
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
    if (!bytesEqual(verified.device, keyOfPeerId(device))) return undefined
    return { principal: hexOf(verified.principal), sealing: hexOf(verified.sealingKey) }
  } catch (error) {
    if (error instanceof PlexusError) return undefined
    throw error
  }
}
