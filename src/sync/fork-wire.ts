import type { CborValue, SpaceId } from '../base/index.ts'
import { SIGNATURE_BYTES } from '../identity/index.ts'
import { type ForkProof, HEADER_MAX_BYTES } from '../records/index.ts'
import { asArray, asBoolean, asBytes } from './fields.ts'
import type { LogRef } from './log-index.ts'
import { asRef, encodeMessage, openSyncMessage, refArray } from './wire.ts'

/** Proofs in one answer. */
export const FORKS_MAX_PROOFS = 64

export interface ForksRequest {
  readonly space: SpaceId
  readonly after: LogRef | undefined
}

/** A proof that a log forked; records says whether it is one. */
export interface ClaimedFork extends LogRef {
  readonly proof: ForkProof
}

export interface Forks {
  readonly space: SpaceId
  readonly forks: readonly ClaimedFork[]
  readonly more: boolean
}

export function encodeForksRequest({ space, after }: ForksRequest): Uint8Array {
  return encodeMessage(space, after === undefined ? null : refArray(after))
}

export function decodeForksRequest(bytes: Uint8Array): ForksRequest {
  const [space, after] = openSyncMessage(bytes, 1)
  return { space, after: after === null ? undefined : asRef(asArray(after, 2)) }
}

export function encodeForks({ space, forks, more }: Forks): Uint8Array {
  return encodeMessage(space, forks.map(forkArray), more)
}

export function decodeForks(bytes: Uint8Array): Forks {
  const [space, forks, more] = openSyncMessage(bytes, 2)
  return { space, forks: asArray(forks, 0, FORKS_MAX_PROOFS).map(asFork), more: asBoolean(more) }
}

function forkArray({ author, log, proof }: ClaimedFork): CborValue {
  const { headerA, signatureA, headerB, signatureB } = proof
  return [...refArray({ author, log }), headerA, signatureA, headerB, signatureB]
}

function asFork(value: CborValue): ClaimedFork {
  const [device, log, headerA, signatureA, headerB, signatureB] = asArray(value, 6)
  const proof = {
    headerA: asBytes(headerA, 1, HEADER_MAX_BYTES),
    signatureA: asBytes(signatureA, SIGNATURE_BYTES),
    headerB: asBytes(headerB, 1, HEADER_MAX_BYTES),
    signatureB: asBytes(signatureB, SIGNATURE_BYTES),
  }
  return { ...asRef([device, log]), proof }
}
