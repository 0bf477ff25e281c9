import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { cognition } from '../../../src/cognition/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { Crowd } from './crowd.ts'

const domains = [cognition()]

async function texts(crowd: Crowd, node: PlexusNode): Promise<readonly string[]> {
  const { thoughts } = await crowd.until(node.call('thought.recall', { query: '', limit: 50 }))
  return thoughts.map(({ text }) => text).sort()
}

async function say(crowd: Crowd, node: PlexusNode, text: string): Promise<void> {
  await crowd.until(node.call('thought.share', { text, space: 'home' }))
}

/** Name and role of everybody in the shared space, as this node has it. */
function members(node: PlexusNode): readonly string[] {
  const home = node.spaces.list().find(({ name }) => name === 'home')
  return (home?.members ?? []).map(({ name, role }) => `${name} ${role}`).sort()
}

async function couple(crowd: Crowd): Promise<[ada: PlexusNode, bob: PlexusNode]> {
  const [ada, bob] = [await crowd.node('ada', { domains }), await crowd.node('bob', { domains })]
  await crowd.join(ada, bob)
  await say(crowd, bob, 'with the old key')
  await crowd.run(3_000)
  return [ada, bob]
}

suite('a rotation', () => {
  test('hands role and place over to the new key, in every space, and others follow', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = await couple(crowd)
    const report = await crowd.until(bob.call('identity.rotate', {}))
    assert.equal(report.from, bob.peer)
    const fresh = await crowd.restart(bob, { domains })
    assert.equal(fresh.peer, report.to)
    assert.equal(fresh.keys.next, undefined)
    await crowd.link(fresh, ada)
    await crowd.run(5_000)
    await say(crowd, fresh, 'with the new key')
    await crowd.run(3_000)
    for (const one of [ada, fresh]) {
      assert.deepEqual(members(one), ['ada founder', 'bob writer'], one.name)
      assert.deepEqual(await texts(crowd, one), ['with the new key', 'with the old key'], one.name)
    }
    const [former] = ada.spaces.former(ada.spaces.list().find(({ name }) => name === 'home')?.id ?? ('' as never))
    assert.deepEqual([former?.peer, former?.reason, former?.successor], [report.from, 'rotated', report.to])
    await crowd.until(fresh.call('thought.share', { text: 'private still works', private: true }))
  })

  test('is told in every space at once to whoever is linked, however many they share', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = await couple(crowd)
    for (const name of ['lab', 'library', 'attic']) {
      const { id } = await crowd.until(ada.spaces.create({ name, personal: false }))
      const { ticket } = await ada.call('space.invite', { space: id, uses: 1 })
      await crowd.until(bob.call('space.join', { ticket }))
    }
    await crowd.run(3_000)
    const { to } = await crowd.until(ada.call('identity.rotate', {}))
    const shared = bob.spaces.list().filter(({ personal }) => !personal)
    assert.equal(shared.length, 4)
    for (const { id, name } of shared) assert.equal(bob.spaces.roleOf(id, to), 'founder', name)
  })

  test('of the founder is followed by members who were away, and lets them in who came meanwhile', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = await couple(crowd)
    await crowd.stop(bob)
    await crowd.until(ada.call('identity.rotate', {}))
    const fresh = await crowd.restart(ada, { domains })
    const curie = await crowd.node('curie', { domains })
    await crowd.join(fresh, curie)
    const back = await crowd.node('bob', { domains })
    // To bob the new key is a stranger until it shows what makes it a member.
    await crowd.link(fresh, back)
    await crowd.run(10_000)
    assert.deepEqual(members(back), ['ada founder', 'bob writer', 'curie writer'])
    await say(crowd, fresh, 'hello again')
    await crowd.run(3_000)
    assert.deepEqual(await texts(crowd, back), ['hello again', 'with the old key'])
  })

  test('that is cut short between any two steps leaves a device that works and is finished at the next start', async () => {
    type Step = (node: PlexusNode) => Promise<void>
    const prepare: Step = async ({ keys }) => void keys.prepareRotation()
    const handOverFirst: Step = async ({ keys, spaces }) => {
      const [space] = spaces.list()
      assert.ok(keys.next !== undefined && space !== undefined)
      await spaces.rotateTo(space.id, keys.next)
    }
    const handOverAll: Step = async ({ keys, spaces }) => {
      for (const { id, self } of spaces.list()) if (self && keys.next) await spaces.rotateTo(id, keys.next)
    }
    for (const steps of [[prepare], [prepare, handOverFirst], [prepare, handOverAll]]) {
      await using crowd = new Crowd()
      const [ada, bob] = await couple(crowd)
      const old = bob.peer
      for (const step of steps) await crowd.until(step(bob))
      const expected = bob.keys.next?.device.peer
      // What is on disk at this moment, as after `kill -9`.
      cpSync(join(crowd.folder, 'bob'), join(crowd.folder, 'bob-2'), { recursive: true })
      await crowd.stop(bob)
      const fresh = await crowd.node('bob-2', { domains, name: 'bob' })
      assert.notEqual(fresh.peer, old)
      assert.equal(fresh.peer, expected)
      assert.equal(fresh.keys.next, undefined)
      await crowd.link(fresh, ada)
      await crowd.run(10_000)
      assert.deepEqual(members(ada), ['ada founder', 'bob writer'], `${steps.length} steps`)
      await say(crowd, fresh, 'works')
      await crowd.run(3_000)
      assert.deepEqual(await texts(crowd, ada), ['with the old key', 'works'])
    }
  })

  test('takes from whoever copied the old key what it could do with it', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = await couple(crowd)
    cpSync(join(crowd.folder, 'bob'), join(crowd.folder, 'thief'), { recursive: true })
    await crowd.until(bob.call('identity.rotate', {}))
    const fresh = await crowd.restart(bob, { domains })
    await crowd.link(fresh, ada)
    await crowd.run(5_000)
    const thief = await crowd.node('thief', { domains, name: 'bob' })
    await say(crowd, thief, 'I am bob')
    await crowd.link(thief, ada)
    await crowd.run(10_000)
    await say(crowd, ada, 'only for members')
    await crowd.run(5_000)
    assert.deepEqual(await texts(crowd, ada), ['only for members', 'with the old key'])
    assert.ok(!(await texts(crowd, thief)).includes('only for members'))
  })
})

suite('recovery', () => {
  test("with the phrase another device takes the founder's place; without it nobody does", async () => {
    await using crowd = new Crowd()
    const [ada, bob] = [await crowd.node('ada', { domains }), await crowd.node('bob', { domains })]
    const { phrase, space } = await crowd.until(ada.call('space.create', { name: 'home', recovery: true }))
    assert.equal(phrase?.split(' ').length, 24)
    assert.equal(space.recoverable, true)
    await crowd.join(ada, bob)
    await say(crowd, ada, 'of the founder')
    await crowd.run(3_000)
    // The founder's device is lost, and in other hands.
    await crowd.stop(ada)
    await crowd.run(3_000)
    const wrong = `${'abandon '.repeat(23)}art`
    await assert.rejects(crowd.until(bob.call('space.recover', { phrase: wrong })), /recovery/)
    await assert.rejects(crowd.until(bob.call('space.recover', { phrase: 'hello' })), { code: 'ERR_RECOVERY_PHRASE' })
    const { replaced } = await crowd.until(bob.call('space.recover', { phrase: (phrase ?? '').toUpperCase() }))
    assert.deepEqual(replaced, ['ada'])
    assert.deepEqual(members(bob), ['bob admin'])
    const finder = await crowd.node('ada', { domains })
    await say(crowd, finder, 'from the lost laptop')
    await crowd.link(bob, finder)
    await crowd.run(10_000)
    assert.equal(finder.status().spaces.find(({ name }) => name === 'home')?.former?.reason, 'removed')
    assert.deepEqual(await texts(crowd, bob), ['of the founder'])
    // Life goes on: the one in its place lets others in.
    const curie = await crowd.node('curie', { domains })
    await crowd.join(bob, curie)
    await crowd.run(3_000)
    assert.deepEqual(members(curie), ['bob admin', 'curie writer'])
  })

  test('a space without a recovery key has none to recover it with', async () => {
    await using crowd = new Crowd()
    const ada = await crowd.node('ada')
    const made = await crowd.until(ada.call('space.create', { name: 'lab' }))
    assert.equal(made.phrase, undefined)
    const phrase = `${'abandon '.repeat(23)}art`
    await assert.rejects(crowd.until(ada.call('space.recover', { phrase })), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(crowd.until(ada.call('space.recover', { space: 'lab', phrase })), /recovery/)
  })
})
