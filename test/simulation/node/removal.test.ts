import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { cognition } from '../../../src/cognition/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { Crowd } from './crowd.ts'

const domains = [cognition()]

async function thoughts(crowd: Crowd, node: PlexusNode): Promise<readonly string[]> {
  const { thoughts: found } = await crowd.until(node.call('thought.recall', { query: '', limit: 50 }))
  return found.map(({ text }) => text).sort()
}

async function say(crowd: Crowd, node: PlexusNode, text: string): Promise<void> {
  await crowd.until(node.call('thought.share', { text, space: 'home' }))
}

/** Whether the two have lanes. */
function areLinked(a: PlexusNode, b: PlexusNode): boolean {
  return a.bus.presence().some(({ peer, state }) => peer === b.peer && state === 'ready')
}

function standingOf(node: PlexusNode): string | undefined {
  const home = node.status().spaces.find(({ name }) => name === 'home')
  return home?.role ?? home?.former?.reason
}

function events(node: PlexusNode, kind: string): readonly Readonly<Record<string, unknown>>[] {
  return node.eventLog.recent({ kind }, 50).events.map(({ details }) => details)
}

async function threeFriends(crowd: Crowd): Promise<[ada: PlexusNode, bob: PlexusNode, curie: PlexusNode]> {
  const ada = await crowd.node('ada', { domains })
  const bob = await crowd.node('bob', { domains })
  const curie = await crowd.node('curie', { domains })
  await crowd.join(ada, bob)
  await crowd.join(ada, curie)
  await crowd.link(bob, curie)
  await crowd.run(3_000)
  return [ada, bob, curie]
}

suite('a removed member', () => {
  test('loses its links at once, hears of it, keeps what it had, gets nothing newer, and may be invited again', async () => {
    await using crowd = new Crowd()
    const [ada, bob, curie] = await threeFriends(crowd)
    await say(crowd, ada, 'before')
    await say(crowd, bob, 'of bob')
    await crowd.run(2_000)
    assert.ok(areLinked(ada, bob) && areLinked(curie, bob))
    const plan = await crowd.until(ada.call('space.revoke', { member: 'bob', dryRun: true }))
    assert.deepEqual(
      plan.removed.map(({ name, records }) => [name, records]),
      [['bob', 1]],
    )
    assert.equal(standingOf(bob), 'writer')
    await crowd.until(ada.call('space.revoke', { member: 'bob' }))
    // At once: nothing waits for a conversation.
    await crowd.run(1)
    assert.ok(!areLinked(ada, bob))
    await say(crowd, ada, 'after')
    await crowd.run(10_000)
    assert.equal(standingOf(bob), 'removed')
    assert.equal(bob.status().spaces.find(({ name }) => name === 'home')?.former?.removedByName, 'ada')
    const [heard] = events(bob, 'member:removed')
    assert.deepEqual([heard?.reason, heard?.self, heard?.by], ['removed', true, ada.peer])
    assert.ok(!areLinked(curie, bob))
    for (const one of [ada, curie]) {
      assert.ok(!one.transport.links().some(({ peer }) => peer === bob.peer), 'the link itself is closed')
    }
    assert.deepEqual(await thoughts(crowd, bob), ['before', 'of bob'])
    assert.deepEqual(await thoughts(crowd, curie), ['after', 'before', 'of bob'])
    await assert.rejects(say(crowd, bob, 'more'))
    // Records of control that are newer than the removal are not for it either.
    await crowd.until(ada.call('space.role', { member: 'curie', role: 'reader' }))
    await crowd.run(5_000)
    const seen = bob.spaces.list().find(({ name }) => name === 'home')
    assert.equal(seen?.members.find(({ name }) => name === 'curie')?.role, 'writer')

    const { ticket } = await crowd.until(ada.call('space.invite', {}))
    await crowd.until(bob.call('space.join', { ticket }))
    await crowd.run(5_000)
    assert.equal(standingOf(bob), 'writer')
    await say(crowd, bob, 'back')
    await crowd.run(3_000)
    assert.deepEqual(await thoughts(crowd, ada), ['after', 'back', 'before', 'of bob'])
    assert.deepEqual(await thoughts(crowd, bob), ['after', 'back', 'before', 'of bob'])
  })

  test('that was away hears of it from whichever member it meets first', async () => {
    await using crowd = new Crowd()
    const [ada, bob, curie] = await threeFriends(crowd)
    await crowd.stop(bob)
    await crowd.until(ada.call('space.revoke', { member: 'bob' }))
    await crowd.run(3_000)
    await crowd.stop(ada)
    const back = await crowd.node('bob', { domains })
    assert.equal(standingOf(back), 'writer', 'it cannot know yet')
    await crowd.link(back, curie)
    await crowd.run(5_000)
    assert.equal(standingOf(back), 'removed')
    assert.ok(!areLinked(back, curie))
  })

  test('what its remover had not seen counts for nobody, until somebody above accepts it, and then for all', async () => {
    await using crowd = new Crowd()
    const [ada, curie] = [await crowd.node('ada', { domains }), await crowd.node('curie', { domains })]
    const { ticket } = await ada.call('space.invite', { role: 'admin' })
    await crowd.until(curie.call('space.join', { ticket }))
    const bob = await crowd.node('bob', { domains })
    await crowd.join(curie, bob)
    await crowd.link(bob, ada)
    await say(crowd, bob, 'seen by all')
    await crowd.run(3_000)
    crowd.network.partition([curie.peer], [ada.peer, bob.peer])
    await say(crowd, bob, 'seen by ada')
    await crowd.run(2_000)
    assert.deepEqual(await thoughts(crowd, ada), ['seen by ada', 'seen by all'])
    await crowd.until(curie.call('space.revoke', { member: 'bob' }))
    crowd.network.heal()
    await crowd.run(30_000)
    for (const one of [ada, curie]) assert.deepEqual(await thoughts(crowd, one), ['seen by all'], one.name)
    const { waiting } = await crowd.until(ada.call('space.forks', {}))
    assert.deepEqual(
      waiting.map(({ name, from, to }) => [name, from, to]),
      [['bob', 2, 2]],
    )
    const { records, name } = await crowd.until(ada.call('space.accept', { member: 'bob' }))
    assert.deepEqual([records, name], [1, 'bob'])
    // What nobody announces is found by comparing, every few minutes.
    await crowd.run(600_000)
    for (const one of [ada, curie])
      assert.deepEqual(await thoughts(crowd, one), ['seen by ada', 'seen by all'], one.name)
    assert.deepEqual((await crowd.until(ada.call('space.forks', {}))).waiting, [])
    await assert.rejects(crowd.until(ada.call('space.accept', { member: 'bob' })), { code: 'ERR_NOT_FOUND' })
  })

  test('a key used in two places stops its log for all, until somebody above says which branch counts', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = [await crowd.node('ada', { domains }), await crowd.node('bob', { domains })]
    await crowd.join(ada, bob)
    await say(crowd, bob, 'one')
    await crowd.run(3_000)
    await crowd.stop(bob)
    cpSync(join(crowd.folder, 'bob'), join(crowd.folder, 'copy'), { recursive: true })
    const original = await crowd.node('bob', { domains })
    await say(crowd, original, 'of the original')
    await crowd.link(original, ada)
    await crowd.run(5_000)
    await crowd.stop(original)
    const copy = await crowd.node('copy', { domains, name: 'bob' })
    await say(crowd, copy, 'of the copy')
    await crowd.link(copy, ada)
    await crowd.run(20_000)
    assert.deepEqual(await thoughts(crowd, ada), ['one'])
    const { forks } = await crowd.until(ada.call('space.forks', {}))
    const [fork] = forks
    assert.ok(fork !== undefined)
    assert.deepEqual([fork.name, fork.seq, fork.branches.length, fork.chosen], ['bob', 2, 2, undefined])
    const held = fork.branches.filter(({ to }) => to !== undefined)
    assert.ok(held.length > 0)
    const branch = held[0]?.id.slice(0, 12)
    const { records } = await crowd.until(ada.call('space.accept', { member: 'bob', branch }))
    assert.equal(records, 1)
    assert.equal((await thoughts(crowd, ada)).length, 2)
    assert.equal((await crowd.until(ada.call('space.forks', {}))).forks[0]?.chosen, held[0]?.id)
  })

  test('who leaves is told to the others, and cannot be the last admin', async () => {
    await using crowd = new Crowd()
    const [ada, bob, curie] = await threeFriends(crowd)
    await assert.rejects(crowd.until(ada.call('space.leave', { space: 'home' })), { code: 'ERR_SPACE_LAST_ADMIN' })
    await crowd.until(bob.call('space.leave', { space: 'home' }))
    await crowd.run(5_000)
    assert.equal(standingOf(bob), 'left')
    for (const one of [ada, curie]) {
      const home = one.spaces.list().find(({ name }) => name === 'home')
      assert.deepEqual(home?.members.map(({ name }) => name).sort(), ['ada', 'curie'], one.name)
      assert.ok(!areLinked(one, bob))
    }
  })

  test('an agent can do none of it', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = [await crowd.node('ada'), await crowd.node('bob')]
    await crowd.join(ada, bob)
    const caller = { kind: 'agent', client: 'claude-code' } as const
    const calls: readonly (readonly [string, object])[] = [
      ['space.revoke', { member: 'bob' }],
      ['space.role', { member: 'bob', role: 'admin' }],
      ['space.leave', { space: 'home' }],
      ['space.create', { name: 'x' }],
      ['space.accept', { member: 'bob' }],
      ['space.erase', { record: 'ab'.repeat(32) }],
      ['space.recover', { phrase: 'x' }],
      ['space.revokeInvite', { invite: 'ab'.repeat(4) }],
      ['link.offer', {}],
      ['link.use', { ticket: 'x' }],
      ['link.confirm', { words: 'x' }],
      ['identity.rotate', {}],
    ]
    for (const [name, input] of calls) {
      await assert.rejects(ada.call(name, input as never, { caller }), { code: 'ERR_FOR_PEOPLE' }, name)
    }
  })
})
