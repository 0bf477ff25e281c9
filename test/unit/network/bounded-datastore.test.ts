import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../../src/base/index.ts'
import { BoundedDatastore } from '../../../src/network/adapters/libp2p/bounded-datastore.ts'

type Key = Parameters<BoundedDatastore['get']>[0]
const key = (text: string): Key => ({ toString: () => text }) as Key
const LIMITS = { prefix: '/kept/', entries: 6, entriesPerOwner: 4, entriesPerParent: 5, valueBytes: 8, ageMs: 1_000 }

function store(): { readonly store: BoundedDatastore; readonly clock: VirtualClock; keys(): Promise<string[]> } {
  const clock = new VirtualClock()
  const made = new BoundedDatastore(LIMITS, { clock })
  return {
    store: made,
    clock,
    keys: async () => (await Array.fromAsync(made.queryKeys({}))).map(String),
  }
}

test('what is of another kind, or too large, is not kept', async () => {
  const { store: kept, keys } = store()
  kept.put(key('/other/a/x'), new Uint8Array(1))
  kept.put(key('/kept/a/x'), new Uint8Array(9))
  kept.put(key('/kept/b/x'), new Uint8Array(8))
  assert.deepEqual(await keys(), ['/kept/b/x'])
  assert.equal(kept.refused, 2)
})

test('who writes much pushes out its own, and all together the oldest', async () => {
  const { store: kept, keys } = store()
  kept.put(key('/kept/1/honest'), new Uint8Array(1))
  for (let n = 0; n < 50; n++) kept.put(key(`/kept/${n}/greedy`), new Uint8Array(1))
  assert.deepEqual(await keys(), ['/kept/1/honest', ...[46, 47, 48, 49].map((n) => `/kept/${n}/greedy`)])
  kept.put(key('/kept/1/other'), new Uint8Array(1))
  kept.put(key('/kept/2/other'), new Uint8Array(1))
  assert.equal(kept.size, LIMITS.entries)
  assert.equal(kept.has(key('/kept/1/honest')), false, 'the oldest of all gave way')
})

test('an entry is forgotten after its time, unless it was written again', async () => {
  const { store: kept, clock, keys } = store()
  kept.put(key('/kept/a/x'), Uint8Array.of(1))
  kept.put(key('/kept/b/x'), Uint8Array.of(2))
  clock.advance(600)
  kept.put(key('/kept/a/x'), Uint8Array.of(3))
  clock.advance(400)
  assert.deepEqual(await keys(), ['/kept/a/x'])
  assert.deepEqual(kept.get(key('/kept/a/x')), Uint8Array.of(3))
  assert.throws(() => kept.get(key('/kept/b/x')), { name: 'NotFoundError' })
})

test('queries choose by prefix', async () => {
  const { store: kept } = store()
  for (const text of ['/kept/a/x', '/kept/a/y', '/kept/ab/x']) kept.put(key(text), new Uint8Array(1))
  const found = await Array.fromAsync(kept.query({ prefix: '/kept/a/', limit: 5 }))
  assert.deepEqual(
    found.map((entry) => entry.key.toString()),
    ['/kept/a/x', '/kept/a/y'],
  )
})

test('one key brings so many at most, the newest; a key that nobody wrote brings nothing', async () => {
  const clock = new VirtualClock()
  const kept = new BoundedDatastore({ ...LIMITS, entries: 100 }, { clock })
  for (let n = 0; n < 9; n++) kept.put(key(`/kept/a/${n}`), new Uint8Array(1))
  const under = async (prefix: string): Promise<string[]> =>
    (await Array.fromAsync(kept.queryKeys({ prefix }))).map(String)
  assert.deepEqual(
    await under('/kept/a'),
    [4, 5, 6, 7, 8].map((n) => `/kept/a/${n}`),
  )
  assert.deepEqual(await under('/kept/b'), [])
  assert.equal((await under('/kept')).length, LIMITS.entriesPerParent)
})
