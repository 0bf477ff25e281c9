import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../../src/base/index.ts'
import { LINKS_MAX } from '../../../src/bus/limits.ts'
import { Reach } from '../../../src/bus/routing/reach.ts'

const [ada, bohr, curie] = ['ada', 'bohr', 'curie'] as [PeerId, PeerId, PeerId]

test('what neighbours say adds up, and goes when they take it back or are gone', () => {
  const reach = new Reach()
  reach.learn(ada, { added: [curie], removed: [] })
  reach.learn(bohr, { added: [curie, ada], removed: [curie] })
  assert.deepEqual(
    [reach.neighboursOf(curie), reach.neighboursOf(ada), [...reach.peers()]],
    [[ada, bohr], [bohr], [curie, ada]],
  )
  assert.deepEqual([reach.links(bohr, ada), reach.links(ada, bohr)], [true, false])
  reach.learn(ada, { added: [], removed: [curie, bohr] })
  assert.deepEqual(reach.neighboursOf(curie), [bohr])
  reach.forget(bohr)
  assert.deepEqual([...reach.peers()], [])
})

test('nobody has more links than a peer may have', () => {
  const reach = new Reach()
  const many = Array.from({ length: LINKS_MAX }, (_, n) => `peer ${n}` as PeerId)
  assert.equal(reach.learn(ada, { added: many, removed: [] }), undefined)
  assert.equal(reach.learn(ada, { added: many, removed: [] }), undefined)
  assert.match(reach.learn(ada, { added: [bohr], removed: [] }) ?? '', /more links/)
  assert.equal(reach.learn(ada, { added: [bohr], removed: many.slice(0, 1) }), undefined)
})
