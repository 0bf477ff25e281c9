import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CborValue, decodeCbor, encodeCbor } from '../../../src/base/index.ts'
import {
  CERTIFICATE_MAX_BYTES,
  type Certificate,
  decodeCertificate,
  issueCertificate,
  SEED_BYTES,
  signer,
  verifier,
  verifyCertificate,
} from '../../../src/identity/index.ts'

const refused = { code: 'ERR_CERTIFICATE' }
const principal = signer(new Uint8Array(SEED_BYTES).fill(1))
const device = signer(new Uint8Array(SEED_BYTES).fill(2))
const fields: Omit<Certificate, 'principal'> = {
  device: device.publicKey,
  sealingKey: new Uint8Array(32).fill(3),
  name: 'Ada',
  kind: 'human',
  notBefore: 1000,
  notAfter: 2000,
}
const bytes = issueCertificate(principal, fields)
const options = { verifier: verifier() }

/** A certificate whose statement is this array, signed as it should be. */
function signed(array: CborValue): Uint8Array {
  const statement = encodeCbor(array)
  return encodeCbor([statement, principal.sign('plexus/certificate/1', statement)])
}

const good: readonly CborValue[] = [
  1,
  principal.publicKey,
  fields.device,
  fields.sealingKey,
  fields.name,
  fields.kind,
  fields.notBefore,
  fields.notAfter,
]

suite('a certificate', () => {
  test('gives back what was certified', () => {
    const expected: Certificate = { principal: principal.publicKey, ...fields }
    assert.deepEqual(verifyCertificate(bytes, options), expected)
    assert.deepEqual(decodeCertificate(bytes), expected)
    assert.deepEqual(signed(good), bytes)
  })

  test('is valid between its dates, both included; 0 is no bound', () => {
    for (const nowMs of [1000, 1500, 2000]) verifyCertificate(bytes, { ...options, nowMs })
    for (const nowMs of [999, 2001]) assert.throws(() => verifyCertificate(bytes, { ...options, nowMs }), refused)
    const unbounded = issueCertificate(principal, { ...fields, notBefore: 0, notAfter: 0 })
    for (const nowMs of [0, Number.MAX_SAFE_INTEGER]) verifyCertificate(unbounded, { ...options, nowMs })
  })

  test('is signed by the principal that it names', () => {
    const other = signer(new Uint8Array(SEED_BYTES).fill(9))
    const statement = encodeCbor(good)
    const byOther = encodeCbor([statement, other.sign('plexus/certificate/1', statement)])
    const underOtherTag = encodeCbor([statement, principal.sign('plexus/sig/1', statement)])
    for (const forged of [byOther, underOtherTag]) {
      assert.throws(() => verifyCertificate(forged, options), refused)
      decodeCertificate(forged)
    }
  })

  const wrong: readonly (readonly [number, CborValue, string])[] = [
    [0, 2, 'another version'],
    [0, '1', 'a version that is text'],
    [1, new Uint8Array(31), 'a short principal'],
    [2, new Uint8Array(33), 'a long device'],
    [2, 'device', 'a device that is text'],
    [3, new Uint8Array(0), 'an empty sealing key'],
    [4, '', 'an empty name'],
    [4, 'x'.repeat(65), 'a long name'],
    [4, ' Ada', 'a name with a blank before it'],
    [4, 'Ada\n', 'a name of two lines'],
    [4, 'A\u001b[31mda', 'a name with an escape sequence'],
    [4, 'Ada\u202e', 'a name that turns the line round'],
    [4, 7, 'a name that is a number'],
    [5, 'robot', 'an unknown kind'],
    [5, 'constructor', 'a kind of JavaScript'],
    [6, -1, 'a date before 1970'],
    [6, 1.5, 'half a millisecond'],
    [6, 2001, 'an end before the beginning'],
    [7, null, 'no end'],
  ]
  for (const [index, value, what] of wrong) {
    test(`is refused with ${what}`, () => {
      const array = good.with(index, value)
      assert.throws(() => verifyCertificate(signed(array), options), refused)
      assert.throws(() => decodeCertificate(signed(array)), refused)
    })
  }

  test('is never issued in a form that would be refused', () => {
    for (const change of [
      { name: '' },
      { notBefore: -1 },
      { device: new Uint8Array(3) },
      { notAfter: 5, notBefore: 6 },
    ]) {
      assert.throws(() => issueCertificate(principal, { ...fields, ...change }), refused)
    }
  })

  test('is refused when it is not exactly the two parts, canonical and small', () => {
    const [statement, signature] = decodeCbor(bytes) as readonly Uint8Array[]
    const others: readonly Uint8Array[] = [
      new Uint8Array(0),
      bytes.subarray(0, -1),
      Uint8Array.of(...bytes, 0),
      encodeCbor([statement!, signature!, 1]),
      encodeCbor([statement!, signature!.subarray(1)]),
      encodeCbor([good, signature!]),
      encodeCbor({ statement: statement!, signature: signature! }),
      signed([...good, 1]),
      signed(good.slice(0, 7)),
      signed({ v: 1 }),
      encodeCbor([Uint8Array.of(0x98, 8, ...statement!.subarray(1)), signature!]),
      encodeCbor([new Uint8Array(CERTIFICATE_MAX_BYTES), signature!]),
    ]
    for (const other of others) assert.throws(() => verifyCertificate(other, options), refused)
  })

  test('may have the longest name in the widest script', () => {
    const name = '\u{1f9e0}'.repeat(32)
    const long = issueCertificate(principal, { ...fields, name })
    assert.equal(verifyCertificate(long, options).name, name)
    assert.ok(long.byteLength <= CERTIFICATE_MAX_BYTES)
  })
})
