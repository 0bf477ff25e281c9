import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { suite, test } from 'node:test'
import { bytesOfHex, hexOf, utf8 } from '../../../src/base/index.ts'
import { SEED_BYTES, seal, signer, unseal } from '../../../src/identity/index.ts'

const seedOf = (first: number): Uint8Array => Uint8Array.from({ length: SEED_BYTES }, (_, index) => first + index)

suite('secrets of two devices', () => {
  test('are the same on both sides, and of these two alone', () => {
    const [a, b, c] = [signer(seedOf(1)), signer(seedOf(2)), signer(seedOf(3))]
    assert.equal(a.agree(b.publicKey)?.byteLength, 32)
    assert.deepEqual(a.agree(b.publicKey), b.agree(a.publicKey))
    assert.notDeepEqual(a.agree(b.publicKey), c.agree(b.publicKey))
  })

  test('are X25519 of the keys in their Montgomery form: the vector of libsodium, ed25519_convert', () => {
    const device = signer(bytesOfHex('421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee'))
    const scalar = bytesOfHex('8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166')
    const point = bytesOfHex('f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50')
    const der = { format: 'der', type: 'pkcs8' } as const
    const privateKey = createPrivateKey({
      key: Buffer.concat([bytesOfHex('302e020100300506032b656e04220420'), scalar]),
      ...der,
    })
    const publicKey = createPublicKey({
      key: Buffer.concat([bytesOfHex('302a300506032b656e032100'), point]),
      format: 'der',
      type: 'spki',
    })
    assert.equal(
      hexOf(device.agree(device.publicKey) ?? new Uint8Array()),
      diffieHellman({ privateKey, publicKey }).toString('hex'),
    )
  })

  test('there are none with keys that share one with everybody', () => {
    const device = signer(seedOf(1))
    for (const key of ['00', '01', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f']) {
      assert.equal(device.agree(bytesOfHex(key.padEnd(64, '0'))), undefined, key)
    }
  })
})

suite('seals', () => {
  const secret = seedOf(7)
  const sealed = seal(secret, utf8('between us'), new Uint8Array(16), utf8('a secret'))

  test('open to what was sealed', () => {
    assert.deepEqual(unseal(secret, utf8('between us'), sealed), Buffer.from('a secret'))
    assert.deepEqual(unseal(secret, utf8(''), seal(secret, utf8(''), new Uint8Array(16), utf8(''))), Buffer.alloc(0))
  })

  test('do not open for others, for another use, or with a bit changed', () => {
    assert.equal(unseal(seedOf(8), utf8('between us'), sealed), undefined)
    assert.equal(unseal(secret, utf8('between others'), sealed), undefined)
    for (let at = 0; at < sealed.byteLength; at++) {
      const changed = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte))
      assert.equal(unseal(secret, utf8('between us'), changed), undefined, `byte ${at}`)
    }
    assert.equal(unseal(secret, utf8('between us'), sealed.subarray(0, 31)), undefined)
  })
})
