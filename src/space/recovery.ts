import {
  bytesOfHex,
  type Clock,
  concatBytes,
  HASH_BYTES,
  HLC_STEPS_PER_MS,
  hexOf,
  type Random,
  type SpaceId,
} from '../base/index.ts'
import type { Signer } from '../identity/index.ts'
import {
  type BodyMap,
  bodyHashOf,
  encodeBody,
  encodeHeader,
  type Frame,
  type Header,
  LOG_CLASS,
  LOG_NAME_BYTES,
  recordIdBytes,
  signHeader,
} from '../records/index.ts'
import { SpaceError } from './errors.ts'

export interface RecoveryLogInit {
  readonly space: SpaceId
  readonly key: Signer
  /** What `Authority.digest` says. */
  readonly auth: Uint8Array
  readonly clock: Clock
  readonly random: Random
}

/**
 * Control records of the recovery key, as frames to be ingested: that key is no device of this store, so the journal cannot write
 * for it. They begin a log of their own, because what it wrote before may not be held here.
 */
export function recoveryLog(
  bodies: readonly { readonly kind: number; readonly body: BodyMap }[],
  init: RecoveryLogInit,
): readonly Frame[] {
  const { space, key, auth, clock, random } = init
  const log = concatBytes(new Uint8Array([LOG_CLASS.control]), random.bytes(LOG_NAME_BYTES - 1))
  let prev: Uint8Array = new Uint8Array(HASH_BYTES)
  return bodies.map(({ kind, body: map }, index) => {
    const body = encodeBody(map, random)
    const header: Header = {
      v: 1,
      space: bytesOfHex(space),
      device: key.publicKey,
      log,
      seq: index + 1,
      prev,
      hlc: Math.floor(clock.now()) * HLC_STEPS_PER_MS + index,
      auth,
      kind,
      flags: 0,
      epoch: 0,
      exp: 0,
      bodyHash: bodyHashOf(body),
      bodyLen: body.length,
    }
    const encoded = encodeHeader(header)
    prev = recordIdBytes(encoded)
    return { header: encoded, signature: signHeader(key, encoded), body }
  })
}

/** Throws `ERR_SPACE_RECOVERY` unless the key is the one that the genesis names. */
export function assertRecoveryKey(key: Signer, named: string | undefined): void {
  if (named === hexOf(key.publicKey)) return
  throw new SpaceError(
    'ERR_SPACE_RECOVERY',
    named === undefined ? 'this space was made without a recovery key' : 'this is not the recovery key of the space',
    { fix: 'Check which space the recovery phrase was written down for.' },
  )
}
