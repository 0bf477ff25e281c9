import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HEARTBEATS_MISSED_MAX, PROBE_ROUNDS } from '../../../src/bus/limits.ts'
import { Suspicion } from '../../../src/bus/presence/suspicion.ts'

const SILENT_MAX = HEARTBEATS_MISSED_MAX + PROBE_ROUNDS

test('a peer is gone after so many silent beats in a row, never before, and always then', () => {
  const happenings = fc.array(fc.constantFrom('silence', 'silence', 'silence', 'bytes', 'pong'), { maxLength: 60 })
  fc.assert(
    fc.property(happenings, (all) => {
      const suspicion = new Suspicion()
      let silent = 0
      for (const happening of all) {
        if (happening === 'pong') {
          assert.equal(suspicion.heard(), silent >= HEARTBEATS_MISSED_MAX)
          silent = 0
          continue
        }
        const verdict = suspicion.beat(happening === 'bytes')
        silent = happening === 'bytes' ? 0 : silent + 1
        assert.equal(verdict === 'gone', silent >= SILENT_MAX)
        assert.equal(suspicion.isSuspected, silent >= HEARTBEATS_MISSED_MAX && silent < SILENT_MAX)
        if (verdict === 'gone') return
      }
    }),
  )
})
