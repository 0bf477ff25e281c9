import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type RecordId, type SpaceId, seededRandom } from '../../../src/base/index.ts'
import { identityFromSeeds } from '../../../src/identity/index.ts'
import { ResearchError, SOURCES } from '../../../src/research/index.ts'
import { readFields } from '../../../src/research/paper-fields.ts'
import {
  decodeAnswer,
  decodeQuery,
  encodeAnswer,
  encodeQuery,
  QUERY_HITS_MAX,
  QUERY_SPACES_MAX,
  type WireAnswer,
} from '../../../src/research/wire.ts'

const random = seededRandom(1)
const seeds = { device: random.bytes(32), principal: random.bytes(32), sealing: random.bytes(32) }
const PEER = identityFromSeeds(seeds, { name: 'a' }).device.peer

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'))
const query = fc.record(
  {
    spaces: fc.array(
      hex(32).map((id) => id as SpaceId),
      { minLength: 1, maxLength: QUERY_SPACES_MAX },
    ),
    text: fc.string({ unit: 'grapheme', maxLength: 200 }),
    limit: fc.integer({ min: 1, max: QUERY_HITS_MAX }),
  },
  { noNullPrototype: true },
)
const answer: fc.Arbitrary<WireAnswer> = fc
  .tuple(
    hex(32).map((id) => id as SpaceId),
    hex(16),
    fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 10 }).filter((term) => term !== '__proto__'),
      { maxLength: 5 },
    ),
  )
  .chain(([space, fingerprint, terms]) =>
    fc.record(
      {
        space: fc.constant(space),
        fingerprint: fc.constant(fingerprint),
        documents: fc.nat(1_000_000),
        frequencies: fc
          .array(fc.nat(1_000), { minLength: terms.length, maxLength: terms.length })
          .map((counts) => Object.fromEntries(terms.map((term, n) => [term, counts[n] ?? 0]))),
        hits: fc.array(
          fc.record(
            {
              paper: fc.constantFrom('doi:10.1000/x', 'arxiv:1706.03762', `title:${'0a'.repeat(16)}`),
              record: hex(32).map((id) => id as RecordId),
              author: fc.constant(PEER),
              hlc: fc.nat(),
              source: fc.constantFrom(...SOURCES),
              fields: fc
                .record(
                  { title: fc.string({ minLength: 1, maxLength: 50 }), DOI: fc.constant('10.1000/x') },
                  { requiredKeys: [] },
                )
                .map(readFields),
              weights: fc.subarray(terms).map((some) => Object.fromEntries(some.map((term, n) => [term, n / 8]))),
            },
            { noNullPrototype: true },
          ),
          { maxLength: 5 },
        ),
      },
      { noNullPrototype: true },
    ),
  )

const refuses = (decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void => {
  try {
    decode(bytes)
  } catch (error) {
    assert.ok(error instanceof ResearchError && error.code === 'ERR_RESEARCH_WIRE', String(error))
  }
}

describe('messages of research.query', () => {
  it('come through as they went in', () => {
    fc.assert(fc.property(query, (value) => assert.deepEqual(decodeQuery(encodeQuery(value)), value)))
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 3 }), (value) =>
        assert.deepEqual(decodeAnswer(encodeAnswer(value)), value),
      ),
    )
  })

  it('are refused with one error when they are anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        refuses(decodeQuery, bytes)
        refuses(decodeAnswer, bytes)
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 1, maxLength: 2 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (value, place, change) => {
          const bytes = encodeAnswer(value)
          const at = place % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ change
          refuses(decodeAnswer, bytes)
          refuses(decodeAnswer, bytes.slice(0, at))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('have bounds', () => {
    const space = 'aa'.repeat(32) as SpaceId
    const many = (count: number): Uint8Array => encodeQuery({ spaces: Array(count).fill(space), text: 'x', limit: 1 })
    assert.throws(() => decodeQuery(many(QUERY_SPACES_MAX + 1)), ResearchError)
    assert.throws(() => decodeQuery(many(0)), ResearchError)
    assert.throws(() => decodeQuery(encodeQuery({ spaces: [space], text: 'x'.repeat(1_001), limit: 1 })), ResearchError)
    assert.throws(
      () => decodeQuery(encodeQuery({ spaces: [space], text: 'x', limit: QUERY_HITS_MAX + 1 })),
      ResearchError,
    )
  })

  it('leave out hits that do not fit', () => {
    const abstract = 'ü'.repeat(20_000)
    const hit = {
      paper: 'doi:10.1000/x',
      record: 'bb'.repeat(32) as RecordId,
      author: PEER,
      hlc: 1,
      source: 'import' as const,
      weights: {},
    }
    const big = {
      title: 'ü'.repeat(2_000),
      'container-title': 'ü'.repeat(1_000),
      URL: `https://a.b/${'ü'.repeat(1_900)}`,
      abstract,
    }
    const bytes = encodeAnswer([
      {
        space: 'aa'.repeat(32) as SpaceId,
        fingerprint: '00'.repeat(16),
        documents: 1,
        frequencies: {},
        hits: Array(QUERY_HITS_MAX).fill({ ...hit, fields: big }),
      },
    ])
    assert.ok(bytes.byteLength < 512 * 1_024)
    assert.equal(decodeAnswer(bytes)[0]?.hits.length, QUERY_HITS_MAX / 8)
    assert.equal(decodeAnswer(bytes)[0]?.hits[0]?.fields.abstract?.length, 500)
  })
})
