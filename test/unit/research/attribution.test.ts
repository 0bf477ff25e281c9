import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { encodeAnswer, type WireHit } from '../../../src/research/wire.ts'
import { admit, handOver, PERSON, PostOffice, type Reader, reader } from './fixture.ts'

const { signal } = new AbortController()

/** Alice and Mallory share a space in which both hold everything. */
async function pair(post: PostOffice): Promise<readonly [alice: Reader, mallory: Reader, space: SpaceId]> {
  const [alice, mallory] = [await reader(1, post), await reader(2, post)]
  await alice.spaces.create({ name: 'home', personal: true })
  const { id } = await alice.spaces.create({ name: 'lab', personal: false })
  await admit(alice, mallory, id)
  return [alice, mallory, id]
}

test('a peer that answers with a forged paper cannot have it taken for the word of an author whose record we hold', async () => {
  const post = new PostOffice()
  const [alice, mallory, space] = await pair(post)
  using _alice = alice
  using _mallory = mallory
  const { paper } = await alice.research.add({ title: 'What Alice really added', space: 'lab' }, PERSON)
  const real = paper.provenance.title
  assert.ok(real !== undefined)
  const forged: WireHit = {
    paper: 'doi:10.1000/forged',
    record: real.record,
    author: alice.self,
    hlc: 1,
    source: 'human',
    fields: { title: 'What Alice never said', DOI: '10.1000/forged' },
    weights: { never: 2 },
  }
  post.replace(mallory.self, async () =>
    encodeAnswer([{ space, fingerprint: '00'.repeat(16), documents: 10, frequencies: { never: 1 }, hits: [forged] }]),
  )
  const { answers } = await alice.research.ask({ question: 'never' }, signal)
  const [shown] = answers.filter(({ id }) => id === forged.paper)
  assert.equal(shown?.signature, 'unverified')
  assert.deepEqual(
    shown.heldBy.map(({ peer }) => peer),
    [mallory.self],
  )
})

test('a paper that we hold is shown as we hold it, whatever another peer tells of it', async () => {
  const post = new PostOffice()
  const [alice, mallory, space] = await pair(post)
  using _alice = alice
  using _mallory = mallory
  const { paper } = await alice.research.add({ title: 'Clocks', doi: '10.1000/clocks', space: 'lab' }, PERSON)
  const { record } = paper.provenance.title ?? assert.fail('nobody gave the title')
  const fields = { title: 'Clocks, by Mallory', abstract: 'obey', DOI: '10.1000/clocks' }
  const weights = { obey: 2 }
  const lie = { paper: paper.id, record, author: alice.self, hlc: 1, source: 'human', fields, weights } as const
  post.replace(mallory.self, async () =>
    encodeAnswer([{ space, fingerprint: '00'.repeat(16), documents: 10, frequencies: { obey: 1 }, hits: [lie] }]),
  )
  const { answers } = await alice.research.ask({ question: 'obey' }, signal)
  assert.deepEqual(
    answers.map(({ title, abstract, signature }) => [title, abstract, signature]),
    [['Clocks', undefined, 'valid']],
  )
})

test('who else said some of what is shown of a paper is named', async () => {
  const post = new PostOffice()
  const [alice, mallory, space] = await pair(post)
  using _alice = alice
  using _mallory = mallory
  await alice.research.add({ title: 'Clocks', doi: '10.1000/clocks', space: 'lab' }, PERSON)
  const [before] = (await alice.research.find({ query: 'clocks' }, signal)).results
  assert.deepEqual([before?.author.self, before?.alsoBy], [true, []])
  handOver(alice, mallory, space)
  await mallory.research.add({ doi: '10.1000/clocks', abstract: 'obey me', space: 'lab' }, PERSON)
  handOver(mallory, alice, space)
  const [after] = (await alice.research.find({ query: 'clocks' }, signal)).results
  assert.deepEqual([after?.abstract, after?.author.self], ['obey me', true])
  assert.deepEqual(
    after?.alsoBy.map(({ peer }) => peer),
    [mallory.self],
  )
})

test('a member of one space is named by it, also for what is said of the same paper in another', async (t) => {
  const [alice, bob, carol] = [await reader(1), await reader(2), await reader(3)]
  t.after(() => [alice, bob, carol].forEach((peer) => void peer[Symbol.dispose]()))
  for (const [guest, name, title] of [
    [bob, 'one', 'Clocks, says Bob'],
    [carol, 'other', 'Clocks, says Carol'],
  ] as const) {
    const { id } = await alice.spaces.create({ name, personal: false })
    await admit(alice, guest, id)
    await guest.research.add({ title, doi: '10.1000/clocks', space: name }, PERSON)
    handOver(guest, alice, id)
  }
  const { provenance, disagreements } = alice.research.show('10.1000/clocks')
  const names = [...Object.values(provenance), ...disagreements].map(({ author }) => author.name)
  assert.deepEqual([...new Set(names)], ['guest writer'])
})

test('an identifier with characters that nobody sees is none', async () => {
  const [alice] = await pair(new PostOffice())
  using _alice = alice
  for (const doi of ['10.1000/x%1b[31m', '10.1000/a\u202eb', `10.1000/a${String.fromCodePoint(0xe0041)}`]) {
    await assert.rejects(alice.research.add({ title: 'x', doi }, PERSON), /not a DOI/)
  }
})
