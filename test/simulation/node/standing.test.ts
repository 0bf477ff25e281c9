import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import { decodeFrames, encodeFrames } from '../../../src/records/index.ts'
import { STANDING_PROTOCOL } from '../../../src/sync/index.ts'
import { controlFrames } from '../../../src/sync/join/control-frames.ts'
import { FramedChannel } from '../../../src/sync/join/framed-channel.ts'
import { decodeStanding, encodeStanding, type StandingMessage } from '../../../src/sync/standing/standing-wire.ts'
import { Crowd } from './crowd.ts'

const { signal } = new AbortController()

function homeOf(node: PlexusNode): SpaceId {
  const home = node.spaces.list().find(({ name }) => name === 'home')
  assert.ok(home !== undefined)
  return home.id
}

/** Says all of it on one stream and returns what comes back, up to the end of the stream or its reset. */
async function say(
  crowd: Crowd,
  from: PlexusNode,
  to: PlexusNode,
  messages: readonly StandingMessage[],
): Promise<readonly StandingMessage['is'][]> {
  const channel = await crowd.until(from.transport.open(to.peer, STANDING_PROTOCOL))
  const framed = new FramedChannel(channel)
  for (const message of messages) await crowd.until(framed.send(encodeStanding(message), { signal }))
  const heard: StandingMessage['is'][] = []
  const listen = async (): Promise<void> => {
    for (;;) heard.push(decodeStanding(await framed.read(300_000, { signal })).is)
  }
  const listening = listen().catch(() => undefined)
  await crowd.run(1_000)
  channel.abort(new Error('heard enough'))
  await crowd.until(listening)
  return heard
}

function control(node: PlexusNode, space: SpaceId): StandingMessage[] {
  return [...controlFrames(space, node)].map((frames) => ({ is: 'control', frames }))
}

suite('standing, towards peers that lie', () => {
  test('a stranger learns nothing and changes nothing, whatever it claims', async () => {
    await using crowd = new Crowd()
    const [ada, bob, mallory] = [await crowd.node('ada'), await crowd.node('bob'), await crowd.node('mallory')]
    await crowd.join(ada, bob)
    const space = homeOf(ada)
    await crowd.link(mallory, ada)
    const before = ada.journal.figures().records
    const own = await crowd.until(mallory.spaces.create({ name: 'home', personal: false }))
    // A space that ada is not in; a claim with the control records of another space; a claim with ada's own records.
    assert.deepEqual(await say(crowd, mallory, ada, [{ is: 'ask', space: own.id }]), ['unknown'])
    const lies = [control(mallory, own.id), control(ada, space), []]
    for (const frames of lies) {
      const heard = await say(crowd, mallory, ada, [{ is: 'ask', space }, ...frames, { is: 'end' }])
      assert.deepEqual(heard, ['show'], 'and then a reset')
    }
    // Who is no member has nothing to tell.
    const told = await say(crowd, mallory, ada, [{ is: 'tell', space }, ...control(mallory, own.id), { is: 'end' }])
    assert.deepEqual(told, [], 'it is not even read to its end')
    assert.equal(ada.journal.figures().records, before)
    assert.equal(ada.journal.figures().parked, 0)
    assert.equal(ada.spaces.roleOf(space, mallory.peer), undefined)
  })

  test('a member cannot pass off changed or foreign records either', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = [await crowd.node('ada'), await crowd.node('bob')]
    await crowd.join(ada, bob)
    const space = homeOf(ada)
    const before = ada.journal.figures().records
    const changed = control(bob, space).map((message) => {
      if (message.is !== 'control') return message
      const [first, ...rest] = decodeFrames(message.frames)
      assert.ok(first !== undefined)
      const header = first.header.with(first.header.length - 1, (first.header.at(-1) ?? 0) ^ 1)
      return { ...message, frames: encodeFrames([{ ...first, header }, ...rest]) }
    })
    for (const frames of [changed, [{ is: 'control', frames: new Uint8Array([1, 2, 3]) } as const]]) {
      assert.deepEqual(await say(crowd, bob, ada, [{ is: 'tell', space }, ...frames, { is: 'end' }]), [])
    }
    assert.equal(ada.journal.figures().records, before)
    assert.equal(ada.spaces.roleOf(space, bob.peer), 'writer')
  })

  test('a removed device that shows an old state is told of its removal, again and again', async () => {
    await using crowd = new Crowd()
    const [ada, bob] = [await crowd.node('ada'), await crowd.node('bob')]
    await crowd.join(ada, bob)
    const space = homeOf(ada)
    await crowd.until(ada.call('space.revoke', { member: 'bob' }))
    await crowd.run(5_000)
    await crowd.link(bob, ada)
    for (let time = 0; time < 3; time++) {
      const [first, ...rest] = await say(crowd, bob, ada, [{ is: 'ask', space }])
      assert.equal(first, 'removed')
      assert.equal(rest.at(-1), 'end')
    }
    assert.equal(ada.spaces.roleOf(space, bob.peer), undefined)
  })

  test('a flood of questions is answered with nothing', async () => {
    await using crowd = new Crowd()
    const [ada, bob, mallory] = [await crowd.node('ada'), await crowd.node('bob'), await crowd.node('mallory')]
    await crowd.join(ada, bob)
    const space = homeOf(ada)
    await crowd.link(mallory, ada)
    const heard: string[] = []
    for (let time = 0; time < 12; time++) {
      const channel = await crowd.until(mallory.transport.open(ada.peer, STANDING_PROTOCOL))
      const framed = new FramedChannel(channel)
      await crowd.until(framed.send(encodeStanding({ is: 'ask', space }), { signal }))
      heard.push(decodeStanding(await crowd.until(framed.read(1_000, { signal }))).is)
      channel.abort(new Error('next'))
      await crowd.run(10)
    }
    assert.deepEqual(new Set(heard.slice(0, 5)), new Set(['show']))
    assert.deepEqual(new Set(heard.slice(5)), new Set(['unknown']))
  })
})

suite('a linking whose old device is killed', () => {
  test('at any moment is finished or taken back at its next start', async () => {
    for (const after of [1, 10, 20, 40, 80, 160]) {
      await using crowd = new Crowd()
      const [desk, laptop] = [await crowd.node('desk'), await crowd.node('laptop')]
      await crowd.until(desk.spaces.create({ name: 'home', personal: false }))
      let words = ''
      let ticket = ''
      const offered = desk.linking.offer({
        name: 'desk',
        addresses: desk.transport.addresses(),
        onStep: (step) => {
          if (step.is === 'ticket') ticket = step.ticket
          if (step.is === 'words') words = step.words.join(' ')
        },
      })
      const used = laptop.linking.link(ticket, { name: 'laptop' })
      const outcomes = Promise.allSettled([offered, used])
      await crowd.run(2_000)
      desk.linking.confirm(words)
      laptop.linking.confirm(words)
      await crowd.run(after)
      cpSync(join(crowd.folder, 'desk'), join(crowd.folder, 'desk-2'), { recursive: true })
      crowd.network.kill(desk.peer)
      await crowd.stop(desk)
      await crowd.until(outcomes)
      const again = await crowd.node('desk-2', { name: 'desk' })
      await crowd.link(laptop, again)
      await crowd.run(120_000)
      const isMember = again.spaces.list().map(({ id }) => again.spaces.roleOf(id, laptop.peer) !== undefined)
      const isLinked = laptop.keys.identity.certify === undefined
      assert.equal(new Set(isMember).size, 1, `after ${after} ms: in all spaces or in none`)
      assert.equal(isMember[0], isLinked, `after ${after} ms: both say the same`)
      assert.equal(laptop.keys.next, undefined)
    }
  })
})
