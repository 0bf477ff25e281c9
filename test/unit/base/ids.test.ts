import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  bytesOfHex,
  hexOf,
  isPeerId,
  isRecordId,
  isSpaceId,
  keyOfPeerId,
  type PeerId,
  peerIdOfKey,
  recordIdOf,
  shortPeerId,
  spaceIdOf,
} from '../../../src/base/index.ts'

const refused = { code: 'ERR_INVALID_ARGUMENT' }
const key = bytesOfHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
const peer = peerIdOfKey(key)

suite('peer ids', () => {
  test('are those of libp2p', () => {
    const theirs = peerIdFromString(peer)
    assert.equal(theirs.type, 'Ed25519')
    assert.deepEqual(new Uint8Array(theirs.publicKey?.raw ?? []), key)
    assert.equal(theirs.toString(), peer)
  })

  test('give back their key', () => {
    for (const bytes of [key, new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
      assert.deepEqual(keyOfPeerId(peerIdOfKey(bytes)), bytes)
      assert.equal(isPeerId(peerIdOfKey(bytes)), true)
    }
  })

  const others: readonly (readonly [string, string])[] = [
    ['', 'nothing'],
    ['1', 'one digit'],
    [peer.slice(0, -1), 'an id cut off'],
    [`${peer}1`, 'an id with more behind it'],
    [`1${peer}`, 'an id with a leading zero'],
    [` ${peer.slice(1)}`, 'a blank'],
    [`${peer.slice(0, -1)}0`, 'a digit that base58 does not have'],
    [`${peer.slice(0, -1)}l`, 'another one'],
    [peer.toLowerCase(), 'an id in lower case'],
    [`1${'z'.repeat(51)}`, 'too large a number'],
    ['1'.repeat(52), 'zero'],
    [`12D3KooX${peer.slice(8)}`, 'another prefix'],
    ['QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', 'the id of an RSA key'],
    ['16Uiu2HAmUgwYBNGRKYyCP3eqKVcLYXYcLKHVMbBHsQEQhHSTBB9o', 'the id of a secp256k1 key'],
    ['9'.repeat(1_000_000), 'a very long text'],
  ]
  for (const [text, what] of others) {
    test(`${what} is none`, () => {
      assert.equal(isPeerId(text), false)
      assert.throws(() => keyOfPeerId(text), refused)
    })
  }

  test('need a key of 32 bytes', () => {
    assert.throws(() => peerIdOfKey(new Uint8Array(31)), refused)
    assert.throws(() => peerIdOfKey(new Uint8Array(33)), refused)
  })

  test('are shortened to where they differ', () => {
    assert.equal(shortPeerId(peer), peer.slice(-8))
    assert.notEqual(shortPeerId(peer), shortPeerId(peerIdOfKey(new Uint8Array(32)) as PeerId))
  })
})

suite('ids of spaces and records', () => {
  test('are the bytes in lower-case hexadecimal', () => {
    assert.equal(spaceIdOf(key), hexOf(key))
    assert.equal(recordIdOf(key), hexOf(key))
    assert.equal(isSpaceId(hexOf(key)) && isRecordId(hexOf(key)), true)
  })

  test('nothing else is one', () => {
    for (const text of ['', hexOf(key).slice(1), `${hexOf(key)}0`, hexOf(key).toUpperCase(), `${hexOf(key)}\n`]) {
      assert.equal(isSpaceId(text) || isRecordId(text), false, JSON.stringify(text))
    }
    assert.throws(() => spaceIdOf(new Uint8Array(31)), refused)
    assert.throws(() => recordIdOf(new Uint8Array(0)), refused)
  })
})
