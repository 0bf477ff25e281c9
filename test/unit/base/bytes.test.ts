import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesEqual, bytesOfHex, concatBytes, hexOf, isHex, sha256, utf8 } from '../../../src/base/index.ts'

test('hexadecimal text of a view is that of the view only', () => {
  const buffer = Uint8Array.of(1, 2, 0xab, 0xcd, 5)
  assert.equal(hexOf(buffer.subarray(2, 4)), 'abcd')
  assert.deepEqual(bytesOfHex('abcd'), Uint8Array.of(0xab, 0xcd))
})

test('text that is not hexadecimal yields fewer bytes', () => {
  assert.equal(bytesOfHex('abc').byteLength, 1)
  assert.equal(bytesOfHex('zz').byteLength, 0)
  assert.equal(bytesOfHex('abzz12').byteLength, 1)
})

test('hexadecimal is lower-case and of the length asked for', () => {
  assert.equal(isHex('00ff', 2), true)
  for (const other of ['00f', '00ff00', '00FF', '00fg', '00ff\n', '']) assert.equal(isHex(other, 2), false)
})

test('SHA-256 (FIPS 180-4 examples) of the parts together', () => {
  assert.equal(hexOf(sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  assert.equal(hexOf(sha256(utf8('a'), utf8(''), utf8('bc'))), hexOf(sha256(utf8('abc'))))
  assert.equal(hexOf(sha256()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('bytes are equal when length and content are', () => {
  assert.equal(bytesEqual(Uint8Array.of(1, 2), Buffer.from([1, 2])), true)
  assert.equal(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)), false)
  assert.equal(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false)
})

test('joining copies', () => {
  const part = Uint8Array.of(1)
  const joined = concatBytes(part, Uint8Array.of(2))
  part[0] = 9
  assert.deepEqual(joined, Uint8Array.of(1, 2))
})
