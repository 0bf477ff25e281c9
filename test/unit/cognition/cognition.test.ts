import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Caller, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { Cognition, CognitionError } from '../../../src/cognition/index.ts'
import { SpaceError } from '../../../src/space/index.ts'
import { durableHalf } from '../../support/durable-half.ts'

const PERSON: Caller = { kind: 'person', client: 'cli' }
const AGENT: Caller = { kind: 'agent', client: 'claude-code', model: 'opus' }

interface Mind extends Disposable {
  readonly clock: VirtualClock
  readonly cognition: Cognition
}

async function mind(): Promise<Mind> {
  const clock = new VirtualClock()
  const half = durableHalf({ name: 'peer-1', seed: 1, clock })
  const cognition = new Cognition({ ...half, clock, log: silentLogger() })
  for (const view of cognition.views) half.journal.register(view)
  await half.spaces.create({ name: 'private', personal: true })
  await half.spaces.create({ name: 'lab', personal: false })
  await cognition.start()
  return { clock, cognition, [Symbol.dispose]: () => half[Symbol.dispose]() }
}

test('a shared thought is recalled with its author, its place and a valid signature', async () => {
  using own = await mind()
  const shared = await own.cognition.share(
    {
      text: 'Label noise slows convergence',
      kind: 'hypothesis',
      confidence: 0.8,
      topic: 'training',
      about: ['resnet'],
    },
    AGENT,
  )
  const { thoughts } = await own.cognition.recall({ query: 'convergence noise' })
  assert.equal(thoughts.length, 1)
  assert.deepEqual({ ...thoughts[0], score: undefined }, { ...shared, score: undefined })
  assert.equal(thoughts[0]?.author.self, true)
  assert.equal(thoughts[0]?.space.name, 'lab')
  assert.equal(thoughts[0]?.signature, 'valid')
  assert.deepEqual(thoughts[0]?.by, { kind: 'agent', client: 'claude-code', model: 'opus' })
  assert.equal(thoughts[0]?.confidence, 0.8)
})

test('a private thought goes to the personal space', async () => {
  using own = await mind()
  const thought = await own.cognition.share({ text: 'the door code', private: true }, PERSON)
  assert.equal(thought.space.personal, true)
})

test('recall without words gives the newest first, in pages', async () => {
  using own = await mind()
  for (let n = 0; n < 5; n++) {
    own.clock.advance(1_000)
    await own.cognition.share({ text: `note ${n}` }, PERSON)
  }
  const first = await own.cognition.recall({ limit: 2 })
  assert.deepEqual(
    first.thoughts.map((thought) => thought.text),
    ['note 4', 'note 3'],
  )
  assert.ok(first.cursor !== undefined)
  const second = await own.cognition.recall({ limit: 2, cursor: first.cursor })
  assert.deepEqual(
    second.thoughts.map((thought) => thought.text),
    ['note 2', 'note 1'],
  )
  await assert.rejects(own.cognition.recall({ cursor: 'x' }), { code: 'ERR_CURSOR' })
})

test('filters narrow by kind, topic, author and time', async () => {
  using own = await mind()
  const early = await own.cognition.share({ text: 'is the cache cold?', kind: 'question', topic: 'cache' }, PERSON)
  own.clock.advance(60_000)
  await own.cognition.share({ text: 'the cache is cold', kind: 'answer', topic: 'cache' }, PERSON)
  await own.cognition.share({ text: 'the cache of another topic', topic: 'other' }, PERSON)
  const texts = async (input: Parameters<Cognition['recall']>[0]): Promise<string[]> =>
    (await own.cognition.recall(input)).thoughts.map((thought) => thought.text).sort()
  assert.deepEqual(await texts({ query: 'cache', kind: 'question' }), ['is the cache cold?'])
  assert.deepEqual(await texts({ query: 'cache', topic: 'cache' }), ['is the cache cold?', 'the cache is cold'])
  assert.deepEqual(await texts({ query: 'cache', author: 'nobody' }), [])
  assert.equal((await texts({ query: 'cache', author: 'peer-1' })).length, 3)
  assert.equal((await texts({ query: 'cache', since: early.at + 1_000 })).length, 2)
})

test('a superseded thought gives its place to its heir, a contradicted one names its contradiction', async () => {
  using own = await mind()
  const old = await own.cognition.share({ text: 'the limit is 100 requests' }, PERSON)
  const heir = await own.cognition.share(
    { text: 'the limit is 200 requests', links: [{ to: old.id, rel: 'supersedes' }] },
    PERSON,
  )
  const doubt = await own.cognition.share(
    { text: 'no limit was found in the logs', links: [{ to: heir.id, rel: 'contradicts' }] },
    PERSON,
  )
  const { thoughts } = await own.cognition.recall({ query: 'limit requests' })
  const found = thoughts.find((thought) => thought.id === heir.id)
  assert.equal(
    thoughts.some((thought) => thought.id === old.id),
    false,
  )
  assert.deepEqual(found?.supersedes, [old.id])
  assert.deepEqual(found?.contradictedBy, [doubt.id])
})

test('thoughts that supersede each other in a circle do not hang recall', async () => {
  using own = await mind()
  let previous = await own.cognition.share({ text: 'round and round' }, PERSON)
  for (let n = 0; n < 40; n++) {
    own.clock.advance(1)
    previous = await own.cognition.share(
      { text: 'round and round', links: [{ to: previous.id, rel: 'supersedes' }] },
      PERSON,
    )
  }
  assert.ok((await own.cognition.recall({ query: 'round' })).thoughts.length >= 1)
})

test('an expired thought is recalled no more', async () => {
  using own = await mind()
  await own.cognition.share({ text: 'standup in five minutes', expiresInMs: 300_000 }, PERSON)
  assert.equal((await own.cognition.recall({ query: 'standup' })).thoughts.length, 1)
  own.clock.advance(300_001)
  assert.equal((await own.cognition.recall({ query: 'standup' })).thoughts.length, 0)
})

test('show takes the beginning of an id and says when nothing fits', async () => {
  using own = await mind()
  const thought = await own.cognition.share({ text: 'one' }, PERSON)
  assert.equal(own.cognition.show(thought.id.slice(0, 8)).text, 'one')
  assert.throws(
    () => own.cognition.show('0000000000'),
    (error: unknown) => error instanceof CognitionError && error.code === 'ERR_NOT_FOUND' && error.fix !== undefined,
  )
})

test('an unknown space is named in the error, with those that exist', async () => {
  using own = await mind()
  await assert.rejects(own.cognition.share({ text: 'x', space: 'nowhere' }, PERSON), (error: unknown) => {
    assert.ok(error instanceof SpaceError)
    assert.equal(error.code, 'ERR_SPACE_UNKNOWN')
    assert.match(error.message, /nowhere/)
    assert.match(error.fix ?? '', /lab/)
    return true
  })
})
