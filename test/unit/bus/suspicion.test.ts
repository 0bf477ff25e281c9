import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Suspicion } from '../../../src/bus/presence/suspicion.ts'

const beats = (suspicion: Suspicion, ...heard: readonly boolean[]): string[] => heard.map((one) => suspicion.beat(one))

test('a peer is suspected after two silent beats and gone three rounds later', () => {
  const verdicts = beats(new Suspicion(), true, false, false, false, false, false, false)
  const expected = ['fine', 'fine', 'suspected', 'still-suspected', 'still-suspected', 'gone', 'gone']
  assert.deepEqual(verdicts, expected)
})

test('a sign of life ends a suspicion and starts anew', () => {
  const suspicion = new Suspicion()
  assert.deepEqual(beats(suspicion, false, false, true, false, false), [
    'fine',
    'suspected',
    'recovered',
    'fine',
    'suspected',
  ])
  assert.equal(suspicion.heard(), true)
  assert.equal(suspicion.heard(), false)
  assert.deepEqual(beats(suspicion, false, false), ['fine', 'suspected'])
})

test('a word of another counts once, and only while there is a suspicion', () => {
  const suspicion = new Suspicion()
  assert.equal(suspicion.vouched(), false)
  beats(suspicion, false, false)
  assert.equal(suspicion.vouched(), true)
  assert.equal(suspicion.vouched(), false)
  assert.equal(suspicion.isSuspected, false)
})
