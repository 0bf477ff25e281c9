/** A whole peer whose space is full: what it says, what it refuses, and that it goes on by itself. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createNode } from '../../../src/node/index.ts'

const TEXT = 'a thought of some length '.repeat(40)

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-room-'))
})
after(() => rmSync(folder, { recursive: true }))

test('a full space is told in status and refuses own data, across a restart, until it has room', async () => {
  {
    await using node = await createNode({ folder, name: 'ada', network: false })
    await node.spaces.create({ name: 'lab', personal: false })
    const { space, bytes, quotaBytes, authorShare } = await node.call('space.quota', { space: 'lab' })
    assert.deepEqual([quotaBytes, authorShare], [10 * 1024 ** 3, 0.5])
    assert.ok(bytes > 0)
    await node.call('space.quota', { space: space.id, bytes: bytes + 5_000 })
    await node.call('thought.share', { text: TEXT, space: 'lab' })
    await assert.rejects(
      async () => {
        for (;;) await node.call('thought.share', { text: TEXT, space: 'lab' })
      },
      { code: 'ERR_SPACE_QUOTA', fix: /plexus space quota/ },
    )
    const store = node.status().components.find(({ name }) => name === 'store')
    assert.equal(store?.state, 'degraded')
    assert.match(store?.reason ?? '', /the space "lab" holds \d+ of \d+ bytes: no data records are taken/)
    assert.match(store?.fix ?? '', /plexus space quota/)
    await node.call('thought.share', { text: TEXT, private: true })
  }
  await using node = await createNode({ folder, network: false })
  await assert.rejects(node.call('thought.share', { text: TEXT, space: 'lab' }), { code: 'ERR_SPACE_QUOTA' })
  const agent = { caller: { kind: 'agent', client: 'test' } } as const
  await assert.rejects(node.call('space.quota', { space: 'lab', bytes: 0 }, agent), { code: 'ERR_FOR_PEOPLE' })
  await node.call('space.quota', { space: 'lab', bytes: 0 })
  await node.call('thought.share', { text: TEXT, space: 'lab' })
  assert.equal(node.status().components.find(({ name }) => name === 'store')?.state, 'ok')
  const { spaces } = node.status()
  assert.equal(spaces.find(({ name }) => name === 'lab')?.quotaBytes, 0)
})

test('what was shared is found at once, by the thread that searches', async () => {
  await using node = await createNode({ folder, network: false })
  for (let number = 0; number < 30; number++) {
    await node.call('thought.share', { text: `zebra number${number}`, private: true })
    const { thoughts } = await node.call('thought.recall', { query: `number${number}` })
    assert.equal(thoughts[0]?.text, `zebra number${number}`)
  }
  const { thoughts } = await node.call('thought.recall', { query: 'zebra', space: 'lab' })
  assert.deepEqual(thoughts, [])
  const figures = node.status().components.find(({ name }) => name === 'store')?.figures
  assert.equal(figures?.searchThreads, 1)
})
