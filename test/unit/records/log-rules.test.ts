import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  EMPTY_LOG,
  extended,
  type FrameFacts,
  frozenBefore,
  judge,
  type LogState,
  NO_RECORD,
  stretchEnd,
} from '../../../src/records/log-rules.ts'

const id = (of: number): Uint8Array => new Uint8Array(32).fill(of)
const frame = (seq: number, fields: Partial<FrameFacts> = {}): FrameFacts => {
  return { seq, prev: seq === 1 ? NO_RECORD : id(seq - 1), id: id(seq), ahead: false, ...fields }
}
const LOG: LogState = extended(frame(5))
const verdict = (log: LogState, of: FrameFacts) => judge(log, of, id)

describe('the rules of a log', () => {
  it('take the first record, and then each next one', () => {
    assert.equal(verdict(EMPTY_LOG, frame(1)), 'accept')
    assert.equal(verdict(LOG, frame(6)), 'accept')
  })

  it('know what is held', () => {
    for (let seq = 1; seq <= 5; seq++) assert.equal(verdict(LOG, frame(seq)), 'duplicate')
  })

  it('see a fork in another record at a place that is taken', () => {
    for (let seq = 1; seq <= 5; seq++) assert.equal(verdict(LOG, frame(seq, { id: id(99) })), 'fork')
  })

  it('see a gap', () => {
    assert.equal(verdict(EMPTY_LOG, frame(2)), 'gap')
    assert.equal(verdict(LOG, frame(7)), 'gap')
  })

  it('refuse a record whose predecessor is not the head', () => {
    assert.deepEqual(verdict(LOG, frame(6, { prev: id(99) })), { refuse: 'broken-chain' })
  })

  it('set aside what is ahead of the clock, unless it is held', () => {
    assert.equal(verdict(LOG, frame(6, { ahead: true })), 'park')
    assert.equal(verdict(LOG, frame(7, { ahead: true })), 'park')
    assert.equal(verdict(LOG, frame(5, { ahead: true })), 'duplicate')
  })

  it('take nothing after a fork, and see forks before it', () => {
    const frozen = frozenBefore(4, id(3))
    assert.equal(verdict(frozen, frame(3)), 'duplicate')
    assert.equal(verdict(frozen, frame(2, { id: id(99) })), 'fork')
    for (const seq of [4, 5, 9]) assert.deepEqual(verdict(frozen, frame(seq)), { refuse: 'frozen' })
    assert.deepEqual(verdict(frozenBefore(1, NO_RECORD), frame(1)), { refuse: 'frozen' })
  })
})

describe('a stretch', () => {
  const link = (seq: number, key = 'a', fields: Partial<FrameFacts> = {}) => ({ ...frame(seq, fields), key })

  it('ends where the number, the predecessor or the log does not follow', () => {
    assert.equal(stretchEnd([link(1), link(2), link(3)], 0), 2)
    assert.equal(stretchEnd([link(1), link(2), link(3)], 1), 2)
    assert.equal(stretchEnd([link(1), link(2), link(4)], 0), 1)
    assert.equal(stretchEnd([link(1), link(2), link(3, 'b')], 0), 1)
    assert.equal(stretchEnd([link(1), link(2, 'a', { prev: id(9) })], 0), 0)
    assert.equal(stretchEnd([link(7)], 0), 0)
  })
})
