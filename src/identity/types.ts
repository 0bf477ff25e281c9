import type { PeerId } from '../base/index.ts'
import type { Certificate } from './certificate.ts'

export const SIGNATURE_BYTES = 64

/** Signs as this device, and shares secrets with others. The private key never leaves the implementation. */
export interface Signer {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly peer: PeerId
  /**
   * Ed25519 (RFC 8032) over `tag` followed by `message`. The tag separates the uses of the key: `plexus/`, words, and one
   * digit at the end, e.g. `plexus/sig/1`.
   */
  sign(tag: string, message: Uint8Array): Uint8Array
  /**
   * The 32 bytes that only this device and the one of that Ed25519 key can work out, always the same: X25519 (RFC 7748) with
   * both keys in their Montgomery form. Undefined for bytes that are no fit key.
   */
  agree(publicKey: Uint8Array): Uint8Array | undefined
}

/** Checks signatures of any device; keeps imported key objects in a bounded cache. */
export interface Verifier {
  /** False for a wrong signature and for bytes that are no key or no signature; throws for nothing but a malformed tag. */
  verify(publicKey: Uint8Array, tag: string, message: Uint8Array, signature: Uint8Array): boolean
}

/** Who a certificate is about. */
export type Subject = Pick<Certificate, 'device' | 'sealingKey' | 'name' | 'kind'>

/** The keys of one device. What a certificate says may change while it runs: it is linked to another principal. */
export interface Identity {
  readonly device: Signer
  /** The person or agent this device belongs to; certified in `certificate`. */
  readonly principal: Uint8Array
  readonly certificate: Uint8Array
  /** X25519 public key for sealed boxes, 32 bytes. */
  readonly sealingKey: Uint8Array
  /** Issues a certificate of our principal for another device; undefined where its key lies on another device. */
  readonly certify: ((subject: Subject) => Uint8Array) | undefined
  /** What somebody sealed to `sealingKey` with `sealBox` and the same `info`; undefined if anything about it is not as it was. */
  openBox(info: Uint8Array, box: Uint8Array): Uint8Array | undefined
  /** The Ed25519 seed of the device, 32 bytes, for the transport's own handshake. Handle as a secret. */
  exportDeviceSeed(): Uint8Array
}
