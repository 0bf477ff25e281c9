import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { spaceSchema } from '../../../src/space/index.ts'
import { type EpochKey, epochKey, sealPrevious } from '../../../src/space/keys/epoch-key.ts'
import { HeldKeys, type SealedKey } from '../../../src/space/keys/held-keys.ts'
import { KeyTable } from '../../../src/space/keys/key-table.ts'
import { type Database, openDatabase } from '../../../src/store/index.ts'

const SPACE = '11'.repeat(32) as SpaceId
const SPACE_BYTES: Uint8Array = new Uint8Array(32).fill(0x11)

function keyOf(n: number): EpochKey {
  return epochKey(SPACE_BYTES, n, new Uint8Array(32).fill(n))
}

function sealed(newer: EpochKey, older: EpochKey): SealedKey {
  return [older.n, older.id, sealPrevious(SPACE_BYTES, newer, older)]
}

function open(database: Database = openDatabase({ path: ':memory:', schemas: [spaceSchema] })): HeldKeys {
  return new HeldKeys(SPACE, new KeyTable(database))
}

const [one, two, three, four] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)] as const

suite('held keys', () => {
  test('open a whole chain from its end, in whatever order its links came', () => {
    const held = open()
    held.addSealed(three.id, [sealed(three, two)], true)
    held.addSealed(two.id, [sealed(two, one)], true)
    assert.equal(held.size, 0)
    held.add(three, true)
    assert.equal(held.size, 3)
    assert.deepEqual(held.takeFresh().toSorted(), [1, 2, 3])
    assert.deepEqual(held.takeFresh(), [])
  })

  test('open a long chain without going deep', () => {
    const held = open()
    const keys = Array.from({ length: 5_000 }, (_, at) =>
      epochKey(SPACE_BYTES, at + 1, new Uint8Array(32).fill(at & 1)),
    )
    for (let at = 1; at < keys.length; at++) {
      const [older, newer] = [keys[at - 1] as EpochKey, keys[at] as EpochKey]
      held.addSealed(newer.id, [sealed(newer, older)], true)
    }
    held.add(keys.at(-1) as EpochKey, true)
    assert.equal(held.size, keys.length)
    assert.deepEqual(
      held.rootsWithout().map(({ n }) => n),
      [5_000],
    )
  })

  test('have roots from which all others are had; a circle has one', () => {
    const held = open()
    for (const key of [one, two, three, four]) held.add(key, true)
    assert.deepEqual(held.rootsWithout(), [four, three, two, one])
    held.addSealed(three.id, [sealed(three, one)], true)
    held.addSealed(one.id, [sealed(one, three)], true)
    assert.deepEqual(held.rootsWithout(), [four, three, two])
    assert.deepEqual(held.rootsWithout(one.id), [four, two])
  })

  test('do not take what is sealed under another name than its own', () => {
    const held = open()
    held.add(three, true)
    held.addSealed(three.id, [[2, one.id, sealPrevious(SPACE_BYTES, three, one)]], true)
    held.addSealed(three.id, [[1, two.id, sealPrevious(SPACE_BYTES, three, two)]], true)
    assert.equal(held.size, 1)
    assert.deepEqual(held.rootsWithout(three.id), [])
  })

  test('outlast the program, but for those that the disk has spoilt, which may come again', () => {
    using database = openDatabase({ path: ':memory:', schemas: [spaceSchema] })
    const first = open(database)
    for (const key of [one, two]) first.add(key, true)
    database.prepare('UPDATE epoch_key SET key = ? WHERE n = 1').run(new Uint8Array(32))
    const second = open(database)
    assert.deepEqual(second.rootsWithout(), [two])
    second.add(one, true)
    assert.equal(open(database).size, 2)
  })
})
