import { encodeCbor, keyOfPeerId, type PeerId } from '../base/index.ts'
import type { Signer, Verifier } from '../identity/index.ts'

const PROOF_TAG = 'plexus/device/1'
const PROOF_VERSION = 1

/**
 * A device's consent to belong to the same person as the device `by`: that one may admit it as a second device, or hand over to it.
 * Without it a principal could certify somebody else's device, and have power over that.
 */
export function deviceProof(device: Signer, by: PeerId): Uint8Array {
  return device.sign(PROOF_TAG, message(by))
}

export function isDeviceProof(device: PeerId, by: PeerId, proof: Uint8Array, verifier: Verifier): boolean {
  return verifier.verify(keyOfPeerId(device), PROOF_TAG, message(by), proof)
}

function message(by: PeerId): Uint8Array {
  return encodeCbor([PROOF_VERSION, keyOfPeerId(by)])
}
