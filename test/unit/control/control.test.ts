import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTROL_LINE_MAX_CHARS, lineSplitter, plexusHome, profileOf } from '../../../src/control/index.ts'

test('lines are cut out of any chunks', () => {
  const split = lineSplitter()
  assert.deepEqual(split('{"a":1}\n{"b"'), ['{"a":1}'])
  assert.deepEqual(split(':2}\n\n'), ['{"b":2}'])
  assert.throws(() => lineSplitter()('x'.repeat(CONTROL_LINE_MAX_CHARS + 1)), RangeError)
})

test('PLEXUS_HOME comes before XDG_DATA_HOME', () => {
  assert.equal(plexusHome({ PLEXUS_HOME: '/p', XDG_DATA_HOME: '/x' }), '/p')
  assert.equal(plexusHome({ XDG_DATA_HOME: '/x' }), '/x/plexus')
})

test('profiles cannot leave the home, and long paths get a short socket', () => {
  for (const wrong of ['..', '../x', '/etc', '', 'a b', 'x'.repeat(33)]) {
    assert.throws(() => profileOf(wrong, { PLEXUS_HOME: '/p' }), { code: 'ERR_PROFILE_NAME' }, JSON.stringify(wrong))
  }
  assert.equal(profileOf('ada', { PLEXUS_HOME: '/p' }).folder, '/p/ada')
  const deep = profileOf('ada', { PLEXUS_HOME: `/${'d'.repeat(120)}` })
  assert.ok(Buffer.byteLength(deep.controlSocket) < 100)
  assert.notEqual(deep.controlSocket, profileOf('bohr', { PLEXUS_HOME: `/${'d'.repeat(120)}` }).controlSocket)
})
