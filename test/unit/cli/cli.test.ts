import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanOf } from '../../../src/cli/command.ts'
import { EXIT, exitCodeOf } from '../../../src/cli/errors.ts'
import { age, counted, duration, oneLine, table } from '../../../src/cli/terminal.ts'

test('spans of time are read with their unit', () => {
  assert.equal(spanOf('90s'), 90_000)
  assert.equal(spanOf('10m'), 600_000)
  assert.equal(spanOf('7d'), 7 * 24 * 3_600_000)
  for (const wrong of ['', '10', 'm', '1w', '-1m', '1.5h', '9999999s'])
    assert.throws(() => spanOf(wrong), { code: 'ERR_USAGE' })
})

test('every kind of failure has its exit code', () => {
  assert.equal(exitCodeOf('ERR_DAEMON_NOT_RUNNING'), EXIT.notRunning)
  assert.equal(exitCodeOf('ERR_JOIN_REFUSED'), EXIT.notPermitted)
  assert.equal(exitCodeOf('ERR_TIMEOUT'), EXIT.timedOut)
  assert.equal(exitCodeOf('ERR_SOMETHING_ELSE'), EXIT.failed)
})

test('text of others stays on its line and cannot hide anything', () => {
  assert.equal(oneLine('a\u001b[31m\nb\u202ec'), 'a[31m bc')
  assert.equal(oneLine('x'.repeat(20), 10), `${'x'.repeat(9)}…`)
})

test('figures are written for people', () => {
  assert.deepEqual(
    [0.66, 42, 1_500, 90_000, 3_600_000 * 5, 86_400_000 * 3].map((ms) => duration(ms)),
    ['0.7 ms', '42 ms', '1.5 s', '90 s', '5 h', '3 d'],
  )
  assert.equal(age(1_000, 3_000), '2.0 s ago')
  assert.equal(counted(1, 'record'), '1 record')
  assert.equal(counted(3, 'address', 'addresses'), '3 addresses')
})

test('tables align their columns', () => {
  const lines = table(
    ['NAME', 'N'],
    [
      ['ada', '1'],
      ['curie', '22'],
    ],
  )
    .split('\n')
    .slice(1)
  assert.deepEqual(lines, ['ada    1', 'curie  22'])
})
