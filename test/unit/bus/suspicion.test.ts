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

test('after a word of another the next look decides: the link is at fault, or the peer was heard too', () => {
  const suspicion = new Suspicion()
  suspicion.vouched()
  assert.deepEqual(beats(suspicion, false, false), ['fine', 'suspected'], 'a word too early counts for nothing')
  suspicion.vouched()
  assert.deepEqual(beats(suspicion, true, false, false, false), ['recovered', 'fine', 'suspected', 'still-suspected'])
  suspicion.vouched()
  assert.deepEqual(beats(suspicion, false, false), ['link-fault', 'link-fault'])
  assert.equal(suspicion.isSuspected, false)
})
