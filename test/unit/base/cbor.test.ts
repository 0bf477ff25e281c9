import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  bytesOfHex,
  CBOR_MAX_DEPTH,
  type CborValue,
  decodeCanonicalCbor,
  decodeCbor,
  encodeCbor,
  hexOf,
  isList,
  isMap,
  tryDecodeCbor,
} from '../../../src/base/index.ts'

const refused = { code: 'ERR_ENCODING' }

suite('CBOR encoding', () => {
  /** From RFC 8949 appendix A, as far as our part of it goes. */
  const examples: readonly (readonly [CborValue, string])[] = [
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [255, '18ff'],
    [256, '190100'],
    [65_536, '1a00010000'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    [-1, '20'],
    [-1000, '3903e7'],
    [Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'],
    [1.5, 'f93e00'],
    [100_000.5, 'fa47c35040'],
    [3.4028234663852886e38, 'fa7f7fffff'],
    [1.1, 'fb3ff199999999999a'],
    [2 ** -24, 'f90001'],
    [false, 'f4'],
    [true, 'f5'],
    [null, 'f6'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['', '60'],
    ['IETF', '6449455446'],
    ['\u00fc', '62c3bc'],
    ['\ud800\udd51', '64f0908591'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [{ b: [2, 3], a: 1 }, 'a26161016162820203'],
    [{ aa: 1, b: 2, '': 0, '\u00e9': 3 }, 'a460006162026261610162c3a903'],
  ]
  for (const [value, hex] of examples) {
    test(`${JSON.stringify(value)} is ${hex}`, () => {
      assert.equal(hexOf(encodeCbor(value)), hex)
      assert.deepEqual(decodeCanonicalCbor(bytesOfHex(hex)), value)
    })
  }

  test('-0 becomes 0, a lone surrogate the replacement character', () => {
    assert.equal(hexOf(encodeCbor(-0)), '00')
    assert.equal(hexOf(encodeCbor('\ud800')), '63efbfbd')
  })

  test('a byte order mark is a character like others', () => {
    assert.equal(decodeCanonicalCbor(encodeCbor('\ufeffx')), '\ufeffx')
  })

  test('refuses what has no encoding or could not be read again', () => {
    const cycle: CborValue[] = []
    cycle.push(cycle)
    const impossible: readonly unknown[] = [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      Symbol('x'),
      () => 1,
      new Date(),
      new Map(),
      new Uint16Array(2),
      { a: undefined },
      [undefined],
      JSON.parse('{"__proto__": 1}'),
      { '\ud800': 1 },
      cycle,
    ]
    for (const value of impossible) assert.throws(() => encodeCbor(value as CborValue), refused)
    assert.equal(hexOf(encodeCbor([1])), '8101', 'an error before it does no harm')
  })

  test('values larger than the scratch buffer', () => {
    const long = 'é'.repeat(40_000)
    const value = [new Uint8Array(100_000).fill(7), long, Array.from({ length: 70_000 }, (_, index) => index)]
    assert.deepEqual(decodeCanonicalCbor(encodeCbor(value)), value)
  })

  test('the result does not change when more is encoded', () => {
    const first = encodeCbor('first')
    encodeCbor('other')
    assert.equal(decodeCbor(first), 'first')
  })
})

suite('CBOR decoding', () => {
  const valid: readonly (readonly [string, CborValue])[] = [
    ['1800', 0],
    ['1b0000000000000001', 1],
    ['3800', -1],
    ['f93c00', 1],
    ['fa3fc00000', 1.5],
    ['fb3ff0000000000000', 1],
    ['5800', new Uint8Array(0)],
    ['a2616201616102', { b: 1, a: 2 }],
    ['a262616101616202', { aa: 1, b: 2 }],
  ]
  for (const [hex, value] of valid) {
    test(`${hex} is valid but not canonical`, () => {
      assert.deepEqual(decodeCbor(bytesOfHex(hex)), value)
      assert.throws(() => decodeCanonicalCbor(bytesOfHex(hex)), refused)
    })
  }

  const malformed: readonly (readonly [string, string])[] = [
    ['', 'nothing'],
    ['0000', 'two items'],
    ['18', 'a head cut off'],
    ['1b00', 'a long head cut off'],
    ['41', 'a byte string cut off'],
    ['5b7fffffffffffffff', 'a byte string of 2^63 bytes'],
    ['5bffffffffffffffff', 'a byte string of 2^64 bytes'],
    ['7a7fffffff', 'a text of 2 GiB'],
    ['9bffffffffffffffff', 'an array of 2^64 items'],
    ['9a7fffffff00', 'an array of 2^31 items'],
    ['ba7fffffff6000', 'a map of 2^31 pairs'],
    ['1b0020000000000000', '2^53'],
    ['3b001fffffffffffff', '-2^53'],
    ['61ff', 'text that is not UTF-8'],
    ['62c328', 'more text that is not UTF-8'],
    ['63eda080', 'a surrogate in UTF-8'],
    [`7820${'ff'.repeat(32)}`, 'long text that is not UTF-8'],
    ['1c', 'a reserved head'],
    ['5f4101ff', 'indefinite bytes'],
    ['7f6161ff', 'indefinite text'],
    ['9f01ff', 'an indefinite array'],
    ['bf616101ff', 'an indefinite map'],
    ['ff', 'a break'],
    ['81ff', 'a break in an array'],
    ['c001', 'a tag'],
    ['f7', 'undefined'],
    ['f0', 'a simple value'],
    ['f820', 'a long simple value'],
    ['f97e00', 'NaN'],
    ['f97c00', 'infinity'],
    ['a10000', 'a number as key'],
    ['a1', 'a map cut off'],
    ['a16161', 'a key without value'],
    ['a2616101616102', 'a key twice'],
    ['a16a636f6e73747275', 'a key cut off'],
    ['a1695f5f70726f746f5f5f01', 'the key __proto__'],
    ['a1695f5f70726f746f5f5fa0', 'a prototype'],
  ]
  for (const [hex, what] of malformed) {
    test(`refuses ${what}`, () => {
      assert.throws(() => decodeCbor(bytesOfHex(hex)), refused)
      assert.throws(() => decodeCanonicalCbor(bytesOfHex(hex)), refused)
    })
  }

  test('keys with a meaning in JavaScript are plain keys', () => {
    const value = decodeCbor(encodeCbor({ constructor: 1, toString: 2, hasOwnProperty: 3 }))
    assert.deepEqual(Object.keys(value as object).sort(), ['constructor', 'hasOwnProperty', 'toString'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })

  test('nests as deep as the bound and no deeper, whatever the length', () => {
    const nested = (depth: number): Uint8Array => Uint8Array.from([...new Array<number>(depth).fill(0x81), 0])
    assert.doesNotThrow(() => decodeCbor(nested(CBOR_MAX_DEPTH)))
    assert.throws(() => decodeCbor(nested(CBOR_MAX_DEPTH + 1)), refused)
    assert.throws(() => decodeCbor(nested(1_000_000)), refused)
    let value: CborValue = 0
    for (let depth = 0; depth < CBOR_MAX_DEPTH; depth++) value = [value]
    assert.deepEqual(decodeCbor(encodeCbor(value)), value)
    assert.throws(() => encodeCbor([value]), refused)
  })

  test('takes a view into a larger buffer and shares no memory with it', () => {
    const buffer = Buffer.from('00004401020304ff', 'hex')
    const decoded = decodeCbor(buffer.subarray(2, 7))
    assert.deepEqual(decoded, Uint8Array.of(1, 2, 3, 4))
    buffer.fill(9)
    assert.deepEqual(decoded, Uint8Array.of(1, 2, 3, 4))
    assert.equal(Buffer.isBuffer(decoded), false)
  })
})

suite('a decoded value', () => {
  test('is a list, a map, or neither', () => {
    assert.deepEqual([[], [1]].map(isList), [true, true])
    assert.deepEqual([{}, { a: 1 }].map(isMap), [true, true])
    for (const other of [null, undefined, 1, 'text', Uint8Array.of(1)]) {
      assert.deepEqual([isList(other), isMap(other)], [false, false])
    }
    assert.deepEqual([isList({}), isMap([])], [false, false])
  })

  test('is missing where the bytes are malformed and nobody need know why', () => {
    assert.deepEqual(tryDecodeCbor(encodeCbor({ a: [null] })), { a: [null] })
    assert.equal(tryDecodeCbor(encodeCbor(null)), null)
    assert.equal(tryDecodeCbor(Uint8Array.of(0x81)), undefined)
  })
})
