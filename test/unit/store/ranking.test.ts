import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bm25Weight, inverseDocumentFrequency, RRF_K } from '../../../src/store/index.ts'
import { addReciprocalRanks } from '../../../src/store/ranking.ts'

suite('BM25', () => {
  test('weights grow with the frequency, towards a bound, and fall with the length', () => {
    const weights = [1, 2, 10, 1000].map((frequency) => bm25Weight(frequency, 10, 10))
    assert.deepEqual(
      weights,
      weights.toSorted((a, b) => a - b),
    )
    assert.ok(weights.every((weight) => weight < 2.2))
    assert.equal(weights[0], 1)
    assert.ok(bm25Weight(1, 20, 10) < 1 && bm25Weight(1, 5, 10) > 1)
  })

  test('rare terms count more, and none less than nothing', () => {
    assert.ok(inverseDocumentFrequency(100, 1) > inverseDocumentFrequency(100, 50))
    assert.ok(inverseDocumentFrequency(100, 100) > 0)
    assert.ok(inverseDocumentFrequency(0, 0) > 0)
    assert.ok(inverseDocumentFrequency(3, 5) > 0, 'counts of a moment apart may disagree')
  })
})

test('reciprocal ranks: equals share a rank, and the next one comes after all of them', () => {
  const fused = new Map([['d', 1]])
  addReciprocalRanks(
    fused,
    new Map([
      ['c', 0.5],
      ['a', 2],
      ['b', 2],
      ['d', 0.1],
    ]),
  )
  assert.deepEqual(Object.fromEntries(fused), {
    a: 1 / (RRF_K + 1),
    b: 1 / (RRF_K + 1),
    c: 1 / (RRF_K + 3),
    d: 1 + 1 / (RRF_K + 4),
  })
})
