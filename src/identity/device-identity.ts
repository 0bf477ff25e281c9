import { openBox } from './boxes.ts'
import { type Certificate, type DeviceKind, decodeCertificate, issueCertificate } from './certificate.ts'
import { sealingKeyOf, signer, x25519PrivateKey } from './keys.ts'
import type { Identity, Subject } from './types.ts'

/** The three secrets of a device, 32 bytes each. */
export interface IdentitySeeds {
  readonly device: Uint8Array
  readonly principal: Uint8Array
  /** X25519. */
  readonly sealing: Uint8Array
}

/** What a key file keeps: a device that was linked has the certificate of a principal whose key lies on another device. */
export interface DeviceKeys {
  readonly device: Uint8Array
  readonly principal: Uint8Array | undefined
  /** X25519. */
  readonly sealing: Uint8Array
  readonly certificate: Uint8Array
}

export interface IdentityInit {
  /** What people see; 1 to 64 printable characters. */
  readonly name: string
  /** Default `human`. */
  readonly kind?: DeviceKind
}

/** The identity of these seeds: the same seeds, name and kind always give the same bytes. */
export function identityFromSeeds(seeds: IdentitySeeds, init: IdentityInit): Identity {
  return identityFromKeys(certified(seeds, init))
}

/** The keys of a device that certifies itself, for good: its clock may be wrong. It ends by a revocation in each space. */
export function certified(seeds: IdentitySeeds, init: IdentityInit): DeviceKeys {
  const subject: Subject = {
    device: signer(seeds.device).publicKey,
    sealingKey: sealingKeyOf(seeds.sealing),
    name: init.name,
    kind: init.kind ?? 'human',
  }
  return { ...seeds, certificate: certify(seeds.principal, subject) }
}

/** The identity of keys that belong together; throws `ERR_CERTIFICATE` for a certificate that cannot be read. */
export function identityFromKeys(keys: DeviceKeys): Identity {
  const { device, principal, sealing, certificate } = keys
  const sealingPrivate = x25519PrivateKey(sealing)
  const seed = device.slice()
  return {
    device: signer(device),
    principal: decodeCertificate(certificate).principal,
    sealingKey: sealingKeyOf(sealing),
    certificate,
    certify: principal === undefined ? undefined : (subject) => certify(principal, subject),
    openBox: (info, box) => openBox(sealingPrivate, info, box),
    exportDeviceSeed: () => seed.slice(),
  }
}

/** Who a certificate says that a device is, without its principal and its dates. */
export function subjectOf({ device, sealingKey, name, kind }: Certificate): Subject {
  return { device, sealingKey, name, kind }
}

function certify(principalSeed: Uint8Array, subject: Subject): Uint8Array {
  return issueCertificate(signer(principalSeed), { ...subject, notBefore: 0, notAfter: 0 })
}
