import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import {
  BaseError,
  bytesEqual,
  type CborValue,
  decodeCanonicalCbor,
  decodeCbor,
  encodeCbor,
} from '../../../src/base/index.ts'

const key = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => text !== '__proto__')
const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 70_000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30, noNullPrototype: true }),
  ),
}))

test('what was encoded decodes to the same value, and to the same bytes again', () => {
  fc.assert(
    fc.property(value, (original) => {
      const bytes = encodeCbor(original)
      const decoded = decodeCanonicalCbor(bytes)
      assert.deepEqual(decoded, original)
      assert.deepEqual(decodeCbor(bytes), original)
      assert.deepEqual(encodeCbor(decoded), bytes)
    }),
    { numRuns: 1000 },
  )
})

test('another encoder of RFC 8949 writes the same bytes and reads ours', () => {
  fc.assert(
    fc.property(value, (original) => {
      const bytes = encodeCbor(original)
      assert.deepEqual(new Uint8Array(encode(original, rfc8949EncodeOptions)), bytes)
    }),
    { numRuns: 1000 },
  )
})

/** The answer of a decoder, or undefined if it refused; any error but ours is a fault. */
function attempt(read: (bytes: Uint8Array) => CborValue, bytes: Uint8Array): CborValue | undefined {
  try {
    return read(bytes)
  } catch (error) {
    assert.ok(error instanceof BaseError && error.code === 'ERR_ENCODING', String(error))
    return undefined
  }
}

test('any bytes either decode or are refused with ERR_ENCODING; what is canonical is its own encoding', () => {
  const heads = fc.constantFrom(
    0x00,
    0x18,
    0x1b,
    0x3b,
    0x41,
    0x61,
    0x7f,
    0x81,
    0x9b,
    0x9f,
    0xa1,
    0xbb,
    0xc0,
    0xf4,
    0xf7,
    0xf9,
    0xfb,
  )
  const bytes = fc
    .array(fc.oneof(heads, fc.integer({ min: 0, max: 255 })), { maxLength: 40 })
    .map((list) => Uint8Array.from(list))
  fc.assert(
    fc.property(bytes, (input) => {
      const loose = attempt(decodeCbor, input)
      const strict = attempt(decodeCanonicalCbor, input)
      if (strict !== undefined) {
        assert.deepEqual(encodeCbor(strict), input)
        assert.deepEqual(strict, loose)
      } else if (loose !== undefined) {
        assert.notDeepEqual(encodeCbor(loose), input)
      }
    }),
    { numRuns: 5000 },
  )
})

test('a changed, shortened or lengthened encoding never passes for the same value', () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, place, change) => {
      const bytes = encodeCbor(original)
      const changed = bytes.slice()
      changed[place % bytes.length] = (changed[place % bytes.length] ?? 0) ^ change
      for (const variant of [changed, bytes.subarray(0, -1), Uint8Array.of(...bytes, change)]) {
        const decoded = attempt(decodeCanonicalCbor, variant)
        if (decoded !== undefined) assert.ok(!bytesEqual(encodeCbor(decoded), bytes))
      }
    }),
    { numRuns: 1000 },
  )
})

test('another decoder agrees about what the canonical bytes say', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (input) => {
      const ours = attempt(decodeCanonicalCbor, input)
      if (ours === undefined || JSON.stringify(ours)?.includes('\ufeff')) return // cborg swallows byte order marks
      assert.deepEqual(decode(input, { strict: true, rejectDuplicateMapKeys: true }), ours)
    }),
    { numRuns: 5000 },
  )
})
