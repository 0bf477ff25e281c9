import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { encodeCbor, type SpaceId } from '../../../src/base/index.ts'
import { ResearchError } from '../../../src/research/index.ts'
import { decodeAnswer, decodeQuery, encodeAnswer, encodeQuery } from '../../../src/research/wire.ts'
import { admit, handOver, PERSON, PostOffice, type Reader, reader } from './fixture.ts'

const { signal } = new AbortController()

interface Lab {
  readonly post: PostOffice
  readonly space: SpaceId
  readonly peers: readonly [Reader, Reader, Reader]
}

/** Three peers of one space who do not hand records on: each holds only what it wrote itself. */
async function lab(t: TestContext): Promise<Lab> {
  const post = new PostOffice()
  const peers = [await reader(1, post), await reader(2, post), await reader(3, post)] as const
  t.after(() => peers.forEach((peer) => void peer[Symbol.dispose]()))
  const [host, ...guests] = peers
  await host.spaces.create({ name: 'home', personal: true })
  const { id } = await host.spaces.create({ name: 'lab', personal: false })
  for (const guest of guests) await admit(host, guest, id)
  for (const guest of guests) handOver(host, guest, id)
  return { post, space: id, peers }
}

const add = (peer: Reader, title: string, more: object = {}): Promise<unknown> =>
  peer.research.add({ title, ...more }, PERSON)

describe('research.ask', () => {
  it('finds what only others hold, and says who, with what certainty', async (t) => {
    const {
      peers: [alice, bob, carol],
    } = await lab(t)
    await add(alice, 'Gossip in large networks', { doi: '10.1000/g' })
    await add(carol, 'Epidemic gossip algorithms', { year: 1987, authors: ['Alan Demers'] })
    const report = await bob.research.ask({ question: 'gossip algorithms' }, signal)
    assert.deepEqual(report.coverage, { asked: 2, answered: 2, silent: [] })
    assert.deepEqual(
      report.answers.map(({ title, signature, author, heldBy }) => [
        title,
        signature,
        author.peer,
        heldBy.map((holder) => holder.peer),
      ]),
      [
        ['Epidemic gossip algorithms', 'unverified', carol.self, [carol.self]],
        ['Gossip in large networks', 'unverified', alice.self, [alice.self]],
      ],
    )
    assert.deepEqual([report.answers[0]?.authors, report.answers[0]?.year], [['Alan Demers'], 1987])
  })

  it('shows a paper once, whoever holds it and under whichever identifier', async (t) => {
    const {
      peers: [alice, bob, carol],
    } = await lab(t)
    await add(alice, 'Attention is all you need', { doi: '10.5555/attention', arxiv: '1706.03762' })
    await add(carol, 'Attention is all you need', { arxiv: '1706.03762' })
    await add(bob, 'Attention is all you need', { doi: '10.5555/attention' })
    await add(carol, 'Attention is all you need', { doi: '10.5555/another' })
    const { answers } = await bob.research.ask({ query: 'attention' }, signal)
    assert.deepEqual(answers.map(({ doi, heldBy }) => [doi, heldBy.length]).sort(), [
      ['10.5555/another', 1],
      ['10.5555/attention', 3],
    ])
    const ours = answers.find(({ doi }) => doi === '10.5555/attention')
    assert.deepEqual([ours?.author.self, ours?.signature], [true, 'valid'])
  })

  it('names who was silent, who failed, and who answered nonsense', async (t) => {
    const {
      post,
      space,
      peers: [alice, bob, carol],
    } = await lab(t)
    await add(alice, 'Only answer')
    post.frozen.add(carol.self)
    const partial = await bob.research.ask({ question: 'answer', deadlineMs: 300 }, signal)
    assert.equal(partial.answers.length, 1)
    assert.deepEqual(partial.coverage, {
      asked: 2,
      answered: 1,
      silent: [{ peer: carol.self, name: 'guest writer', reason: 'no answer within 300 ms' }],
    })

    post.frozen.clear()
    post.replace(carol.self, async () => encodeCbor(['nonsense']))
    const { coverage, answers } = await bob.research.ask({ question: 'answer' }, signal)
    assert.deepEqual([coverage.answered, coverage.silent.map(({ peer }) => peer), answers.length], [1, [carol.self], 1])
    assert.equal(bob.research.status().figures?.answersRefused, 1)
    // An answer about a space that was not asked about is not heard.
    const foreign = 'ee'.repeat(32) as SpaceId
    post.replace(carol.self, async () =>
      encodeAnswer([{ space: foreign, fingerprint: '00'.repeat(16), documents: 9, frequencies: {}, hits: [] }]),
    )
    assert.equal((await bob.research.ask({ question: 'answer' }, signal)).coverage.answered, 2)
    assert.ok(space !== foreign)
  })

  it('asks nobody when alone, and finds with from: all', async (t) => {
    const {
      peers: [alice, bob],
    } = await lab(t)
    await add(alice, 'Far away')
    assert.equal((await bob.research.find({ query: 'far' }, signal)).results.length, 0)
    assert.equal((await bob.research.find({ query: 'far', from: 'all' }, signal)).results.length, 1)
    const hermit = await reader(9)
    t.after(() => hermit[Symbol.dispose]())
    await hermit.spaces.create({ name: 'home', personal: true })
    await add(hermit, 'Far from all')
    const { coverage, answers } = await hermit.research.ask({ question: 'far' }, signal)
    assert.deepEqual([coverage, answers.length], [{ asked: 0, answered: 0, silent: [] }, 1])
  })
})

describe('research.query: who hears what', () => {
  it('tells a peer only of spaces that it shares, in the question as in the answer', async (t) => {
    const {
      post,
      space,
      peers: [alice, bob, carol],
    } = await lab(t)
    const { id: pair } = await alice.spaces.create({ name: 'pair', personal: false })
    await admit(alice, bob, pair)
    await add(alice, 'Secret of two', { space: 'pair' })
    await add(alice, 'Secret of one', { space: 'home' })
    await add(alice, 'Open to the lab', { space: 'lab' })
    await alice.research.ask({ question: 'secret' }, signal)
    const told = new Map(
      post.asked.flatMap(({ to, body }) => to.map((peer) => [peer, decodeQuery(body).spaces] as const)),
    )
    assert.deepEqual([told.get(bob.self)?.toSorted(), told.get(carol.self)], [[space, pair].sort(), [space]])
    // Carol knows of the pair and asks for it all the same, and for what is private.
    const home = alice.spaces.list().find((each) => each.personal)?.id ?? space
    const query = encodeQuery({ spaces: [space, pair, home], text: 'secret open', limit: 10 })
    const heard = decodeAnswer(await post.send(carol.self, alice.self, query))
    assert.deepEqual(
      heard.map((answer) => [answer.space, answer.documents, answer.hits.map((hit) => hit.fields.title)]),
      [[space, 1, ['Open to the lab']]],
    )
    const stranger = await reader(8)
    t.after(() => stranger[Symbol.dispose]())
    assert.deepEqual(decodeAnswer(await post.send(stranger.self, alice.self, query)), [])
  })

  it('answers readers, and refuses and counts what is malformed', async (t) => {
    const {
      post,
      space,
      peers: [alice],
    } = await lab(t)
    const student = await reader(4, post)
    t.after(() => student[Symbol.dispose]())
    await admit(alice, student, space, 'reader')
    await add(alice, 'For readers too')
    assert.equal((await student.research.ask({ question: 'readers' }, signal)).answers.length, 1)
    for (const body of [
      new Uint8Array(),
      encodeCbor([1]),
      encodeQuery({ spaces: [space], text: 'year:x', limit: 5 }),
    ]) {
      await assert.rejects(post.send(student.self, alice.self, body), ResearchError)
    }
    assert.deepEqual(
      (({ queriesAnswered, queriesRefused }) => ({ queriesAnswered, queriesRefused }))(
        alice.research.status().figures as never,
      ),
      { queriesAnswered: 1, queriesRefused: 3 },
    )
  })
})
