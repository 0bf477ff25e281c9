import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type PeerId, peerIdOfKey, type RecordId } from '../../../src/base/index.ts'
import type { LogHead } from '../../../src/records/index.ts'
import { GROUPS, type Group, groupOf, LogIndex, type LogRef, logKey } from '../../../src/sync/log-index.ts'

const AUTHORS: readonly PeerId[] = [1, 2, 3].map((seed) => peerIdOfKey(new Uint8Array(32).fill(seed)))
const LOGS = ['0000000000000001', '0100000000000001', '0100000000000002', '0200000000000001']

const refs: fc.Arbitrary<LogRef> = fc.record({ author: fc.constantFrom(...AUTHORS), log: fc.constantFrom(...LOGS) })
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('advance' as const), refs, fc.integer({ min: 1, max: 50 })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('drop' as const), refs, fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('members' as const), refs, fc.nat(7)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('look' as const), refs, fc.constant(0)) },
  ),
  { maxLength: 60 },
)

function headOf(ref: LogRef, seq: number): LogHead {
  const id = Buffer.from(`${ref.author} ${ref.log} ${seq}`.slice(-32).padStart(32)).toString('hex') as RecordId
  return { ...ref, base: 1, seq, id }
}

test('the sums kept are those of an index made from scratch, and pages show every admitted log once', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (list, pageSize) => {
      const heads = new Map<string, LogHead>()
      let admittedAuthors = 7
      const admits = ({ author }: LogRef): boolean => (admittedAuthors & (1 << AUTHORS.indexOf(author))) !== 0
      const index = new LogIndex([], admits)
      for (const [what, ref, number] of list) {
        if (what === 'advance') {
          heads.set(logKey(ref), headOf(ref, number))
          index.advance(headOf(ref, number))
        } else if (what === 'drop') {
          heads.delete(logKey(ref))
          index.drop(ref)
        } else if (what === 'members') {
          admittedAuthors = number
          index.recheck()
        } else index.summary('durable')
      }
      const scratch = new LogIndex([...heads.values()], admits)
      for (const group of GROUPS) {
        assert.deepEqual(index.summary(group), scratch.summary(group))
        const shown = pagesOf(index, group, pageSize)
        const expected = [...heads.values()].filter((head) => admits(head) && groupOf(head.log) === group)
        assert.deepEqual(shown.map(logKey).toSorted(), expected.map(logKey).toSorted())
        assert.equal(index.summary(group).logs, expected.length)
        assert.equal(
          index.summary(group).records,
          expected.reduce((sum, { seq }) => sum + seq, 0),
        )
      }
    }),
    { numRuns: 500 },
  )
})

function pagesOf(index: LogIndex, group: Group, size: number): readonly LogHead[] {
  const found: LogHead[] = []
  for (let after: LogRef | undefined; ; after = found.at(-1)) {
    const page = index.page(group, after, size)
    found.push(...page.heads)
    assert.ok(page.heads.length <= size)
    if (!page.more) return found
  }
}

test('one changed head changes the fingerprint, and nothing else does', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(refs, { selector: logKey, minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      (list, seq) => {
        const heads = list.map((ref) => headOf(ref, seq))
        const one = new LogIndex(heads, () => true)
        const other = new LogIndex(heads.toReversed(), () => true)
        for (const group of GROUPS) assert.deepEqual(one.summary(group), other.summary(group))
        const [first] = list as [LogRef]
        other.advance(headOf(first, seq + 1))
        const group = groupOf(first.log)
        assert.notDeepEqual(one.summary(group).fingerprint, other.summary(group).fingerprint)
      },
    ),
  )
})
