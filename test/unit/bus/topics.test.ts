import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKind, isTopic, topicMatcher } from '../../../src/bus/topics.ts'

const CASES: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] = [
  ['research.papers', ['research.papers', 'research/papers'], ['research', 'research.papers.new', 'research.paper']],
  ['research.*', ['research.papers', 'research/notes'], ['research', 'research.papers.new']],
  ['*', ['a'], ['a.b']],
  ['**', ['a', 'a.b', 'a/b/c'], []],
  ['a.*.c', ['a.b.c', 'a/b/c', 'a.xb.c'], ['a.c', 'a.b', 'a.b.d', 'a.b.b.c', 'b.b.c']],
  ['a.**', ['a', 'a.b', 'a.b.c'], ['b', 'b.a']],
  ['**.z', ['z', 'a.z', 'a.b.z'], ['a', 'z.a']],
  ['a.**.z', ['a.z', 'a.b.z', 'a.z.z', 'a.b.c.z'], ['a', 'z', 'a.b']],
  ['**.b.**.d', ['b.d', 'a.b.c.d', 'b.b.d.d', 'a.b.c.b.d'], ['d.b', 'a.d']],
  ['open/*', ['open/a', 'open.a'], ['open', 'open/a/b', 'opening/a']],
  ['open/**', ['open/a', 'open.a.b'], ['space/a']],
  ['**', ['open', 'opening/a', 'a.open'], ['open/a', 'open.a.b']],
  ['*/a', ['b/a'], ['open/a']],
  ['space/*/thoughts', ['space/ab/thoughts'], ['space/thoughts', 'space/a/b/thoughts']],
]

test('patterns match segments', () => {
  for (const [pattern, matching, others] of CASES) {
    const matches = topicMatcher(pattern)
    for (const topic of matching) assert.equal(matches(topic), true, `${pattern} on ${topic}`)
    for (const topic of others) assert.equal(matches(topic), false, `${pattern} on ${topic}`)
  }
})

test('a hostile pattern costs no more than the product of the lengths', () => {
  const matches = topicMatcher(`${'**.a.'.repeat(39)}b`)
  assert.equal(matches(`${'a.'.repeat(99)}a`), false)
})

test('topics and kinds are printable, bounded and whole', () => {
  assert.equal(isTopic('space/ab/thoughts'), true)
  for (const bad of ['', '.', 'a.', '/a', 'a..b', 'a b', 'ä', 'a.*', 'x'.repeat(201)]) assert.equal(isTopic(bad), false)
  assert.equal(isKind('sync.have'), true)
  for (const bad of ['', 'a b', 'k'.repeat(65)]) assert.equal(isKind(bad), false)
})

test('a pattern that can match nothing is refused', () => {
  for (const bad of ['', 'a..b', 'a b', 'lab*', 'a.*b.c', 'a.***'])
    assert.throws(() => topicMatcher(bad), { code: 'ERR_TOPIC_INVALID' })
})
