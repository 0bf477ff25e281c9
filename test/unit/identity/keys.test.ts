import assert from 'node:assert/strict'
import { createPublicKey, verify as rawVerify } from 'node:crypto'
import { suite, test } from 'node:test'
import { bytesOfHex, concatBytes, hexOf, keyOfPeerId, utf8 } from '../../../src/base/index.ts'
import { SEED_BYTES, signer, verifier } from '../../../src/identity/index.ts'
import { sealingKeyOf } from '../../../src/identity/keys.ts'

const TAG = 'plexus/test/1'
const message = utf8('a message')
const seedOf = (first: number): Uint8Array => Uint8Array.from({ length: SEED_BYTES }, (_, index) => first + index)

suite('keys', () => {
  test('Ed25519: the public key of RFC 8032 section 7.1, test 1', () => {
    const seed = bytesOfHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
    assert.equal(hexOf(signer(seed).publicKey), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  })

  test('X25519: the public key of Bob in RFC 7748 section 6.1', () => {
    const seed = bytesOfHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    assert.equal(hexOf(sealingKeyOf(seed)), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
  })

  test('a seed has 32 bytes', () => {
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => signer(new Uint8Array(length)), { code: 'ERR_INVALID_ARGUMENT' })
    }
  })

  test('the peer id holds the public key', () => {
    const device = signer(seedOf(1))
    assert.deepEqual(keyOfPeerId(device.peer), device.publicKey)
  })
})

suite('signatures', () => {
  const device = signer(seedOf(1))
  const signature = device.sign(TAG, message)
  const { verify } = verifier()

  test('are Ed25519 over the tag and the message', () => {
    const key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), device.publicKey]),
      format: 'der',
      type: 'spki',
    })
    assert.equal(rawVerify(null, concatBytes(utf8(TAG), message), key, signature), true)
    assert.equal(verify(device.publicKey, TAG, message, signature), true)
  })

  test('hold for one key, one tag and one message', () => {
    assert.equal(verify(signer(seedOf(2)).publicKey, TAG, message, signature), false)
    assert.equal(verify(device.publicKey, 'plexus/test/2', message, signature), false)
    assert.equal(verify(device.publicKey, TAG, utf8('a messagf'), signature), false)
    assert.equal(verify(device.publicKey, TAG, utf8('a message '), signature), false)
  })

  test('are false, and no error, for what is no key or no signature', () => {
    for (const key of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33), new Uint8Array(32).fill(0xff)]) {
      assert.equal(verify(key, TAG, message, signature), false)
    }
    for (const bytes of [new Uint8Array(0), signature.subarray(1), new Uint8Array(64), new Uint8Array(64).fill(0xff)]) {
      assert.equal(verify(device.publicKey, TAG, message, bytes), false)
    }
  })

  test('a tag is words and one digit at the end, so that none begins another', () => {
    for (const tag of [
      '',
      'libp2',
      'plexus/1',
      'plexus/x',
      '1',
      'plexus/x/12',
      'plexus/x1/1',
      'Plexus/x/1',
      'plexus/x/1 ',
    ]) {
      assert.throws(() => device.sign(tag, message), { code: 'ERR_INVALID_ARGUMENT' }, tag)
    }
  })

  test('the order of the curve is subtracted only once: a second form of a signature is false', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${hexOf(bytes.toReversed())}`)
    const other = (littleEndian(signature.subarray(32)) + order).toString(16).padStart(64, '0')
    const malleated = concatBytes(signature.subarray(0, 32), bytesOfHex(other).toReversed())
    assert.equal(verify(device.publicKey, TAG, message, malleated), false)
  })

  test('keys of small order, under which anybody could sign, sign nothing', () => {
    // R = A = the neutral point and S = 0 satisfy the equation for every message.
    const neutral = bytesOfHex(`01${'00'.repeat(31)}`)
    const forged = concatBytes(neutral, new Uint8Array(32))
    assert.equal(verify(neutral, TAG, message, forged), false)
    const smallOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ]
    for (const key of smallOrder) {
      // Of 64 messages an eighth at least would pass, were the key taken.
      for (let index = 0; index < 64; index++) {
        assert.equal(verify(bytesOfHex(key), TAG, Uint8Array.of(index), forged), false, key)
      }
    }
  })

  test('the cache of a verifier is bounded and does not mix keys up', () => {
    const small = verifier({ cacheKeys: 2 })
    const devices = [1, 2, 3, 4, 5].map((first) => signer(seedOf(first)))
    for (let round = 0; round < 3; round++) {
      for (const signing of devices) {
        const own = signing.sign(TAG, message)
        for (const other of devices) {
          assert.equal(small.verify(other.publicKey, TAG, message, own), other === signing)
        }
      }
    }
  })
})
