import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexOf, type RecordId } from '../../../src/base/index.ts'
import { FLAG_PRUNE_POINT, type LogRule, NO_RULE } from '../../../src/records/index.ts'
import {
  countsUpTo,
  EMPTY_LOG,
  extended,
  type ForkPlace,
  type FrameFacts,
  judge,
  type Limit,
  type LogState,
  limitOf,
  NO_RECORD,
  stretchEnd,
} from '../../../src/records/log-rules.ts'

const id = (of: number): Uint8Array => new Uint8Array(32).fill(of)
const hex = (of: number): RecordId => hexOf(id(of)) as RecordId
const frame = (seq: number, fields: Partial<FrameFacts> = {}): FrameFacts => {
  return { seq, prev: seq === 1 ? NO_RECORD : id(seq - 1), id: id(seq), flags: 0, ahead: false, ...fields }
}
const other = (seq: number, fields: Partial<FrameFacts> = {}): FrameFacts => frame(seq, { id: id(99), ...fields })
const prune = (seq: number): FrameFacts => frame(seq, { flags: FLAG_PRUNE_POINT })
const LOG: LogState = extended(EMPTY_LOG, frame(5))
const PRUNED: LogState = { base: 4, seq: 5, id: id(5) }

const limited = (rule: Partial<LogRule> = {}, ...forks: readonly ForkPlace[]): Limit =>
  limitOf({ ...NO_RULE, ...rule }, forks, id)
/** A true fork: both records follow the same one. */
const forkAt = (seq: number): ForkPlace => ({ seq, prev: seq === 1 ? NO_RECORD : id(seq - 1) })
const choiceAt = (seq: number, chosen: number = seq) => ({ seq, id: hex(chosen) })
const verdict = (log: LogState, of: FrameFacts, limit: Limit = limited()) => judge(log, of, limit, id)
const counted = (log: LogState, limit: Limit) => countsUpTo(log, limit, id)

describe('the rules of a log', () => {
  it('take the first record, and then each next one', () => {
    assert.equal(verdict(EMPTY_LOG, frame(1)), 'accept')
    assert.equal(verdict(LOG, frame(6)), 'accept')
  })

  it('know what is held', () => {
    for (let seq = 1; seq <= 5; seq++) assert.equal(verdict(LOG, frame(seq)), 'duplicate')
  })

  it('see a fork in another record at a place that is taken', () => {
    for (let seq = 1; seq <= 5; seq++) assert.equal(verdict(LOG, other(seq)), 'fork')
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

  it('begin anew at a prune point, whatever is missing before it, unless its time has not come', () => {
    assert.equal(verdict(EMPTY_LOG, prune(9)), 'start')
    assert.equal(verdict(LOG, prune(9)), 'start')
    assert.equal(verdict(LOG, prune(6)), 'accept')
    assert.equal(verdict(LOG, { ...prune(9), ahead: true }), 'park')
  })

  it('hold everything before the base for known, and see forks from there on', () => {
    for (const seq of [1, 3]) assert.equal(verdict(PRUNED, other(seq)), 'duplicate')
    for (const seq of [4, 5]) assert.equal(verdict(PRUNED, other(seq)), 'fork')
    const spent: LogState = { base: 6, seq: 5, id: id(5) }
    assert.equal(verdict(spent, other(5)), 'duplicate')
    assert.equal(verdict(spent, frame(6)), 'accept')
    assert.deepEqual(verdict(spent, frame(6, { prev: id(99) })), { refuse: 'broken-chain' })
  })
})

describe('the limit of a log', () => {
  it('is what its space says', () => {
    const ended = limited({ end: { seq: 4, id: hex(4) } })
    assert.equal(counted(LOG, ended), 4)
    for (const seq of [5, 6, 9])
      assert.deepEqual(verdict(extended(EMPTY_LOG, frame(4)), frame(seq), ended), { refuse: 'not-allowed' })
    assert.equal(verdict(LOG, other(2), ended), 'fork')
    assert.equal(counted(LOG, limited({ end: { seq: 0, id: undefined } })), 0)
    assert.equal(counted(LOG, limited({ end: { seq: 9, id: undefined } })), 5)
  })

  it('lets only the named record be the last', () => {
    const ended = limited({ end: { seq: 5, id: hex(77) } })
    assert.equal(counted(LOG, ended), 4)
    const before = extended(EMPTY_LOG, frame(4))
    assert.deepEqual(verdict(before, frame(5), ended), { refuse: 'not-allowed' })
    assert.equal(verdict(before, frame(5, { id: id(77) }), ended), 'accept')
  })

  it('is before the lowest fork', () => {
    const forked = limited({}, forkAt(3), forkAt(5))
    assert.equal(counted(LOG, forked), 2)
    const before = extended(EMPTY_LOG, frame(2))
    for (const seq of [3, 4, 9]) assert.deepEqual(verdict(before, frame(seq), forked), { refuse: 'frozen' })
    assert.equal(verdict(before, other(2), forked), 'fork')
    assert.deepEqual(verdict(EMPTY_LOG, frame(1), limited({}, forkAt(1))), { refuse: 'frozen' })
    assert.equal(counted(LOG, limited({ end: { seq: 1, id: hex(1) } }, forkAt(3))), 1)
    assert.equal(counted(LOG, limited({ end: { seq: 3, id: hex(3) } }, forkAt(3))), 2)
  })

  it('lets the chosen branch of a fork stand, and no other', () => {
    const chosen = limited({ branches: [choiceAt(3)], end: { seq: 7, id: hex(7) } }, forkAt(3))
    assert.equal(counted(LOG, chosen), 5)
    assert.deepEqual(verdict(LOG, other(3), chosen), { refuse: 'frozen' })
    const rejected = limited({ branches: [choiceAt(3, 77)], end: { seq: 7, id: hex(7) } }, forkAt(3))
    assert.equal(counted(LOG, rejected), 2)
    assert.deepEqual(verdict(extended(EMPTY_LOG, frame(2)), frame(3), rejected), { refuse: 'frozen' })
  })

  it('sees above a choice only forks of the chosen branch', () => {
    const branches = [choiceAt(2)]
    const limit = limited({ branches })
    assert.equal(verdict(LOG, other(4), limit), 'fork')
    assert.deepEqual(verdict(LOG, other(4, { prev: id(88) }), limit), { refuse: 'broken-chain' })
    assert.equal(counted(LOG, limited({ branches }, forkAt(2), forkAt(4))), 3)
    assert.equal(counted(LOG, limited({ branches }, forkAt(2), { seq: 4, prev: id(88) })), 5)
    assert.equal(counted(LOG, limited({ branches }, forkAt(2), { seq: 4, prev: undefined })), 5)
    assert.equal(counted(LOG, limited({ branches: [...branches, choiceAt(4)] }, forkAt(2), forkAt(4))), 5)
  })

  it('leaves nothing of a log that was pruned above it', () => {
    assert.equal(counted(PRUNED, limited({ end: { seq: 3, id: hex(3) } })), 0)
    assert.equal(counted(PRUNED, limited({ end: { seq: 4, id: hex(4) } })), 4)
    assert.equal(counted(PRUNED, limited({}, forkAt(4))), 0)
    assert.equal(counted(PRUNED, limited({ branches: [choiceAt(3)] })), 0)
    assert.equal(counted({ base: 6, seq: 5, id: id(5) }, limited({ end: { seq: 5, id: hex(5) } })), 5)
  })

  it('makes prune points above a choice records like others', () => {
    const limit = limited({ branches: [choiceAt(3)] })
    assert.equal(verdict(EMPTY_LOG, prune(3), limit), 'start')
    assert.equal(verdict(EMPTY_LOG, prune(4), limit), 'gap')
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
