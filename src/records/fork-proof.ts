import { bytesEqual, encodeCbor, isList } from '../base/index.ts'
import { SIGNATURE_BYTES, type Verifier } from '../identity/index.ts'
import { decodeCanonical } from './decode.ts'
import { RecordsError } from './errors.ts'
import { isSignedBy } from './frame.ts'
import { decodeHeader, HEADER_MAX_BYTES, logKeyOf, recordIdBytes } from './header.ts'
import type { ForkPlace } from './log-rules.ts'
import type { ForkProof, Frame, Header } from './types.ts'

/** Array head, and two headers and signatures with the head of each. */
export const FORK_PROOF_MAX_BYTES: number = 1 + 2 * (2 + HEADER_MAX_BYTES + 2 + SIGNATURE_BYTES)
const PROOF_FIELDS = 4

type Signed = Pick<Frame, 'header' | 'signature'>

/** What a proof says, if it says anything; its signatures are the caller's business. */
export interface ForkClaim extends ForkPlace {
  readonly headers: readonly [Header, Header]
  readonly ids: readonly [Uint8Array, Uint8Array]
}

/** The proof in its one order: the lower id first. */
export function forkProofOf(one: Signed, other: Signed): ForkProof {
  const inOrder = Buffer.compare(recordIdBytes(one.header), recordIdBytes(other.header)) < 0
  const [a, b] = inOrder ? [one, other] : [other, one]
  return { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
}

/** `undefined` unless both headers are sound, differ, and stand at one place of one log of one space. */
export function forkClaimOf({ headerA, headerB }: ForkProof): ForkClaim | undefined {
  const [a, b] = [headerOf(headerA), headerOf(headerB)]
  if (a === undefined || b === undefined || a.seq !== b.seq) return undefined
  const [idA, idB] = [recordIdBytes(headerA), recordIdBytes(headerB)]
  if (bytesEqual(idA, idB) || logKeyOf(a.device, a.log) !== logKeyOf(b.device, b.log)) return undefined
  if (!bytesEqual(a.space, b.space)) return undefined
  return { ...forkPlaceOf(a, b), headers: [a, b], ids: [idA, idB] }
}

export function forkPlaceOf(a: Pick<Header, 'seq' | 'prev'>, b: Pick<Header, 'prev'>): ForkPlace {
  return { seq: a.seq, prev: bytesEqual(a.prev, b.prev) ? a.prev : undefined }
}

/** Whether both signatures are those of the device that the headers name. */
export function isProven({ headers }: ForkClaim, proof: ForkProof, verifier: Verifier): boolean {
  const [{ device }] = headers
  const { headerA, signatureA, headerB, signatureB } = proof
  return isSignedBy(verifier, device, headerA, signatureA) && isSignedBy(verifier, device, headerB, signatureB)
}

/** A CBOR array of header, signature, header, signature. */
export function encodeForkProof({ headerA, signatureA, headerB, signatureB }: ForkProof): Uint8Array {
  return encodeCbor([headerA, signatureA, headerB, signatureB])
}

/** The parts of a proof, which `Journal.addForkProof` judges. Throws `RecordsError` as `decodeFrame` does. */
export function decodeForkProof(bytes: Uint8Array): ForkProof {
  if (bytes.length > FORK_PROOF_MAX_BYTES) throw new RecordsError('ERR_RECORD_TOO_LARGE', 'the proof is too long')
  const parts = decodeCanonical(bytes)
  if (!isList(parts) || parts.length !== PROOF_FIELDS) throw malformed()
  const [headerA, signatureA, headerB, signatureB] = parts
  if (!(headerA instanceof Uint8Array && headerB instanceof Uint8Array)) throw malformed()
  if (!(signatureA instanceof Uint8Array && signatureB instanceof Uint8Array)) throw malformed()
  return { headerA, signatureA, headerB, signatureB }
}

function malformed(): RecordsError {
  return new RecordsError('ERR_RECORD_MALFORMED', 'a proof of a fork is an array of four byte strings')
}

function headerOf(bytes: Uint8Array): Header | undefined {
  try {
    return decodeHeader(bytes)
  } catch (error) {
    if (error instanceof RecordsError) return undefined
    throw error
  }
}
