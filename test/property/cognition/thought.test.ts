import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CborValue, decodeCanonicalCbor, encodeCbor, type RecordId } from '../../../src/base/index.ts'
import { decodeThought, encodeThought, LINK_RELATIONS, THOUGHT_KINDS } from '../../../src/cognition/thought.ts'

const thousandths = fc.integer({ min: 0, max: 1_000 }).map((n) => n / 1_000)
const hexId = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex') as RecordId)

const plain = { noNullPrototype: true } as const

const by = fc.record(
  {
    kind: fc.constantFrom('person' as const, 'agent' as const),
    client: fc.string({ maxLength: 40 }),
    model: fc.option(fc.string({ minLength: 1, maxLength: 40 }), { nil: undefined }),
  },
  plain,
)

const thought = fc.record(
  {
    kind: fc.constantFrom(...THOUGHT_KINDS),
    text: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
    confidence: thousandths,
    importance: thousandths,
    topic: fc.option(fc.string({ minLength: 1, maxLength: 40 }), { nil: undefined }),
    about: fc.array(fc.string({ maxLength: 40 }), { maxLength: 16 }),
    links: fc.array(fc.record({ rel: fc.constantFrom(...LINK_RELATIONS), to: hexId }, plain), { maxLength: 8 }),
    by,
  },
  plain,
)

test('a thought survives its encoding', () => {
  fc.assert(
    fc.property(thought, (original) => {
      const body = decodeCanonicalCbor(encodeCbor(encodeThought(original))) as { readonly [key: string]: CborValue }
      assert.deepEqual(decodeThought(body), original)
    }),
  )
})

test('any other body is no thought, and never an exception', () => {
  const junk: fc.Arbitrary<CborValue> = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.integer(), { maxLength: 40 }),
  )
  const body = fc.dictionary(fc.constantFrom('k', 't', 'c', 'i', 'o', 'a', 'l', 'b', 'x'), junk)
  fc.assert(
    fc.property(body, (fields) => {
      const decoded = decodeThought(fields)
      assert.ok(decoded === undefined || decoded.text.length <= 16_384)
    }),
  )
})
