import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jitter, type Random, randomInt, seededRandom, systemRandom } from '../../../src/base/index.ts'

test('the same seed gives the same numbers, another seed others', () => {
  const [a, b, c] = [seededRandom(1), seededRandom(1), seededRandom(2)]
  assert.deepEqual(a.bytes(32), b.bytes(32))
  assert.equal(a.unit(), b.unit())
  assert.notDeepEqual(seededRandom(1).bytes(32), c.bytes(32))
})

for (const [name, random] of [
  ['system', systemRandom()],
  ['seeded', seededRandom(7)],
] as const) {
  test(`${name}: units lie in [0, 1), bytes have the length asked for`, () => {
    for (let round = 0; round < 1000; round++) {
      const unit = random.unit()
      assert.ok(unit >= 0 && unit < 1)
    }
    assert.equal(random.bytes(33).byteLength, 33)
    assert.equal(random.bytes(0).byteLength, 0)
  })
}

test('integers and jitter stay in their range', () => {
  const ends: readonly Random[] = [0, 1 - Number.EPSILON].map((unit) => ({
    unit: () => unit,
    bytes: () => new Uint8Array(),
  }))
  assert.deepEqual(
    ends.map((random) => randomInt(random, 6)),
    [0, 5],
  )
  assert.deepEqual(
    ends.map((random) => Math.round(jitter(random, 100, 0.2))),
    [80, 120],
  )
})
