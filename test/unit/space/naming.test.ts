import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { chosenSpace, type SpaceInfo, spaceCalled } from '../../../src/space/index.ts'

const MEMBER = {} as NonNullable<SpaceInfo['self']>

function space(digit: string, name: string, rest: Partial<SpaceInfo> = { self: MEMBER }): SpaceInfo {
  const id = digit.repeat(64) as SpaceId
  return { id, name, personal: false, ...rest } as SpaceInfo
}

suite('which space is meant', () => {
  const own = space('1', 'private', { personal: true, self: MEMBER })
  const lab = space('2', 'lab')
  const newer = space('3', 'lab')
  const left = space('4', 'lab', {})
  const all = [own, lab, newer, left]

  test('of several with one name the newest that we are in', () => {
    assert.equal(spaceCalled(all, 'lab'), newer)
    assert.equal(spaceCalled([own, left], 'lab'), left)
  })

  test('the private one is private, whatever others call theirs', () => {
    assert.equal(spaceCalled([...all, space('5', 'private')], 'private'), own)
  })

  test('an id, or the first eight digits of it, names what a name does not', () => {
    assert.equal(spaceCalled(all, lab.id), lab)
    assert.equal(spaceCalled(all, '22222222'), lab)
    assert.throws(() => spaceCalled(all, '2222222'), { code: 'ERR_SPACE_UNKNOWN' })
    assert.throws(() => spaceCalled(all, 'lib'), { code: 'ERR_SPACE_UNKNOWN' })
  })

  test('without a word, the newest shared one that we are in, else the private one', () => {
    assert.equal(chosenSpace(all, undefined), newer)
    assert.equal(chosenSpace([own, left], undefined), own)
  })
})
