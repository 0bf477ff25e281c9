import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/base/index.ts'
import { StoreWatch } from '../../../src/node/store-watch.ts'
import type { Journal } from '../../../src/records/index.ts'

test('the watch over the files says what became of them, and since when', async () => {
  const clock = new VirtualClock()
  const marks = new Map([
    ['a', '1'],
    ['b', '2'],
  ])
  let fault: Error | undefined
  let damage: string | undefined
  const markOf = (path: string): string | undefined => {
    if (fault !== undefined) throw fault
    return marks.get(path)
  }
  const journal = { figures: () => ({ records: 3 }) } as unknown as Journal
  const watch = new StoreWatch(
    { files: ['a', 'b'], markOf, damage: () => damage },
    { journal, searcher: { figures: () => ({ searches: 2 }) }, clock },
  )
  assert.equal(watch.status().state, 'stopped')
  await watch.start()
  clock.advance(1_000)
  const since = clock.now()
  assert.deepEqual(watch.status(), { state: 'ok', since, figures: { records: 3, searches: 2 } })

  fault = new Error('EIO')
  clock.advance(1_000)
  watch.status()
  clock.advance(1_000)
  const { state, reason, since: troubleSince } = watch.status()
  assert.deepEqual({ state, reason, since: troubleSince }, { state: 'degraded', reason: 'EIO', since: since + 1_000 })

  fault = undefined
  assert.equal(watch.status().state, 'ok')
  marks.set('b', '3')
  assert.deepEqual([watch.status().state, watch.status().reason?.slice(0, 13)], ['failed', 'b was removed'])
  marks.set('b', '2')
  damage = 'a page is torn'
  assert.deepEqual([watch.status().state, watch.status().reason], ['failed', 'a page is torn'])
  assert.match(watch.status().fix ?? '', /plexus up/)
})
