import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HEARTBEATS_MISSED_MAX, PROBE_ROUNDS } from '../../../src/bus/limits.ts'
import { Suspicion } from '../../../src/bus/presence/suspicion.ts'

const SILENT_MAX = HEARTBEATS_MISSED_MAX + PROBE_ROUNDS

test('a peer is gone after so many silent beats in a row, never before, and always then; unless somebody vouches for it', () => {
  const happenings = fc.array(fc.constantFrom('silence', 'silence', 'silence', 'silence', 'bytes', 'pong', 'word'), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(happenings, (all) => {
      const suspicion = new Suspicion()
      let silent = 0
      let vouched = false
      for (const happening of all) {
        if (happening === 'pong') {
          assert.equal(suspicion.heard(), silent >= HEARTBEATS_MISSED_MAX)
          silent = 0
          vouched = false
          continue
        }
        if (happening === 'word') {
          suspicion.vouched()
          vouched = silent >= HEARTBEATS_MISSED_MAX
          continue
        }
        const verdict = suspicion.beat(happening === 'bytes')
        silent = happening === 'bytes' ? 0 : silent + 1
        if (silent < HEARTBEATS_MISSED_MAX) vouched = false
        const isFault = vouched && silent > HEARTBEATS_MISSED_MAX
        assert.equal(verdict === 'link-fault', isFault)
        assert.equal(verdict === 'gone', !isFault && silent >= SILENT_MAX)
        if (verdict === 'gone' || verdict === 'link-fault') return
        assert.equal(suspicion.isSuspected, silent >= HEARTBEATS_MISSED_MAX)
      }
    }),
  )
})
