import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import type { GrantableRole } from '../../../src/space/index.ts'
import { Crowd } from './crowd.ts'

const KIND = 65_536

function sharedSpace(node: PlexusNode): SpaceId {
  const shared = node.spaces.list().find(({ personal }) => !personal)
  assert.ok(shared !== undefined)
  return shared.id
}

async function join(crowd: Crowd, host: PlexusNode, guest: PlexusNode, role: GrantableRole): Promise<void> {
  const { ticket } = await host.call('space.invite', { uses: 1, role })
  await crowd.until(guest.call('space.join', { ticket }))
}

async function say(crowd: Crowd, node: PlexusNode, text: string): Promise<void> {
  const draft = { space: sharedSpace(node), class: LOG_CLASS.durable, kind: KIND, body: { text } }
  await crowd.until(node.journal.append(draft))
}

function heard(node: PlexusNode): readonly unknown[] {
  return node.journal.records({ kinds: [KIND], limit: 100 }).map(({ body }) => body?.text)
}

/** Records of data that a node holds, readable or not. */
function held(node: PlexusNode): number {
  return node.journal.records({ space: sharedSpace(node), class: LOG_CLASS.durable, limit: 100 }).length
}

suite('whole nodes in an encrypted space', () => {
  test('a relay keeps for a member that is away what it cannot read itself', async () => {
    await using crowd = new Crowd()
    const ada = await crowd.node('ada')
    const [relay, away] = [await crowd.node('relay'), await crowd.node('bob')]
    await join(crowd, ada, relay, 'relay')
    await join(crowd, ada, away, 'writer')
    await crowd.run(2_000)
    await crowd.stop(away)
    await say(crowd, ada, 'while bob is away')
    await crowd.run(5_000)
    assert.equal(held(relay), 1)
    assert.deepEqual(heard(relay), [])
    await crowd.stop(ada)

    const bob = await crowd.node('bob')
    await crowd.link(bob, relay)
    await crowd.run(5_000)
    assert.deepEqual(heard(bob), ['while bob is away'])
    await say(crowd, bob, 'and the answer')
    await crowd.run(5_000)
    await crowd.stop(bob)

    const again = await crowd.node('ada')
    await crowd.link(again, relay)
    await crowd.run(5_000)
    assert.deepEqual(heard(again), ['while bob is away', 'and the answer'])
    assert.deepEqual(heard(relay), [])
    assert.equal(relay.journal.figures().unread, 2)
  })

  test('of a space that is not encrypted a relay gets the control records and nothing else', async () => {
    await using crowd = new Crowd()
    const ada = await crowd.node('ada')
    const { id } = await crowd.until(ada.spaces.create({ name: 'open', personal: false, encrypted: false }))
    const relay = await crowd.node('relay')
    await join(crowd, ada, relay, 'relay')
    await say(crowd, ada, 'in the open')
    await crowd.run(5_000)
    assert.equal(relay.spaces.get(id)?.self?.role, 'relay')
    assert.equal(held(relay), 0)
  })

  test('after an admin has left, the most senior of those who stay makes a new key, and one is enough', async () => {
    await using crowd = new Crowd()
    const ada = await crowd.node('ada')
    const [bob, curie, dora] = [await crowd.node('bob'), await crowd.node('curie'), await crowd.node('dora')]
    await join(crowd, ada, bob, 'admin')
    await join(crowd, ada, curie, 'admin')
    await join(crowd, ada, dora, 'writer')
    for (const other of [curie, dora]) await crowd.link(bob, other)
    await crowd.run(5_000)
    const space = sharedSpace(ada)
    await crowd.until(bob.spaces.leave(space))
    await crowd.run(120_000)
    const epochs = [ada, curie, dora].map((node) => node.spaces.keys(space))
    assert.deepEqual(epochs, Array(3).fill({ epoch: 2, keys: 2, due: undefined }))
    await say(crowd, dora, 'without bob')
    await crowd.run(5_000)
    assert.deepEqual([heard(ada), heard(bob)], [['without bob'], []])
  })
})
