import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DEVICE_KINDS,
  IdentityError,
  issueCertificate,
  SEED_BYTES,
  signer,
  verifier,
  verifyCertificate,
} from '../../../src/identity/index.ts'

const key = fc.uint8Array({ minLength: SEED_BYTES, maxLength: SEED_BYTES })
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter(
    (text) =>
      text.trim() === text && text.length <= 64 && !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text),
  )
const time = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const fields = fc
  .record({ device: key, sealingKey: key, name, kind: fc.constantFrom(...DEVICE_KINDS), from: time, to: time })
  .map(({ from, to, ...rest }) => ({ ...rest, notBefore: Math.min(from, to), notAfter: Math.max(from, to) }))

const checker = verifier()

test('what is issued verifies and says the same', () => {
  fc.assert(
    fc.property(key, fields, (seed, issued) => {
      const principal = signer(seed)
      const read = verifyCertificate(issueCertificate(principal, issued), { verifier: checker })
      assert.deepEqual(read, { principal: principal.publicKey, ...issued })
    }),
  )
})

test('with one byte changed it is refused, and only ever with our own error', () => {
  const bytes = issueCertificate(signer(new Uint8Array(SEED_BYTES)), {
    device: new Uint8Array(SEED_BYTES).fill(1),
    sealingKey: new Uint8Array(SEED_BYTES).fill(2),
    name: 'Ada',
    kind: 'human',
    notBefore: 0,
    notAfter: 0,
  })
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [1, 0x80]) {
      const changed = bytes.slice()
      changed[at] = changed[at]! ^ change
      assert.throws(
        () => verifyCertificate(changed, { verifier: checker }),
        (error) => error instanceof IdentityError && error.code === 'ERR_CERTIFICATE',
      )
    }
  }
})

test('any bytes are refused with our own error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(
        () => verifyCertificate(bytes, { verifier: checker }),
        (error) => error instanceof IdentityError && error.code === 'ERR_CERTIFICATE',
      )
    }),
  )
})
