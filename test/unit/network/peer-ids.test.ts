import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { isPeerId, keyOfPeerId, peerIdOfKey, seededRandom } from '../../../src/base/index.ts'

test('our peer ids are those of libp2p, for any Ed25519 key', async () => {
  const random = seededRandom(42)
  const seeds = [
    new Uint8Array(32),
    new Uint8Array(32).fill(255),
    ...Array.from({ length: 50 }, () => random.bytes(32)),
  ]
  for (const seed of seeds) {
    const key = await generateKeyPairFromSeed('Ed25519', seed)
    const theirs = peerIdFromPrivateKey(key).toString()
    assert.equal(peerIdOfKey(key.publicKey.raw), theirs)
    assert.ok(isPeerId(theirs))
    assert.deepEqual([...keyOfPeerId(theirs)], [...key.publicKey.raw])
    assert.equal(peerIdFromString(peerIdOfKey(key.publicKey.raw)).toString(), theirs)
  }
})
