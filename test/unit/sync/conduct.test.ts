import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, VirtualClock } from '../../../src/base/index.ts'
import { ConductBook, CUT_OFF_MIN_MS, FAULT_WINDOW_MS, FAULTS_MAX, isBad } from '../../../src/sync/conduct.ts'

const peer = 'peer' as PeerId
const report = { stored: 0, duplicates: 0, parked: 0, gaps: [] }

test('a peer is cut off after so many faults, each time for longer', () => {
  const clock = new VirtualClock()
  const book = new ConductBook(clock)
  for (let time = 0; time < 3; time++) {
    for (let fault = 1; fault < FAULTS_MAX; fault++) assert.equal(book.blame(peer, 'short'), false)
    assert.equal(book.isCutOff(peer), false)
    assert.equal(book.blame(peer, 'unasked'), true)
    clock.advance(CUT_OFF_MIN_MS * 2 ** time - 1)
    assert.equal(book.isCutOff(peer), true)
    assert.equal(book.cutOff, 1)
    clock.advance(1)
    assert.equal(book.isCutOff(peer), false)
  }
  assert.deepEqual(book.counts, { short: 6, unasked: 3 })
})

test('faults long ago are forgiven, and those of others do not count', () => {
  const clock = new VirtualClock()
  const book = new ConductBook(clock)
  for (let fault = 0; fault < 10; fault++) {
    assert.equal(book.blame(peer, 'silent'), false)
    assert.equal(book.blame(`other ${fault}` as PeerId, 'silent'), false)
    clock.advance(FAULT_WINDOW_MS / 2)
  }
})

test('only what no honest peer sends is bad', () => {
  assert.equal(isBad({ ...report, refused: {} }), false)
  assert.equal(isBad({ ...report, refused: { 'not-allowed': 3, fork: 1, frozen: 1, 'broken-chain': 1 } }), false)
  assert.equal(isBad({ ...report, refused: { 'bad-signature': 1 } }), true)
})
