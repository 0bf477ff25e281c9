import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { hexOf, utf8 } from '../../../src/base/index.ts'
import {
  BOX_OVERHEAD_BYTES,
  type Identity,
  identityFromSeeds,
  SEED_BYTES,
  sealBox,
} from '../../../src/identity/index.ts'

const seedOf = (first: number): Uint8Array => new Uint8Array(SEED_BYTES).fill(first)
const INFO = utf8('plexus/test/1')
const CONTENT = utf8('an epoch key')

function device(first: number): Identity {
  return identityFromSeeds(
    { device: seedOf(first), principal: seedOf(first + 1), sealing: seedOf(first + 2) },
    { name: 'device' },
  )
}

function boxFor(owner: Identity): Uint8Array {
  const box = sealBox(owner.sealingKey, INFO, seedOf(9), CONTENT)
  assert.ok(box !== undefined)
  return box
}

suite('boxes', () => {
  test('open for the device they were sealed to, and for no other', () => {
    const [owner, other] = [device(1), device(2)]
    const box = boxFor(owner)
    assert.equal(box.byteLength, CONTENT.byteLength + BOX_OVERHEAD_BYTES)
    assert.deepEqual(owner.openBox(INFO, box), Buffer.from(CONTENT))
    assert.equal(other.openBox(INFO, box), undefined)
  })

  test('open with the purpose they were sealed for alone', () => {
    const owner = device(1)
    assert.equal(owner.openBox(utf8('plexus/test/2'), boxFor(owner)), undefined)
  })

  test('do not open when any byte of them was changed, nor when one is missing', () => {
    const owner = device(1)
    const box = boxFor(owner)
    for (let at = 0; at < box.length; at++) {
      const changed = box.slice()
      // The highest bit of an X25519 key is ignored (RFC 7748), so another one.
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.equal(owner.openBox(INFO, changed), undefined, `byte ${at}`)
    }
    for (let length = 0; length < box.length; length++)
      assert.equal(owner.openBox(INFO, box.subarray(0, length)), undefined)
  })

  test('are not made for a key that everybody shares a secret with', () => {
    assert.equal(sealBox(new Uint8Array(SEED_BYTES), INFO, seedOf(9), CONTENT), undefined)
  })

  test('have these bytes for these keys', () => {
    assert.equal(
      hexOf(boxFor(device(1))),
      '57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421c3513c13bceda49aa844a69083b3f5466f1d318c7664fbf683ac3736',
    )
  })
})
