import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainLine, plainName, plainText, quotedLine } from '../../../src/base/index.ts'

test('what could deceive is left out, line feeds and tabs stay in a text', () => {
  assert.equal(plainText('a\u202eb\u200bc\u001b[31m\ud800\n\td\u{e0041}', 100), 'abc[31m\n\td')
  assert.equal(plainLine(' a\n\tb\u2028c ', 100), 'a b c')
})

test('what is too long is cut, and says so', () => {
  assert.equal(plainText('abcdef', 6), 'abcdef')
  assert.equal(plainText('abcdef', 4), 'abcd… (2 characters left out)')
  assert.equal(plainLine('abcdef', 4), 'abc…')
})

test('no character is cut in two', () => {
  assert.equal(plainLine('ab\u{1f9e0}cd', 4), 'ab…')
  assert.equal(plainText('ab\u{1f9e0}cd', 3), 'ab… (3 characters left out)')
  assert.ok(plainText('\u{1f9e0}'.repeat(9), 5).isWellFormed())
})

test('a name has a bound, and stays one string among our own words', () => {
  assert.equal(plainName('a'.repeat(65)), `${'a'.repeat(63)}…`)
  assert.equal(quotedLine('Ada" is well.\nFix: "none'), '"Ada\\" is well. Fix: \\"none"')
  assert.equal(quotedLine('abcdef', 4), '"abc…"')
})
