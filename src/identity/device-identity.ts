import { type DeviceKind, issueCertificate } from './certificate.ts'
import { sealingKeyOf, signer } from './keys.ts'
import type { Identity } from './types.ts'

/** The three secrets of a device, 32 bytes each. */
export interface IdentitySeeds {
  readonly device: Uint8Array
  readonly principal: Uint8Array
  /** X25519. */
  readonly sealing: Uint8Array
}

export interface IdentityInit {
  /** What people see; 1 to 64 printable characters. */
  readonly name: string
  /** Default `human`. */
  readonly kind?: DeviceKind
}

/** The identity of these seeds: the same seeds, name and kind always give the same bytes. */
export function identityFromSeeds(seeds: IdentitySeeds, init: IdentityInit): Identity {
  const device = signer(seeds.device)
  const principal = signer(seeds.principal)
  const sealingKey = sealingKeyOf(seeds.sealing)
  const seed = seeds.device.slice()
  return {
    device,
    principal: principal.publicKey,
    sealingKey,
    certificate: issueCertificate(principal, {
      device: device.publicKey,
      sealingKey,
      name: init.name,
      kind: init.kind ?? 'human',
      notBefore: 0,
      notAfter: 0,
    }),
    exportDeviceSeed: () => seed.slice(),
  }
}
