import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LOG_CLASS } from '../../../src/records/index.ts'
import { type ControlRecord, evaluateMembership } from '../../../src/space/index.ts'
import { genesisOf, recordsOf, sketches, verdictsOf } from './control-sets.ts'
import { referenceVerdicts } from './reference-evaluator.ts'

const geneses = fc.record({ personal: fc.integer({ min: 0, max: 7 }).map((n) => n === 0), recovery: fc.boolean() })

test('membership agrees with the reference evaluator', () => {
  fc.assert(
    fc.property(sketches, geneses, (list, options) => {
      const genesis = genesisOf(options)
      const records = recordsOf(list)
      assert.deepEqual(verdictsOf(evaluateMembership(genesis, records), records), referenceVerdicts(genesis, records))
    }),
    { numRuns: 3000 },
  )
})

test('the order in which control records arrive makes no difference', () => {
  const ordered = sketches.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
  )
  fc.assert(
    fc.property(ordered, geneses, ([list, order], options) => {
      const genesis = genesisOf(options)
      const records = recordsOf(list)
      const shuffled = order.map((index) => records[index] as ControlRecord)
      assert.deepEqual(
        verdictsOf(evaluateMembership(genesis, shuffled), records),
        verdictsOf(evaluateMembership(genesis, records), records),
      )
    }),
    { numRuns: 1000 },
  )
})

test('what does not count can be left out: membership follows from the records that its own rules let stand', () => {
  fc.assert(
    fc.property(sketches, geneses, (list, options) => {
      const genesis = genesisOf(options)
      const records = recordsOf(list)
      const whole = evaluateMembership(genesis, records)
      const standing = records.filter(({ author, log, seq }) => {
        const { end } = whole.rules.ruleOf(author, log)
        return whole.rules.admits(author, LOG_CLASS.control) && (end === undefined || seq <= end.seq)
      })
      assert.deepEqual(verdictsOf(evaluateMembership(genesis, standing), records), verdictsOf(whole, records))
    }),
    { numRuns: 2000 },
  )
})

test('nobody is a member but by the word of a member, or former member, of a lower level or by a rotation of its own', () => {
  fc.assert(
    fc.property(sketches, geneses, (list, options) => {
      const genesis = genesisOf(options)
      const records = recordsOf(list)
      const { members, former, invites } = evaluateMembership(genesis, records)
      for (const member of members.values()) {
        if (member.admission === genesis.id) continue
        const by = records.find(({ id }) => id === member.admission)
        const author = members.get(member.admittedBy as never) ?? former.get(member.admittedBy as never)
        const level = author?.level ?? -1
        assert.ok(by?.body.type === 'rotate' ? level === member.level : level < member.level)
        if (by?.body.type === 'admit') assert.notEqual(member.role, 'founder')
      }
      for (const invite of invites) assert.ok(invite.used <= invite.uses)
    }),
    { numRuns: 500 },
  )
})
