import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseError, codeOf, errnoOf, errorReport, reasonOf } from '../../../src/base/index.ts'

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

test('what is told of an error beyond the process is plain JSON, without its cause', () => {
  const error = new BaseError('ERR_TIMEOUT', 'late', { cause: new Error('secret'), fix: 'Wait.' })
  assert.equal(JSON.stringify(errorReport(error)), '{"code":"ERR_TIMEOUT","message":"late","fix":"Wait."}')
  assert.equal(JSON.stringify(errorReport(new Error('plain'))), '{"code":"ERR_INTERNAL","message":"plain"}')
  assert.equal(JSON.stringify(errorReport('text')), '{"code":"ERR_INTERNAL","message":"text"}')
})

test('an error of the operating system names its code', () => {
  assert.equal(errnoOf(Object.assign(new Error('no such file'), { code: 'ENOENT' })), 'ENOENT')
  assert.deepEqual(
    [errnoOf(new Error('plain')), errnoOf('text'), errnoOf(undefined)],
    [undefined, undefined, undefined],
  )
})
