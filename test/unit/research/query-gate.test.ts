import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, peerIdOfKey, VirtualClock } from '../../../src/base/index.ts'
import { QUERIES_PER_PEER, QueryGate } from '../../../src/research/query-gate.ts'

const peer = (n: number): PeerId => peerIdOfKey(new Uint8Array(32).fill(n))
const { signal } = new AbortController()

/** Lets everything happen that needs no time to pass. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one query at a time, and a rest after each for as long as it took', async () => {
  const clock = new VirtualClock()
  const gate = new QueryGate({ clock })
  const begun: number[] = []
  const ask = (n: number): Promise<number> =>
    gate.pass(peer(n), signal, () => {
      begun.push(n)
      clock.advance(30)
      return n
    })
  const answers = [1, 2, 3].map(ask)
  await settle()
  assert.deepEqual(begun, [1])
  clock.advance(29)
  await settle()
  assert.deepEqual(begun, [1])
  clock.advance(1)
  await settle()
  assert.deepEqual(begun, [1, 2])
  clock.advance(30)
  assert.deepEqual(await Promise.all(answers), [1, 2, 3])
})

test('a peer that asks too much at once is refused, others are not', async () => {
  const clock = new VirtualClock()
  const gate = new QueryGate({ clock })
  const slow = (): void => clock.advance(1)
  const first = Array.from({ length: QUERIES_PER_PEER }, () => gate.pass(peer(1), signal, slow))
  await assert.rejects(gate.pass(peer(1), signal, slow), { code: 'ERR_OVERLOADED' })
  const other = gate.pass(peer(2), signal, slow)
  for (let turn = 0; turn <= QUERIES_PER_PEER; turn++) {
    await settle()
    clock.advance(1)
  }
  await Promise.all([...first, other])
  await gate.pass(peer(1), signal, () => undefined)
})

test('a query that nobody waits for any more is not worked on, and one that fails keeps nobody up', async () => {
  const clock = new VirtualClock()
  const gate = new QueryGate({ clock })
  const abort = new AbortController()
  const first = gate.pass(peer(1), signal, () => {
    clock.advance(5)
    throw new Error('bad query')
  })
  let worked = false
  const second = gate.pass(peer(1), abort.signal, () => {
    worked = true
  })
  const third = gate.pass(peer(1), signal, () => 'answer')
  await assert.rejects(first, /bad query/)
  abort.abort(new Error('cancelled'))
  clock.advance(5)
  await assert.rejects(second, /cancelled/)
  assert.equal(await third, 'answer')
  assert.equal(worked, false)
})
