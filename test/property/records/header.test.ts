import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { bytesEqual } from '../../../src/base/index.ts'
import { decodeHeader, encodeHeader, type Header, RecordsError } from '../../../src/records/index.ts'

const NAMES = [
  ...['v', 'space', 'device', 'log', 'seq', 'prev', 'hlc'],
  ...['auth', 'kind', 'flags', 'epoch', 'exp', 'bodyHash', 'bodyLen'],
] as const

/** The value of canonical bytes, by another library. */
function canonicalValue(bytes: Uint8Array): unknown {
  try {
    const value: unknown = decode(bytes, { strict: true, allowIndefinite: false, allowUndefined: false, tags: {} })
    return bytesEqual(encode(value, rfc8949EncodeOptions), bytes) ? value : undefined
  } catch {
    return undefined
  }
}

/** What the decoder does, said once more: the header in these bytes, or `undefined`. */
function reference(bytes: Uint8Array): Record<string, unknown> | undefined {
  const value = canonicalValue(bytes)
  if (!Array.isArray(value) || value.length !== 14) return undefined
  const fields = Object.fromEntries(NAMES.map((name, index) => [name, value[index] as unknown]))
  const { v, space, device, log, seq, prev, hlc, auth, kind, flags, epoch, exp, bodyHash, bodyLen } = fields
  const isBytes = (of: unknown, length: number): of is Uint8Array => of instanceof Uint8Array && of.length === length
  const isUint = (of: unknown, max: number = Number.MAX_SAFE_INTEGER): of is number =>
    typeof of === 'number' && Number.isSafeInteger(of) && of >= 0 && of <= max
  const ok =
    v === 1 &&
    isBytes(space, 32) &&
    isBytes(device, 32) &&
    isBytes(log, 8) &&
    isUint(seq) &&
    isBytes(prev, 32) &&
    isUint(hlc) &&
    isBytes(auth, 8) &&
    isUint(kind, 2 ** 32 - 1) &&
    isUint(flags, 7) &&
    isUint(epoch, 2 ** 32 - 1) &&
    isUint(exp) &&
    isBytes(bodyHash, 32) &&
    isUint(bodyLen, 65_536) &&
    seq >= 1 &&
    (seq === 1) === prev.every((byte) => byte === 0) &&
    bodyLen >= 16 &&
    (flags % 2 === 1) === epoch > 0 &&
    flags >= 4 === exp > 0 &&
    (kind > 0 || epoch > 0) &&
    (log[0] === 0 ? flags === 0 : log[0] === 1 || (log[0] === 2 && exp > 0))
  return ok ? fields : undefined
}

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
/** Numbers around every boundary of their encodings. */
const uint: fc.Arbitrary<number> = fc.oneof(
  fc.nat(30),
  fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
)
const header: fc.Arbitrary<Header> = fc
  .record({
    space: bytes(32),
    device: bytes(32),
    log: fc.tuple(fc.nat(2), bytes(7)).map(([first, rest]) => Uint8Array.of(first, ...rest)),
    seq: uint.map((seq) => Math.max(1, seq)),
    prev: bytes(32).map((prev) => Uint8Array.of(1, ...prev.subarray(1))),
    hlc: uint,
    auth: bytes(8),
    kind: uint.map((kind) => 1 + (kind % (2 ** 32 - 1))),
    isEncrypted: fc.boolean(),
    exp: uint,
    bodyHash: bytes(32),
    bodyLen: fc.integer({ min: 16, max: 65_536 }),
  })
  .map(({ isEncrypted, ...fields }) => {
    const logClass = fields.log[0]
    const exp = logClass === 0 ? 0 : logClass === 2 ? Math.max(1, fields.exp) : fields.exp
    const epoch = isEncrypted && logClass !== 0 ? 3 : 0
    const flags = (epoch > 0 ? 1 : 0) + (exp > 0 ? 4 : 0)
    const prev = fields.seq === 1 ? new Uint8Array(32) : fields.prev
    return { v: 1, ...fields, prev, exp, epoch, flags }
  })

/** Any value in the place of any field. */
const spoiled: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    header,
    fc.nat(13),
    fc.oneof(uint, bytes(32), bytes(8), fc.integer(), fc.double(), fc.constantFrom(null, true, 'x', 2n ** 60n)),
  )
  .map(([fields, index, value]) =>
    encode(
      NAMES.map((name, at) => (at === index ? value : fields[name])),
      rfc8949EncodeOptions,
    ),
  )

const mutated: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.oneof(header.map(encodeHeader), spoiled),
    fc.array(fc.tuple(fc.nat(210), fc.nat(255), fc.nat(2)), { maxLength: 3 }),
  )
  .map(([encoded, changes]) => {
    const result = [...encoded]
    for (const [at, value, how] of changes) {
      if (how === 0) result.splice(at, 1)
      else result.splice(at, how === 1 ? 1 : 0, value)
    }
    return Uint8Array.from(result)
  })

function decoded(encoded: Uint8Array): Header | undefined {
  try {
    return decodeHeader(encoded)
  } catch (error) {
    assert.ok(error instanceof RecordsError)
    return undefined
  }
}

describe('the header decoder', () => {
  it('reads what the encoder writes, as the general decoder does', () => {
    fc.assert(
      fc.property(header, (fields) => {
        const encoded = encodeHeader(fields)
        const theirs = encode(
          NAMES.map((name) => fields[name]),
          rfc8949EncodeOptions,
        )
        assert.ok(bytesEqual(encoded, theirs))
        assert.deepEqual(decodeHeader(encoded), fields)
        assert.deepEqual(reference(encoded), fields)
      }),
      { numRuns: 2_000 },
    )
  })

  it('agrees with the general decoder on broken headers', () => {
    fc.assert(
      fc.property(mutated, (encoded) => {
        assert.deepEqual(decoded(encoded), reference(encoded))
      }),
      { numRuns: 20_000 },
    )
  })
})
