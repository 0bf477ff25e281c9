import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ControlRecord, evaluateMembership } from '../../../src/space/index.ts'
import { genesisOf, recordsOf, sketches, verdictsOf } from './control-sets.ts'
import { Replica } from './replica.ts'

const REPLICAS = 3
const geneses = fc.record({ recovery: fc.boolean() })

/** One record for each place of a log: two are a fork, which `records` settles. */
function withoutForks(records: readonly ControlRecord[]): readonly ControlRecord[] {
  const places = new Set<string>()
  return records.filter(({ author, log, seq }) => {
    const place = `${author}/${log}/${seq}`
    return !places.has(place) && places.add(place)
  })
}

/** Who is offered what, and who asks whom, in which order: numbers to be taken modulo. */
const meetings = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(9)), { minLength: 20, maxLength: 120, size: 'max' })

test('stores that exchange what each admits end equal, and as if they had heard everything, in whatever order it came', () => {
  fc.assert(
    fc.property(sketches, geneses, meetings, (list, options, course) => {
      const genesis = genesisOf(options)
      const all = withoutForks(recordsOf(list))
      const replicas = Array.from({ length: REPLICAS }, () => new Replica(genesis))
      const at = (index: number): Replica => replicas[index % REPLICAS] as Replica
      for (const [who, what, how] of course) {
        if (how < 7) at(who).offer(all[what % all.length] as ControlRecord)
        else at(who).pull(at(what))
      }
      rest(replicas, all)
      const expected = verdictsOf(evaluateMembership(genesis, all), all)
      for (const { state, records } of replicas) {
        assert.deepEqual(verdictsOf(state.membership, all), expected)
        assert.deepEqual(idsOf(records), idsOf(at(0).records))
      }
    }),
    { numRuns: 400 },
  )
})

test('stores that forget what does not count, and get records from each other only, end equal too', () => {
  fc.assert(
    fc.property(sketches, geneses, meetings, (list, options, course) => {
      const genesis = genesisOf(options)
      const all = withoutForks(recordsOf(list))
      const replicas = Array.from({ length: REPLICAS }, () => new Replica(genesis, { forgets: true }))
      const at = (index: number): Replica => replicas[index % REPLICAS] as Replica
      for (const [who, what, how] of course) {
        if (how < 7) at(who).offer(all[what % all.length] as ControlRecord)
        else at(who).pull(at(what))
      }
      rest(replicas, [])
      for (const { state, records } of replicas) {
        assert.deepEqual(idsOf(records), idsOf(at(0).records))
        assert.deepEqual(verdictsOf(state.membership, all), verdictsOf(at(0).state.membership, all))
      }
    }),
    { numRuns: 400 },
  )
})

/** Everybody hears of everything that it takes, until nobody takes anything more. */
function rest(replicas: readonly Replica[], all: readonly ControlRecord[]): void {
  for (let rounds = 0, grows = true; grows; rounds++) {
    assert.ok(rounds < 100, 'the stores do not come to rest')
    grows = false
    for (const replica of replicas) {
      for (const record of all) grows = replica.offer(record) || grows
      for (const other of replicas) grows = replica.pull(other) || grows
    }
  }
}

function idsOf(records: readonly ControlRecord[]): readonly string[] {
  return records.map(({ id }) => id).toSorted()
}
