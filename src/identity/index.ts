/**
 * Layer 1: who we are. Keys, the certificate that binds a device to its principal, and the file they live in.
 */
export {
  IDENTITY_FILE,
  type KeyFile,
  type LoadIdentityInit,
  loadOrCreateIdentity,
  openKeyFile,
} from './adapters/key-file.ts'
export { BOX_OVERHEAD_BYTES, sealBox } from './boxes.ts'
export {
  CERTIFICATE_MAX_BYTES,
  type Certificate,
  DEVICE_KINDS,
  type DeviceKind,
  decodeCertificate,
  isName,
  issueCertificate,
  NAME_MAX_CHARS,
  verifyCertificate,
} from './certificate.ts'
export { type IdentityInit, type IdentitySeeds, identityFromSeeds } from './device-identity.ts'
export { IdentityError, type IdentityErrorCode } from './errors.ts'
export { SEED_BYTES, signer, VERIFIER_CACHE_KEYS, verifier } from './keys.ts'
export { phraseOfSeed, RECOVERY_PHRASE_WORDS, seedOfPhrase } from './recovery-phrase.ts'
export { SEAL_SALT_BYTES, seal, unseal } from './sealing.ts'
export { areWords, SIX_WORDS, sixWords } from './six-words.ts'
export { type Identity, SIGNATURE_BYTES, type Signer, type Subject, type Verifier } from './types.ts'
