import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type PeerId, seededRandom } from '../../../src/base/index.ts'
import { GroupTree } from '../../../src/bus/dissemination/group-tree.ts'
import { Inflow } from '../../../src/bus/dissemination/inflow.ts'
import { SequenceWindow } from '../../../src/bus/dissemination/sequence-window.ts'
import {
  parseAnnounce,
  parseMark,
  parsePrune,
  parseSpread,
  parseWants,
} from '../../../src/bus/dissemination/tree-frames.ts'
import { parseAuthoredEnvelope } from '../../../src/bus/envelope.ts'
import { MISSING_MAX, SEQUENCE_WINDOW } from '../../../src/bus/limits.ts'

const peers = ['a', 'b', 'c'] as PeerId[]

test('a window knows what came, as far back as it reaches', () => {
  const numbers = fc.array(fc.integer({ min: 1, max: 3 * SEQUENCE_WINDOW }), { maxLength: 200 })
  fc.assert(
    fc.property(numbers, (list) => {
      const window = new SequenceWindow()
      const come = new Set<number>()
      for (const number of list) {
        const isOld = number <= window.highest - SEQUENCE_WINDOW
        assert.equal(window.has(number), isOld || come.has(number))
        window.add(number)
        come.add(number)
        assert.equal(window.highest, Math.max(...come))
      }
    }),
  )
})

const arrivals = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ is: fc.constant('take' as const), step: fc.integer({ min: -20, max: 40 }) }) },
    fc.record({ is: fc.constant('take' as const), step: fc.integer({ min: 0, max: 3 * MISSING_MAX }) }),
    fc.record({ is: fc.constant('hear' as const), peer: fc.constantFrom(...peers), head: fc.nat(2 ** 40) }),
    fc.record({ is: fc.constant('giveUp' as const), after: fc.nat(300) }),
  ),
  { maxLength: 100 },
)

test('whatever is claimed, every number below the highest that came has come, is waited for, or is counted as missed', () => {
  fc.assert(
    fc.property(arrivals, (events) => {
      const inflow = new Inflow()
      const come = new Set<number>()
      let missed = 0
      let now = 0
      for (const event of events) {
        now += 10
        if (event.is === 'hear') inflow.hear(event.peer, event.head + 1, now)
        else if (event.is === 'giveUp') missed += inflow.giveUp(now - event.after)
        else {
          const number = Math.max(1, inflow.highest + event.step)
          if (inflow.has(number)) continue
          missed += inflow.take(number, now)
          come.add(number)
        }
        for (const peer of peers) {
          for (const [from, to] of inflow.wanted(peer, now, 32))
            assert.ok(from >= 1 && from <= to && to - from < MISSING_MAX)
        }
      }
      missed += inflow.giveUp(Number.POSITIVE_INFINITY)
      assert.ok(inflow.isSettled)
      assert.ok(missed + come.size >= inflow.highest)
      const known = events.some((event) => event.is === 'hear')
      // Without hearsay the count is exact, but for what came after it was given up.
      if (!known) assert.ok(missed <= inflow.highest)
    }),
  )
})

test('a tree pushes to nobody who brought the message or said that it has it, and never to more than its neighbours', () => {
  const steps = fc.array(
    fc.record({
      do: fc.constantFrom('accept', 'heard', 'grafted', 'pruned', 'join', 'leave', 'repeated', 'tick'),
      peer: fc.constantFrom(...peers),
      number: fc.integer({ min: 1, max: 60 }),
      wait: fc.nat(400),
    }),
    { maxLength: 120 },
  )
  fc.assert(
    fc.property(steps, fc.nat(), (list, seed) => {
      const tree = new GroupTree({ group: 'g', neighbours: ['a', 'b'] as PeerId[] }, seededRandom(seed))
      const name = {
        from: 'author' as PeerId,
        author: new Uint8Array(32),
        prefix: '0'.repeat(16),
        priority: 'normal',
      } as const
      let now = 0
      for (const { do: what, peer, number, wait } of list) {
        now += wait
        const isNeighbour = tree.eager.has(peer) || tree.lazy.has(peer)
        if (what === 'join') tree.join(peer, now)
        else if (what === 'leave') tree.leave(peer)
        else if (what === 'tick') tree.tick(now)
        else if (!isNeighbour) continue
        else if (what === 'grafted') tree.grafted(peer)
        else if (what === 'pruned') tree.pruned(peer)
        else if (what === 'heard') tree.heard(peer, [{ ...name, head: number, round: 1 }], now)
        else if (tree.has({ ...name, number })) tree.repeated({ ...name, number, via: peer }, now)
        else {
          const accepted = tree.accept({ ...name, number, round: 1, via: peer, memoryMs: 1000 }, now)
          assert.ok(accepted !== undefined)
          assert.ok(!accepted.push.includes(peer))
          for (const to of accepted.push) assert.ok(tree.eager.has(to))
          assert.ok(tree.has({ ...name, number }))
        }
        assert.ok([...tree.eager].every((one) => !tree.lazy.has(one)))
      }
      // Left alone, it comes to rest.
      for (let turn = 0; tree.dueAt < Number.POSITIVE_INFINITY; turn++) {
        assert.ok(turn < 200, 'it goes on for ever')
        now = Math.max(now + 1, tree.dueAt)
        tree.tick(now)
      }
    }),
  )
})

test('no bytes make a reader of frames throw', () => {
  const readers = [parseSpread, parseAnnounce, parseWants, parsePrune, parseMark, parseAuthoredEnvelope]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const read of readers) read(bytes)
    }),
  )
})
