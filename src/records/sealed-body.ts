import type { SpaceId } from '../base/index.ts'
import { RecordsError } from './errors.ts'
import { classOfLog } from './header.ts'
import {
  BODY_MAX_BYTES,
  type BodyCipher,
  type CipherPlace,
  FLAG_ENCRYPTED,
  type Header,
  KIND_RANGES,
  LOG_CLASS,
  type LogClass,
} from './types.ts'

/** In a ciphertext the kind stands before the body, as four bytes, big endian. */
const KIND_BYTES = 4

/** What a record says, with its salt, and what kind of statement it is. */
export interface PlainBody {
  readonly kind: number
  readonly body: Uint8Array
}

/** What is outside a ciphertext of a sealed body. */
export interface SealedBody {
  readonly kind: 0
  readonly flags: typeof FLAG_ENCRYPTED
  readonly epoch: number
  readonly body: Uint8Array
}

/** Which records are encrypted, and what is in them: docs/specs/encryption.md section 5. */
export class SealedBodies {
  readonly #cipher: BodyCipher | undefined

  constructor(cipher: BodyCipher | undefined) {
    this.#cipher = cipher
  }

  /** Control records are read by all who keep them, relays too. */
  mustSeal(space: SpaceId, logClass: LogClass): boolean {
    return logClass !== LOG_CLASS.control && this.#cipher?.isEncrypted(space) === true
  }

  /** In an encrypted space nothing is written openly, and elsewhere nothing that members could not read. */
  isFit(space: SpaceId, { log, kind, flags }: Header): boolean {
    if (this.#cipher === undefined) return true
    const isSealed = (flags & FLAG_ENCRYPTED) !== 0
    return isSealed === this.mustSeal(space, classOfLog(log)) && isSealed === (kind === 0)
  }

  seal(place: CipherPlace, { kind, body }: PlainBody): SealedBody | RecordsError {
    const plain = new Uint8Array(KIND_BYTES + body.length)
    new DataView(plain.buffer).setUint32(0, kind)
    plain.set(body, KIND_BYTES)
    const sealed = this.#cipher?.seal(place, plain)
    if (sealed === undefined) return keyMissing()
    const excess = sealed.body.length - BODY_MAX_BYTES
    return excess > 0 ? tooLarge(body.length, body.length - excess) : { kind: 0, flags: FLAG_ENCRYPTED, ...sealed }
  }

  /** `undefined` without the key, for what does not open, and for what says it is a control record. */
  open(space: SpaceId, { device, log, seq, epoch }: Header, body: Uint8Array): PlainBody | undefined {
    const plain = this.#cipher?.open({ space, device, log, seq }, epoch, body)
    if (plain === undefined || plain.length < KIND_BYTES) return undefined
    const kind = new DataView(plain.buffer, plain.byteOffset).getUint32(0)
    return kind <= KIND_RANGES.space[1] ? undefined : { kind, body: plain.subarray(KIND_BYTES) }
  }

  hasNewKeys(space: SpaceId): boolean {
    return (this.#cipher?.takeNewEpochs(space).length ?? 0) > 0
  }
}

function keyMissing(): RecordsError {
  return new RecordsError('ERR_RECORD_KEY_MISSING', 'this device has no key to write to the space with yet', {
    fix: 'Wait until this peer has been in touch with an admin of the space, which hands out the key by itself.',
  })
}

function tooLarge(length: number, max: number): RecordsError {
  return new RecordsError(
    'ERR_RECORD_TOO_LARGE',
    `a body of ${length} bytes exceeds the ${max} of an encrypted space`,
    {
      fix: 'Store larger content as a blob and write its hash into the record.',
    },
  )
}
