import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, RecordId, SpaceId } from '../../../src/base/index.ts'
import { rescore, type ScoredSource } from '../../../src/research/rescore.ts'
import type { WireHit } from '../../../src/research/wire.ts'

const hit = (paper: string, weights: Record<string, number> = {}, fields: WireHit['fields'] = {}): WireHit => ({
  paper,
  weights,
  fields,
  record: 'aa'.repeat(32) as RecordId,
  author: 'a' as PeerId,
  hlc: 1,
  source: 'import',
})
const source = (
  peer: string,
  documents: number,
  frequencies: Record<string, number>,
  hits: WireHit[],
  fingerprint = peer,
): ScoredSource => ({
  peer: peer as PeerId,
  answer: { space: 's' as SpaceId, fingerprint, documents, frequencies, hits },
})
const order = (sources: ScoredSource[]): string[] => rescore(sources, 10).map((ranked) => ranked.hit.paper)

describe('rescore', () => {
  it('weighs terms by how rare they are over all who answered', () => {
    // To b "quantum" is everyday; over everybody it is rarer than "memory".
    const a = source('a', 1_000, { quantum: 1, memory: 500 }, [hit('doi:10.1000/a', { memory: 2 })])
    const b = source('b', 10, { quantum: 9, memory: 1 }, [hit('doi:10.1000/b', { quantum: 1 })])
    assert.deepEqual(order([a, b]), ['doi:10.1000/b', 'doi:10.1000/a'])
  })

  it('counts replicas of the same records once', () => {
    const frequencies = { x: 5 }
    const one = [source('a', 10, frequencies, [hit('p', { x: 1 })], 'same')]
    const many = ['a', 'b', 'c'].map((peer) => source(peer, 10, frequencies, [hit('p', { x: 1 })], 'same'))
    const [alone, among] = [rescore(one, 1)[0], rescore(many, 1)[0]]
    assert.equal(alone?.score, among?.score)
    assert.deepEqual(among?.heldBy, ['a', 'b', 'c'])
  })

  it('keeps each peer’s own order where no whole word matched, and newer years first after that', () => {
    const dated = (paper: string, year: number): WireHit => hit(paper, {}, { issued: { 'date-parts': [[year]] } })
    assert.deepEqual(
      order([source('a', 1, {}, [dated('old', 1990), dated('new', 2020)]), source('b', 1, {}, [dated('mid', 2000)])]),
      ['mid', 'old', 'new'],
    )
  })

  it('shows our own record of a paper with the best score that anyone gives it', () => {
    const ours = { ...hit('p', { x: 1 }), author: 'us' as PeerId }
    const theirs = { ...hit('p', { x: 2 }), author: 'them' as PeerId }
    const [ranked] = rescore([source('a', 10, { x: 1 }, [ours]), source('b', 10, { x: 1 }, [theirs])], 5)
    const [best] = rescore([source('b', 20, { x: 2 }, [theirs])], 5)
    assert.equal(ranked?.hit.author, 'us')
    assert.equal(ranked?.score, best?.score)
  })

  it('joins by a shared identifier, and never two different DOIs', () => {
    const both = hit('doi:10.1000/p', { x: 3 }, { DOI: '10.1000/p', arXiv: '1706.03762' })
    const preprint = hit('arxiv:1706.03762', { x: 2 }, { arXiv: '1706.03762' })
    const other = hit('doi:10.1000/q', { x: 1 }, { DOI: '10.1000/q', arXiv: '1706.03762' })
    assert.deepEqual(order([source('a', 9, { x: 3 }, [other, preprint, both])]), ['doi:10.1000/p', 'doi:10.1000/q'])
  })
})
