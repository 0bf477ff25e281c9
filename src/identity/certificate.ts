import { type CborValue, decodeCanonicalCbor, encodeCbor, PlexusError, PUBLIC_KEY_BYTES } from '../base/index.ts'
import { IdentityError } from './errors.ts'
import { SIGNATURE_BYTES, type Signer, type Verifier } from './types.ts'

export const CERTIFICATE_TAG = 'plexus/certificate/1'
export const CERTIFICATE_MAX_BYTES = 1024
/** Counted in UTF-16 code units, as `length` does. */
export const NAME_MAX_CHARS = 64
export const DEVICE_KINDS = ['human', 'agent', 'relay'] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]

const VERSION = 1
/** Control characters, line separators and bidirectional overrides: what could rearrange the line a name is shown in. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** The statement of a principal that a device acts for it (docs/specs/identity.md). */
export interface Certificate {
  /** Ed25519 public key of the person or agent, 32 bytes. */
  readonly principal: Uint8Array
  /** Ed25519 public key of the device, 32 bytes. */
  readonly device: Uint8Array
  /** X25519 public key of the device, 32 bytes. */
  readonly sealingKey: Uint8Array
  /** Chosen by the principal: untrusted text, 1 to 64 printable characters. */
  readonly name: string
  readonly kind: DeviceKind
  /** Milliseconds since 1970; 0 for no beginning. */
  readonly notBefore: number
  /** Milliseconds since 1970; 0 for no end. */
  readonly notAfter: number
}

/** Signs a certificate. Throws `ERR_CERTIFICATE` for fields that no reader would accept. */
export function issueCertificate(principal: Signer, fields: Omit<Certificate, 'principal'>): Uint8Array {
  const { device, sealingKey, name, kind, notBefore, notAfter } = fields
  const array = [VERSION, principal.publicKey, device, sealingKey, name, kind, notBefore, notAfter]
  certificateOf(array)
  const statement = encodeCbor(array)
  return encodeCbor([statement, principal.sign(CERTIFICATE_TAG, statement)])
}

/** Reads the fields without trusting them: the signature and the dates are not checked. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  return open(bytes).certificate
}

/**
 * Checks form, signature and, if `nowMs` is given, the dates; whether it speaks of the right device is for the caller to
 * see. Throws `ERR_CERTIFICATE`.
 */
export function verifyCertificate(
  bytes: Uint8Array,
  options: { readonly verifier: Verifier; readonly nowMs?: number },
): Certificate {
  const { certificate, statement, signature } = open(bytes)
  const { principal, notBefore, notAfter } = certificate
  if (!options.verifier.verify(principal, CERTIFICATE_TAG, statement, signature)) refuse('its signature is wrong')
  if (options.nowMs !== undefined) {
    if (options.nowMs < notBefore) refuse('it is not valid yet')
    if (notAfter !== 0 && options.nowMs > notAfter) refuse('it has expired')
  }
  return certificate
}

function open(bytes: Uint8Array): { certificate: Certificate; statement: Uint8Array; signature: Uint8Array } {
  if (bytes.byteLength > CERTIFICATE_MAX_BYTES) refuse(`it is larger than ${CERTIFICATE_MAX_BYTES} bytes`)
  const outer = decoded(bytes)
  if (!Array.isArray(outer) || outer.length !== 2) refuse('it is not a statement and a signature')
  const [statement, signature] = outer
  if (!isBytes(signature, SIGNATURE_BYTES) || !(statement instanceof Uint8Array))
    refuse('its parts are not byte strings')
  return { certificate: certificateOf(decoded(statement)), statement, signature }
}

function decoded(bytes: Uint8Array): CborValue {
  try {
    return decodeCanonicalCbor(bytes)
  } catch (cause) {
    if (!(cause instanceof PlexusError)) throw cause
    throw new IdentityError('ERR_CERTIFICATE', `the certificate is ${cause.message}`, { cause })
  }
}

function certificateOf(array: CborValue): Certificate {
  if (!Array.isArray(array) || array.length !== 8) refuse('it does not have eight fields')
  const [version, principal, device, sealingKey, name, kind, notBefore, notAfter] = array
  if (version !== VERSION) refuse(`its version is not ${VERSION}`)
  if (!isBytes(principal, PUBLIC_KEY_BYTES)) refuse('its principal is not a key')
  if (!isBytes(device, PUBLIC_KEY_BYTES)) refuse('its device is not a key')
  if (!isBytes(sealingKey, PUBLIC_KEY_BYTES)) refuse('its sealing key is not a key')
  if (!isName(name)) refuse(`its name is not 1 to ${NAME_MAX_CHARS} printable characters`)
  if (!isKind(kind)) refuse(`its kind is none of ${DEVICE_KINDS.join(', ')}`)
  if (!isTime(notBefore) || !isTime(notAfter)) refuse('its dates are not milliseconds since 1970')
  if (notAfter !== 0 && notAfter < notBefore) refuse('it ends before it begins')
  return { principal, device, sealingKey, name, kind, notBefore, notAfter }
}

function isBytes(value: CborValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === length
}

/** A name of a person, device or space that is fit to be shown: trimmed, printable, neither empty nor too long. */
export function isName(value: unknown, maxChars: number = NAME_MAX_CHARS): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxChars &&
    value.isWellFormed() &&
    value.trim() === value &&
    !UNPRINTABLE.test(value)
  )
}

function isKind(value: CborValue | undefined): value is DeviceKind {
  return DEVICE_KINDS.some((kind) => kind === value)
}

function isTime(value: CborValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function refuse(why: string): never {
  throw new IdentityError('ERR_CERTIFICATE', `the certificate was refused: ${why}`)
}
