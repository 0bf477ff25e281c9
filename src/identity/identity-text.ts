import { bytesEqual, bytesOfHex, hexOf, isHex } from '../base/index.ts'
import { CERTIFICATE_MAX_BYTES, verifyCertificate } from './certificate.ts'
import { certified, type DeviceKeys, subjectOf } from './device-identity.ts'
import { IdentityError } from './errors.ts'
import { SEED_BYTES, sealingKeyOf, signer, verifier } from './keys.ts'

/** A good file has less than 3 KiB. */
export const IDENTITY_FILE_MAX_BYTES: number = 16 * 1024

const FORMAT = 'plexus-identity'
/** A file that a program of version 1 understands has version 1. */
const [PLAIN, EXTENDED] = [1, 2]

const HEAD_NAMES = ['format', 'version', 'warning', 'next']
const KEY_NAMES = ['peer', 'certificate', 'deviceSeed', 'principalSeed', 'sealingSeed']

/** What a key file holds. */
export interface KeyFileContent {
  readonly keys: DeviceKeys
  /** Keys that are to take the place of `keys`: a rotation or a linking is under way. */
  readonly next: DeviceKeys | undefined
}

/** The text of a key file (docs/specs/identity.md). */
export function encodeKeyFile({ keys, next }: KeyFileContent): string {
  const fields = {
    format: FORMAT,
    version: keys.principal === undefined || next !== undefined ? EXTENDED : PLAIN,
    warning: 'Secret: whoever has this file can speak as you.',
    ...fieldsOf(keys),
    ...(next === undefined ? {} : { next: fieldsOf(next) }),
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}

function fieldsOf({ device, principal, sealing, certificate }: DeviceKeys): object {
  return {
    peer: signer(device).peer,
    certificate: hexOf(certificate),
    deviceSeed: hexOf(device),
    ...(principal === undefined ? {} : { principalSeed: hexOf(principal) }),
    sealingSeed: hexOf(sealing),
  }
}

/**
 * What a key file holds. Throws `ERR_KEY_CORRUPT`, or `ERR_KEY_UNREADABLE` for a later version.
 *
 * The certificate covers the three keys and the name, and is signed: made again from the seeds it must come out the same, or,
 * where the principal's key lies elsewhere, be for these keys and hold. So no damage of a single byte goes unnoticed.
 */
export function decodeKeyFile(text: string, path: string): KeyFileContent {
  const fields = objectOf(parsed(text, path), path)
  if (fields.format !== FORMAT) throw corrupt(path, 'it is no identity')
  if (fields.version !== PLAIN && fields.version !== EXTENDED) throw otherVersion(path, fields.version)
  const isExtended = fields.version === EXTENDED
  const { next, ...current } = fields
  return {
    keys: keysOf(current, isExtended, path),
    next: isExtended && next !== undefined ? keysOf(objectOf(next, path), true, path) : undefined,
  }
}

type Fields = Readonly<Record<string, unknown>>

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw corrupt(path, 'it is not complete JSON', cause)
  }
}

function objectOf(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null) throw corrupt(path, 'it is no identity')
  return value as Fields
}

function keysOf(fields: Fields, mayBeLinked: boolean, path: string): DeviceKeys {
  // A name that was damaged must not pass for one that is missing.
  const stray = Object.keys(fields).find((name) => ![...HEAD_NAMES, ...KEY_NAMES].includes(name))
  if (stray !== undefined) throw corrupt(path, `${JSON.stringify(stray.slice(0, 40))} does not belong in it`)
  const isLinked = mayBeLinked && fields.principalSeed === undefined
  const keys: DeviceKeys = {
    device: seedOf(fields, 'deviceSeed', path),
    principal: isLinked ? undefined : seedOf(fields, 'principalSeed', path),
    sealing: seedOf(fields, 'sealingSeed', path),
    certificate: certificateOf(fields.certificate, path),
  }
  if (signer(keys.device).peer !== fields.peer || !belongTogether(keys, path)) {
    throw corrupt(path, 'its keys do not belong together')
  }
  return keys
}

function seedOf(fields: Fields, name: string, path: string): Uint8Array {
  const value = fields[name]
  if (typeof value !== 'string' || !isHex(value, SEED_BYTES)) throw corrupt(path, `its ${name} is no key`)
  return bytesOfHex(value)
}

function certificateOf(value: unknown, path: string): Uint8Array {
  const isText = typeof value === 'string' && /^(?:[0-9a-f]{2})+$/.test(value)
  if (!isText || value.length > 2 * CERTIFICATE_MAX_BYTES) throw corrupt(path, 'its certificate cannot be read')
  return bytesOfHex(value)
}

function belongTogether({ device, principal, sealing, certificate }: DeviceKeys, path: string): boolean {
  try {
    const subject = subjectOf(verifyCertificate(certificate, { verifier: verifier({ cacheKeys: 1 }) }))
    if (principal !== undefined) {
      return bytesEqual(certified({ device, principal, sealing }, subject).certificate, certificate)
    }
    return bytesEqual(subject.device, signer(device).publicKey) && bytesEqual(subject.sealingKey, sealingKeyOf(sealing))
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause
    throw corrupt(path, 'its certificate cannot be read', cause)
  }
}

function corrupt(path: string, why: string, cause?: unknown): IdentityError {
  return new IdentityError('ERR_KEY_CORRUPT', `the key file ${path} is damaged: ${why}`, {
    cause,
    fix: 'Put a backup of it in its place. Without one, move it away: you start as a new peer and have to be invited again.',
  })
}

function otherVersion(path: string, version: unknown): IdentityError {
  return new IdentityError(
    'ERR_KEY_UNREADABLE',
    `the key file ${path} has version ${JSON.stringify(version)}; this program knows ${EXTENDED}`,
    { fix: 'A later Plexus wrote it: install that version, or start with another profile.' },
  )
}
