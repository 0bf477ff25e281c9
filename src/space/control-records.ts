import { HASH_BYTES, type PeerId, PUBLIC_KEY_BYTES, type RecordId } from '../base/index.ts'
import { CERTIFICATE_MAX_BYTES, NAME_MAX_CHARS, SIGNATURE_BYTES } from '../identity/index.ts'
import { type BodyMap, LOG_NAME_BYTES } from '../records/index.ts'
import {
  bytesField,
  choiceField,
  type Field,
  FieldMismatch,
  hexField,
  listField,
  mapField,
  optionalField,
  peerField,
  textField,
  tupleField,
  uintField,
} from './fields.ts'
import { CONTROL_KIND, INVITE_MAX_USES, type Role } from './types.ts'

export const SPACE_NAME_MAX_CHARS = 128
/** Levels grow by one from admitter to admitted; no space of people comes near this. */
export const LEVEL_MAX = 65_535
/** Logs that one record can name. */
export const CUTS_MAX = 512
/** Revocations that one admission undoes. */
export const AFTER_MAX = 64
/** Boxes in one record: what fits into a body. More members take more records. */
export const BOXES_MAX = 400
const BOX_MAX_BYTES = 128
/** Older keys in one record. */
export const PREVIOUS_MAX = 64
export const KEY_ID_BYTES = 16
/** Bounds the numbers of epochs, as the header of a record does. */
export const EPOCH_MAX: number = 2 ** 32 - 1
const HEADER_MAX_BYTES = 512

/** `founder` comes from the genesis alone. */
export type GrantableRole = Exclude<Role, 'founder'>

/** A place in a log of the device that the record speaks of. */
export type Cut = readonly [log: string, seq: number, id: RecordId]

/** Keys and log names are lower-case hexadecimal, levels and numbers unsigned integers, times milliseconds since 1970. */
export interface ControlFields {
  readonly genesis: {
    readonly v: 1
    readonly name: string
    readonly personal: boolean
    readonly principal: string
    readonly certificate: Uint8Array
    readonly sealing: string
    /** The founder's own name. */
    readonly member: string
    /** What a new member may read of the time before it came. */
    readonly history: 'all' | 'since-admission'
    /** Records of classes 1 and 2 are encrypted, all of them and for ever (docs/specs/encryption.md). Absent: none may be. */
    readonly encrypted?: true
    /** The key that ranks above the founder's device. */
    readonly recovery?: string
  }
  readonly admit: {
    readonly device: PeerId
    readonly principal: string
    readonly role: GrantableRole
    readonly level: number
    readonly name: string
    readonly certificate: Uint8Array
    readonly sealing: string
    /** The public key of the invite that this admission uses up. */
    readonly invite?: string
    /** The revocations of the device that this admission undoes. */
    readonly after?: readonly RecordId[]
    /** By the key of the device: it wants to be a second device of the author's (`deviceProof`). */
    readonly proof?: Uint8Array
  }
  readonly role: {
    readonly device: PeerId
    readonly role: GrantableRole
    /** The admit or role record that decided the device's role when this one was written. */
    readonly replaces: RecordId
    /** The last record of each of its control logs that still counts while the role is below admin. */
    readonly cuts: readonly Cut[]
  }
  readonly invite: {
    readonly key: string
    readonly role: GrantableRole
    readonly uses: number
    readonly expires: number
  }
  /**
   * Of a device, with the last record of each of its logs that stays valid; or of an invite, with the last record of the
   * issuer's logs up to which admissions by it stay.
   */
  readonly revoke: {
    readonly device?: PeerId
    readonly cuts?: readonly Cut[]
    readonly invite?: string
  }
  readonly accept: {
    readonly device: PeerId
    readonly log: string
    readonly from: number
    readonly to: number
    /** Of the record at `to`. */
    readonly id: RecordId
    /** The record at `from`, when this chooses a branch of a log that forked there. */
    readonly first?: RecordId
  }
  /** Makes an epoch, gives its key to more devices, or gives older keys to those who have it (docs/specs/encryption.md). */
  readonly epoch: {
    readonly n: number
    /** The id of the epoch's key, see `keyIdOf`. */
    readonly key: string
    readonly boxes: readonly (readonly [device: string, box: Uint8Array])[]
    /** Older keys, sealed under this one. */
    readonly previous?: readonly (readonly [n: number, key: string, sealed: Uint8Array])[]
  }
  readonly erase: { readonly device: PeerId; readonly log: string; readonly seq: number }
  readonly fork: {
    readonly headerA: Uint8Array
    readonly signatureA: Uint8Array
    readonly headerB: Uint8Array
    readonly signatureB: Uint8Array
  }
  /** The author hands over to another device of its principal, with the last record of each of its own logs. */
  readonly rotate: {
    readonly device: PeerId
    readonly principal: string
    readonly name: string
    readonly certificate: Uint8Array
    readonly sealing: string
    readonly cuts: readonly Cut[]
    /** By the key of the new device (`deviceProof`). */
    readonly proof: Uint8Array
  }
}

export type ControlType = keyof ControlFields

/** The body of a control record, told apart by `type`. */
export type ControlBody<T extends ControlType = ControlType> = {
  readonly [K in T]: { readonly type: K } & ControlFields[K]
}[T]

interface Placed<T extends ControlType> {
  readonly id: RecordId
  readonly author: PeerId
  /** 16 hexadecimal digits. */
  readonly log: string
  readonly seq: number
  readonly hlc: number
  readonly body: ControlBody<T>
}

/** A control record with its place, as the membership evaluator takes it. */
export type ControlRecord<T extends ControlType = ControlType> = { readonly [K in T]: Placed<K> }[T]

const key = hexField(PUBLIC_KEY_BYTES)
const recordId = hexField<RecordId>(HASH_BYTES)
const logName = hexField(LOG_NAME_BYTES)
const seq = uintField(1)
const name = textField(NAME_MAX_CHARS)
const certificate = bytesField(1, CERTIFICATE_MAX_BYTES)
const role = choiceField<GrantableRole>(['relay', 'reader', 'writer', 'admin'])
const header = bytesField(1, HEADER_MAX_BYTES)
const signature = bytesField(SIGNATURE_BYTES)

const epochNumber = uintField(1, EPOCH_MAX)
const keyId = hexField(KEY_ID_BYTES)
const cuts = listField<Cut>(tupleField(logName, seq, recordId), CUTS_MAX)

const CODECS: { readonly [T in ControlType]: Field<ControlFields[T]> } = {
  genesis: mapField<ControlFields['genesis']>({
    v: choiceField([1]),
    name: textField(SPACE_NAME_MAX_CHARS),
    personal: choiceField([true, false]),
    principal: key,
    certificate,
    sealing: key,
    member: name,
    history: choiceField(['all', 'since-admission']),
    encrypted: optionalField(choiceField([true])),
    recovery: optionalField(key),
  }),
  admit: mapField<ControlFields['admit']>({
    device: peerField,
    principal: key,
    role,
    level: uintField(0, LEVEL_MAX),
    name,
    certificate,
    sealing: key,
    invite: optionalField(key),
    after: optionalField(listField(recordId, AFTER_MAX)),
    proof: optionalField(signature),
  }),
  role: mapField<ControlFields['role']>({ device: peerField, role, replaces: recordId, cuts }),
  invite: mapField<ControlFields['invite']>({ key, role, uses: uintField(1, INVITE_MAX_USES), expires: uintField(1) }),
  revoke: mapField<ControlFields['revoke']>({
    device: optionalField(peerField),
    cuts: optionalField(cuts),
    invite: optionalField(key),
  }),
  accept: mapField<ControlFields['accept']>({
    device: peerField,
    log: logName,
    from: seq,
    to: seq,
    id: recordId,
    first: optionalField(recordId),
  }),
  epoch: mapField<ControlFields['epoch']>({
    n: epochNumber,
    key: keyId,
    boxes: listField<readonly [string, Uint8Array]>(tupleField(key, bytesField(1, BOX_MAX_BYTES)), BOXES_MAX),
    previous: optionalField(
      listField<readonly [number, string, Uint8Array]>(
        tupleField(epochNumber, keyId, bytesField(1, BOX_MAX_BYTES)),
        PREVIOUS_MAX,
      ),
    ),
  }),
  erase: mapField<ControlFields['erase']>({ device: peerField, log: logName, seq }),
  fork: mapField<ControlFields['fork']>({
    headerA: header,
    signatureA: signature,
    headerB: header,
    signatureB: signature,
  }),
  rotate: mapField<ControlFields['rotate']>({
    device: peerField,
    principal: key,
    name,
    certificate,
    sealing: key,
    cuts,
    proof: signature,
  }),
}

const TYPES_BY_KIND = new Map(Object.entries(CONTROL_KIND).map(([type, kind]) => [kind as number, type as ControlType]))

/**
 * The typed body of a control record. `undefined` for kinds that this version does not know and for bodies that do not fit
 * their kind to the letter: both stay in the store and count for nothing.
 */
export function readControl(kind: number, body: BodyMap | undefined): ControlBody | undefined {
  const type = TYPES_BY_KIND.get(kind)
  if (type === undefined || body === undefined) return undefined
  try {
    const fields: object = CODECS[type].read(body)
    if (type === 'revoke' && !isOneRevocation(fields)) return undefined
    if (type === 'accept' && !isStretch(fields as ControlFields['accept'])) return undefined
    return { type, ...fields } as ControlBody
  } catch (error) {
    if (error instanceof FieldMismatch) return undefined
    throw error
  }
}

export function writeControl<T extends ControlType>(type: T, fields: ControlFields[T]): BodyMap {
  return CODECS[type].write(fields) as BodyMap
}

function isOneRevocation(fields: ControlFields['revoke']): boolean {
  return fields.cuts !== undefined && (fields.device === undefined) !== (fields.invite === undefined)
}

function isStretch({ from, to, id, first }: ControlFields['accept']): boolean {
  return from < to || (from === to && (first === undefined || first === id))
}
