import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepNewest } from '../../../src/base/index.ts'

test('what was put in first goes first, and no more than must', () => {
  const map = new Map([['a', 1]]).set('b', 2).set('c', 3)
  map.delete('a')
  map.set('a', 4)
  keepNewest(map, 3)
  assert.deepEqual([...map.keys()], ['b', 'c', 'a'])
  keepNewest(map, 1)
  assert.deepEqual([...map], [['a', 4]])
  const set = new Set([1, 2, 3])
  keepNewest(set, 0)
  assert.equal(set.size, 0)
})
