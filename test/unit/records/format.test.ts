import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concatBytes, encodeCbor, seededRandom } from '../../../src/base/index.ts'
import {
  BODY_MAX_BYTES,
  type BodyMap,
  decodeBody,
  decodeFrame,
  decodeFrames,
  decodeHeader,
  encodeBody,
  encodeFrame,
  encodeFrames,
  encodeHeader,
  frameBytes,
  HEADER_MAX_BYTES,
  type Header,
  RecordsError,
  type RecordsErrorCode,
  RUN_MAX_FRAMES,
} from '../../../src/records/index.ts'
import { Author, bodyOf, foundedBy } from './fixture.ts'

const { header: HEADER } = new Author(1, foundedBy(2).space).write()
const GREATEST: Header = {
  ...HEADER,
  log: Uint8Array.of(2, ...new Array(7).fill(255)),
  seq: Number.MAX_SAFE_INTEGER,
  prev: new Uint8Array(32).fill(255),
  hlc: Number.MAX_SAFE_INTEGER,
  kind: 2 ** 32 - 1,
  flags: 7,
  epoch: 2 ** 32 - 1,
  exp: Number.MAX_SAFE_INTEGER,
  bodyLen: BODY_MAX_BYTES,
}

function code(expected: RecordsErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof RecordsError && error.code === expected
}

describe('a header', () => {
  it('survives encoding and decoding', () => {
    for (const header of [HEADER, GREATEST]) assert.deepEqual(decodeHeader(encodeHeader(header)), header)
  })

  it('is never longer than the limit', () => {
    assert.equal(encodeHeader(GREATEST).length, HEADER_MAX_BYTES)
  })

  const second = { seq: 2, prev: new Uint8Array(32).fill(1) }
  const broken: readonly [string, Partial<Record<keyof Header, unknown>>][] = [
    ['another version', { v: 2 }],
    ['the number 0', { seq: 0 }],
    ['a predecessor of the first record', { prev: new Uint8Array(32).fill(1) }],
    ['no predecessor of the second record', { seq: 2 }],
    ['an unknown class', { log: new Uint8Array(8).fill(3) }],
    ['a log name of 7 bytes', { log: new Uint8Array(7).fill(1) }],
    ['a space of 31 bytes', { space: new Uint8Array(31) }],
    ['a kind above 32 bits', { kind: 2 ** 32 }],
    ['an unknown flag', { flags: 8 }],
    ['an epoch without the flag', { epoch: 1 }],
    ['the flag without an epoch', { flags: 1 }],
    ['an expiry without the flag', { exp: 1 }],
    ['the flag without an expiry', { flags: 4 }],
    ['no expiry in an expiring log', { log: new Uint8Array(8).fill(2) }],
    ['flags in a control log', { log: new Uint8Array(8), ...second, flags: 2 }],
    ['a hidden kind without a ciphertext', { kind: 0 }],
    ['a body shorter than its salt', { bodyLen: 15 }],
  ]
  for (const [what, fields] of broken) {
    it(`is refused with ${what}`, () => {
      const bytes = encodeHeader({ ...HEADER, ...fields } as Header)
      assert.throws(() => decodeHeader(bytes), code('ERR_RECORD_MALFORMED'))
    })
  }

  it('is refused with a body longer than the limit', () => {
    const bytes = encodeHeader({ ...HEADER, bodyLen: BODY_MAX_BYTES + 1 })
    assert.throws(() => decodeHeader(bytes), code('ERR_RECORD_TOO_LARGE'))
  })

  it('is refused when it is cut, continued, or too long', () => {
    const bytes = encodeHeader(HEADER)
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decodeHeader(bytes.subarray(0, end)), code('ERR_RECORD_MALFORMED'))
    }
    assert.throws(() => decodeHeader(concatBytes(bytes, Uint8Array.of(0))), code('ERR_RECORD_MALFORMED'))
    const long = concatBytes(bytes, new Uint8Array(HEADER_MAX_BYTES))
    assert.throws(() => decodeHeader(long), code('ERR_RECORD_TOO_LARGE'))
  })

  it('is refused when a number is longer than it need be', () => {
    const bytes = encodeHeader(HEADER)
    const version = concatBytes(bytes.subarray(0, 1), Uint8Array.of(0x18, 1), bytes.subarray(2))
    assert.throws(() => decodeHeader(version), code('ERR_RECORD_NOT_CANONICAL'))
    const space = concatBytes(bytes.subarray(0, 2), Uint8Array.of(0x59, 0, 32), bytes.subarray(4))
    assert.throws(() => decodeHeader(space), code('ERR_RECORD_NOT_CANONICAL'))
  })
})

describe('a body', () => {
  const random = seededRandom(1)

  it('is salted, and readable without its salt', () => {
    const map = { text: 'a thought', confidence: 0.5, tags: ['a', 'b'], nothing: null, bytes: Uint8Array.of(1) }
    const first = encodeBody(map, random)
    assert.deepEqual(decodeBody(first), map)
    assert.notDeepEqual(encodeBody(map, random), first)
  })

  it('may be as long as the limit and no longer', () => {
    const overhead = encodeBody({ b: new Uint8Array(60_000) }, random).length - 60_000
    const fits = encodeBody({ b: new Uint8Array(BODY_MAX_BYTES - overhead) }, random)
    assert.equal(fits.length, BODY_MAX_BYTES)
    const long = { b: new Uint8Array(BODY_MAX_BYTES - overhead + 1) }
    assert.throws(() => encodeBody(long, random), code('ERR_RECORD_TOO_LARGE'))
  })

  it('is refused by the writer when it could not be read back', () => {
    const nested = Array.from({ length: 20 }).reduce((inner) => ({ inner }), {})
    for (const map of [{ a: Number.NaN }, { a: undefined }, { a: 2n ** 64n }, { a: () => 1 }, nested, [1], null]) {
      assert.throws(() => encodeBody(map as unknown as BodyMap, random), code('ERR_DRAFT_INVALID'))
    }
  })

  it('is unreadable unless it is one canonical map', () => {
    const salt = new Uint8Array(16)
    const unsorted = Uint8Array.of(0xa2, 0x61, 0x62, 1, 0x61, 0x61, 2)
    for (const bytes of [unsorted, encodeCbor([1]), encodeCbor('text'), Uint8Array.of(0xff), new Uint8Array(0)]) {
      assert.equal(decodeBody(concatBytes(salt, bytes)), undefined)
    }
  })
})

describe('a frame', () => {
  const author = new Author(3, foundedBy(2).space)
  const [whole, erased] = author.writeMany(2).map(({ frame }) => frame) as [never, never]
  const frames = [whole, { ...(erased as object), body: null } as never]

  it('survives encoding and decoding, alone and in a batch', () => {
    for (const frame of frames) {
      assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)
      assert.equal(encodeFrame(frame).length, frameBytes(frame))
    }
    assert.deepEqual(decodeFrames(encodeFrames(frames)), frames)
    assert.deepEqual(decodeFrames(encodeFrames([])), [])
  })

  it('is refused when it is cut or continued', () => {
    const bytes = encodeFrames(frames)
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decodeFrames(bytes.subarray(0, end)), code('ERR_RECORD_MALFORMED'))
    }
    assert.throws(() => decodeFrames(concatBytes(bytes, Uint8Array.of(0))), code('ERR_RECORD_MALFORMED'))
  })

  it('is refused when a part is too long or a batch too large', () => {
    const body = { ...(whole as object), body: new Uint8Array(BODY_MAX_BYTES + 1) } as never
    assert.throws(() => decodeFrame(encodeFrame(body)), code('ERR_RECORD_TOO_LARGE'))
    const header = { ...(whole as object), header: new Uint8Array(HEADER_MAX_BYTES + 1) } as never
    assert.throws(() => decodeFrame(encodeFrame(header)), code('ERR_RECORD_TOO_LARGE'))
    const many = encodeFrames(new Array(RUN_MAX_FRAMES + 1).fill(frames[1]))
    assert.throws(() => decodeFrames(many), code('ERR_RECORD_TOO_LARGE'))
    const large = encodeFrames(new Array(5).fill({ ...(whole as object), body: new Uint8Array(BODY_MAX_BYTES) }))
    assert.throws(() => decodeFrames(large), code('ERR_RECORD_TOO_LARGE'))
  })

  it('cannot make the reader allocate what its lengths promise', () => {
    const promises = [
      [0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
      [0x81, 0x83, 0x5b, 0, 0, 0, 1, 0, 0, 0, 0],
      [0x81, 0x9a, 255, 255, 255, 255],
    ]
    for (const bytes of promises) assert.throws(() => decodeFrames(Uint8Array.from(bytes)), RecordsError)
  })

  it('has a body that the helper of these tests writes as the product does', () => {
    assert.deepEqual(decodeBody(bodyOf({ a: 1 })), { a: 1 })
  })
})
