import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, runSeed } from './scenario.ts'

/** A small budget of what `npm run sim` does without end. */
const SEEDS = 16
const HOURS = 0.1

function sentence({ seed, violation, trace }: Outcome): string {
  return `${violation?.message}\nnpm run sim -- --seed ${seed} repeats this; it ended with\n${trace.slice(-20).join('\n')}`
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`whole peers keep their promises whatever goes wrong (seed ${seed})`, async () => {
    const outcome = await runSeed(seed, { hours: HOURS, keepTrace: false })
    assert.equal(outcome.violation, undefined, sentence(outcome))
  })
}

test('the same seed gives the same run, another seed another', async () => {
  const [first, again, other] = [await hashOf(3), await hashOf(3), await hashOf(4)]
  assert.equal(again, first)
  assert.notEqual(other, first)
})

async function hashOf(seed: number): Promise<string> {
  return (await runSeed(seed, { hours: 0.02, keepTrace: false })).hash
}
