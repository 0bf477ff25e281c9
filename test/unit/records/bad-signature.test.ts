import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_CLASS } from '../../../src/records/index.ts'
import { Author } from './fixture.ts'
import { ruled } from './rule-authority.ts'

test('no control record is taken on the word of a later one: all members see one and the same log', () => {
  const [first, second] = [ruled(), ruled()]
  const author = new Author(5, first.space, LOG_CLASS.control)
  const other = author.twin().write({ kind: 2 })
  const [unsigned, signed] = [author.write({ kind: 2 }), author.write({ kind: 2 })]
  const bad = { ...unsigned, frame: { ...unsigned.frame, signature: new Uint8Array(64) } }
  // Of a log of data, the signature of the last of a stretch speaks for all of it.
  first.ingest([bad, signed], 'run')
  first.ingest([other], 'run')
  second.ingest([other], 'run')
  second.ingest([bad, signed], 'run')
  for (const { headOf } of [first, second]) assert.equal(headOf(other)?.id, other.id)
  // With its signature it proves a fork to everybody.
  for (const { ingest, journal, space, headOf } of [first, second]) {
    ingest([unsigned, signed], 'run')
    assert.equal(journal.forks(space).length, 1)
    assert.equal(headOf(other), undefined)
  }
})
