import { bytesOfHex, hexOf, isHex } from '../base/index.ts'
import { decodeCertificate } from './certificate.ts'
import { type IdentitySeeds, identityFromSeeds } from './device-identity.ts'
import { IdentityError } from './errors.ts'
import { SEED_BYTES } from './keys.ts'
import type { Identity } from './types.ts'

/** A good file has less than 1 KiB. */
export const IDENTITY_FILE_MAX_BYTES: number = 16 * 1024

const FORMAT = 'plexus-identity'
const VERSION = 1

/** The text of a key file (docs/specs/identity.md). */
export function encodeIdentity(seeds: IdentitySeeds, identity: Identity): string {
  const fields = {
    format: FORMAT,
    version: VERSION,
    warning: 'Secret: whoever has this file can speak as you.',
    peer: identity.device.peer,
    certificate: hexOf(identity.certificate),
    deviceSeed: hexOf(seeds.device),
    principalSeed: hexOf(seeds.principal),
    sealingSeed: hexOf(seeds.sealing),
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}

/**
 * The identity that a key file holds. Throws `ERR_KEY_CORRUPT`, or `ERR_KEY_UNREADABLE` for a later version.
 *
 * The certificate covers the three keys and the name, and is signed: made again from the seeds it must come out the same,
 * so that no damage of a single byte goes unnoticed.
 */
export function decodeIdentity(text: string, path: string): Identity {
  const fields = objectOf(text, path)
  if (fields.format !== FORMAT) throw corrupt(path, 'it is no identity')
  if (fields.version !== VERSION) throw otherVersion(path, fields.version)
  const seeds = {
    device: seedOf(fields, 'deviceSeed', path),
    principal: seedOf(fields, 'principalSeed', path),
    sealing: seedOf(fields, 'sealingSeed', path),
  }
  const identity = certified(seeds, fields.certificate, path)
  if (hexOf(identity.certificate) !== fields.certificate || identity.device.peer !== fields.peer) {
    throw corrupt(path, 'its keys do not belong together')
  }
  return identity
}

type Fields = Readonly<Record<string, unknown>>

function objectOf(text: string, path: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw corrupt(path, 'it is not complete JSON', cause)
  }
  if (typeof value !== 'object' || value === null) throw corrupt(path, 'it is no identity')
  return value as Fields
}

function seedOf(fields: Fields, name: string, path: string): Uint8Array {
  const value = fields[name]
  if (typeof value !== 'string' || !isHex(value, SEED_BYTES)) throw corrupt(path, `its ${name} is no key`)
  return bytesOfHex(value)
}

/** Name and kind are in the certificate only. */
function certified(seeds: IdentitySeeds, certificate: unknown, path: string): Identity {
  try {
    const { name, kind } = decodeCertificate(bytesOfHex(String(certificate)))
    return identityFromSeeds(seeds, { name, kind })
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
    `the key file ${path} has version ${JSON.stringify(version)}; this program knows ${VERSION}`,
    { fix: 'A later Plexus wrote it: install that version, or start with another profile.' },
  )
}
