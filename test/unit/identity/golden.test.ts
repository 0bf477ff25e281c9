import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOfHex, hexOf } from '../../../src/base/index.ts'
import {
  type DeviceKind,
  identityFromSeeds,
  issueCertificate,
  signer,
  verifier,
  verifyCertificate,
} from '../../../src/identity/index.ts'

const golden = JSON.parse(readFileSync(join(import.meta.dirname, '../../golden/identity/identity.json'), 'utf8'))
const seeds = {
  device: bytesOfHex(golden.seeds.device),
  principal: bytesOfHex(golden.seeds.principal),
  sealing: bytesOfHex(golden.seeds.sealing),
}
const identity = identityFromSeeds(seeds, { name: golden.name, kind: golden.kind as DeviceKind })

test('the seeds give the golden keys and certificate', () => {
  assert.equal(hexOf(identity.device.publicKey), golden.devicePublicKey)
  assert.equal(identity.device.peer, golden.peer)
  assert.equal(hexOf(identity.principal), golden.principal)
  assert.equal(hexOf(identity.sealingKey), golden.sealingKey)
  assert.equal(hexOf(identity.certificate), golden.certificate)
})

test('the device makes the golden signature', () => {
  const { tag, message, signature } = golden.signature
  assert.equal(hexOf(identity.device.sign(tag, bytesOfHex(message))), signature)
})

test('the dated certificate is the golden one and holds within its dates', () => {
  const { bytes, ...dated } = golden.datedCertificate
  const fields = { device: identity.device.publicKey, sealingKey: identity.sealingKey, ...dated }
  assert.equal(hexOf(issueCertificate(signer(seeds.principal), fields)), bytes)
  const read = verifyCertificate(bytesOfHex(bytes), { verifier: verifier(), nowMs: dated.notAfter })
  assert.deepEqual(read, { principal: identity.principal, ...fields })
})
