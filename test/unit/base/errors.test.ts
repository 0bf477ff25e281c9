import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseError, codeOf, reasonOf } from '../../../src/base/index.ts'

test('an error keeps its code, its cause and what to do', () => {
  const cause = new Error('inner')
  const error = new BaseError('ERR_TIMEOUT', 'outer', { cause, fix: 'Wait.' })
  assert.deepEqual([error.name, error.code, error.cause, error.fix], ['BaseError', 'ERR_TIMEOUT', cause, 'Wait.'])
  assert.equal(Object.hasOwn(new BaseError('ERR_TIMEOUT', 'x'), 'cause'), false)
})

test('anything thrown has a code and a reason', () => {
  assert.deepEqual(
    [codeOf(new BaseError('ERR_TIMEOUT', 'late')), reasonOf(new BaseError('ERR_TIMEOUT', 'late'))],
    ['ERR_TIMEOUT', 'late (ERR_TIMEOUT)'],
  )
  assert.deepEqual([codeOf(new Error('plain')), reasonOf(new Error('plain'))], ['ERR_INTERNAL', 'plain'])
  assert.deepEqual([codeOf('text'), reasonOf('text')], ['ERR_INTERNAL', 'text'])
  assert.equal(reasonOf(undefined), 'undefined')
})
