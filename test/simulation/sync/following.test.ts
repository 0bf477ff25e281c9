/** What peers follow: by cursors, by ranges, over cut links, with less than everything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import type { Peer } from '../../support/peer.ts'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index + 1}`)
}

/** Counts the questions of one kind that a peer puts. */
function questions(peer: Peer): Map<string, number> {
  const counts = new Map<string, number>()
  const request = peer.bus.request.bind(peer.bus)
  peer.bus.request = (to, kind, body, options) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return request(to, kind, body, options)
  }
  return counts
}

function bodiesOf(peer: Peer, space: SpaceId, author: PeerId): readonly boolean[] {
  const head = peer.journal.heads(space).find((one) => one.author === author && one.log.startsWith('01'))
  const has: boolean[] = []
  while (head !== undefined && has.length < head.seq) {
    const frames = peer.journal.frames(space, author, head.log, has.length + 1, head.seq)
    has.push(...frames.map(({ body }) => body !== null))
  }
  return has
}

test('who comes back asks for what is new by its cursor, also after a restart of either', async () => {
  await using town = new Neighbourhood(21)
  const { space, peers } = await town.village(2)
  await town.think(peers[0]!, space, ...numbered('before', 30))
  await town.run(200_000)
  await town.kill(2)
  await town.think(peers[0]!, space, ...numbered('away', 5))
  await town.run(1_000)
  await town.kill(1)
  const [host, back] = [await town.start(1), await town.start(2)]
  const counts = questions(back)
  await town.link(back, host)
  await town.run(5_000)
  assert.equal(holdings(back, space), holdings(host, space))
  assert.equal(texts(back, space).length, 35)
  assert.deepEqual(
    [counts.get('sync.since'), counts.get('sync.have'), counts.get('sync.range')],
    [1, undefined, undefined],
  )
  assert.equal(figure(back, 'fetched'), 5)
})

test('a cursor is not believed once membership has changed', async () => {
  await using town = new Neighbourhood(22)
  const { space, peers } = await town.village(2)
  await town.run(200_000)
  const [host, guest] = [peers[0]!, peers[1]!]
  const counts = questions(guest)
  await town.until(host.spaces.setRole(space, guest.id, 'admin'))
  await town.run(1_000)
  await town.unlink(host, guest)
  await town.think(host, space, 'while nobody looked')
  counts.clear()
  await town.link(guest, host)
  await town.run(20_000)
  assert.deepEqual(texts(guest, space), ['while nobody looked'])
})

test('a link that is cut again and again: what came once does not come again', async () => {
  await using town = new Neighbourhood(23)
  const { space, peers } = await town.village(2)
  const [host, late] = [peers[0]!, peers[1]!]
  await town.kill(2)
  await town.think(host, space, ...numbered('n', 3_000))
  await town.run(1_000)
  const back = await town.start(2)
  for (let round = 0; round < 200 && texts(back, space).length < 3_000; round++) {
    await town.link(back, host)
    await town.run(round < 20 ? 5 + round * 3 : 60_000)
    await town.unlink(back, host)
  }
  assert.equal(late.id, back.id)
  assert.equal(texts(back, space).length, 3_000)
  assert.ok(figure(back, 'fetched') - 3_000 <= 20 * 256, `${figure(back, 'fetched')} frames for 3000 records`)
})

test('many logs, of which a few differ, are compared by ranges', async () => {
  await using town = new Neighbourhood(24)
  const { space, peers } = await town.village(3)
  for (let incarnation = 0; incarnation < 20; incarnation++) {
    for (const [index, peer] of peers.entries()) {
      await town.think(peer, space, `${index} ${incarnation}`)
      // Nothing is in the way of a new incarnation.
      peer.journal.database.exec('DELETE FROM own_log WHERE class = 1')
    }
  }
  await town.run(10_000)
  await town.kill(3)
  await town.think(peers[0]!, space, 'one more')
  await town.run(1_000)
  const back = await town.start(3)
  back.journal.database.exec('DELETE FROM sync_cursor')
  await town.kill(3)
  const again = await town.start(3)
  const counts = questions(again)
  await town.link(again, peers[0]!)
  await town.run(10_000)
  assert.equal(holdings(again, space), holdings(peers[0]!, space))
  assert.ok((counts.get('sync.range') ?? 0) >= 1)
  assert.equal(counts.get('sync.have'), undefined)
})

test('a peer that keeps headers fetches bodies when it wants them, and nobody takes it for more', async () => {
  await using town = new Neighbourhood(25)
  const { space, peers } = await town.village(3)
  const [author, light] = [peers[0]!, peers[1]!]
  light.sync.setReplication(space, { durable: 'headers' })
  await town.think(author, space, ...numbered('n', 400))
  await town.think(author, space, 'live')
  await town.think(light, space, 'of its own')
  await town.run(10_000)
  assert.equal(holdings(light, space), holdings(author, space))
  assert.deepEqual(new Set(bodiesOf(light, space, author.id)), new Set([false]))
  assert.deepEqual(
    texts(light, space).filter((text) => text !== 'undefined'),
    ['of its own'],
  )
  assert.deepEqual(
    texts(author, space).filter((text) => text === 'of its own'),
    ['of its own'],
  )

  // A fourth member that meets only the light one gets what that wrote, and the rest once it meets others.
  const fourth = await town.start(4)
  await town.admit(author, fourth, space)
  await town.kill(4)
  await town.think(author, space, 'for all')
  await town.run(5_000)
  const back = await town.start(4)
  await town.link(back, light)
  await town.run(60_000)
  assert.ok(!texts(back, space).includes('undefined'), 'no record is taken without its body')
  await town.link(back, author)
  await town.run(60_000)
  assert.equal(texts(back, space).length, 403)

  const head = author.journal.heads(space).find((one) => one.author === author.id && one.log.startsWith('01'))!
  const range = { author: author.id, log: head.log, from: 3, to: 300 }
  assert.equal(await town.until(light.sync.fetchBodies(space, range)), 298)
  assert.equal(await town.until(light.sync.fetchBodies(space, range)), 0)
  assert.deepEqual(bodiesOf(light, space, author.id).filter((has) => has).length, 298)

  // It remembers over a restart, and fetches the rest when that is wanted.
  await town.kill(2)
  const restarted = await town.start(2)
  assert.deepEqual(restarted.sync.replication(space), { durable: 'headers', expiring: 'bodies' })
  await town.link(restarted, author)
  restarted.sync.setReplication(space, { durable: 'bodies' })
  await town.run(60_000)
  assert.equal(texts(restarted, space).filter((text) => text !== 'undefined').length, 403)
})

test('a class that is not kept is neither fetched nor missed', async () => {
  await using town = new Neighbourhood(26)
  const { space, peers } = await town.village(2)
  const [author, light] = [peers[0]!, peers[1]!]
  light.sync.setReplication(space, { expiring: 'nothing' })
  const exp = Math.floor(town.clock.now()) + 3_600_000
  const drafts = numbered('soon gone', 300).map((text) => {
    return { space, class: LOG_CLASS.expiring, kind: 64, body: { text }, exp }
  })
  await town.until(author.journal.appendAll(drafts))
  await town.think(author, space, 'stays')
  await town.run(60_000)
  assert.deepEqual(texts(light, space), ['stays'])
  const [progress] = light.sync.progress()
  assert.deepEqual([progress?.behind, progress?.inStepWith], [0, [author.id]])
  light.sync.setReplication(space, { expiring: 'bodies' })
  await town.run(60_000)
  assert.equal(texts(light, space).length, 301)
})

test('who is removed half way through a WANT gets no more of it', async () => {
  await using town = new Neighbourhood(27)
  const { space, peers } = await town.village(2)
  const [host, guest] = [peers[0]!, peers[1]!]
  await town.kill(2)
  await town.think(host, space, ...numbered('n', 4_000))
  await town.run(1_000)
  const back = await town.start(2)
  const removed = Promise.withResolvers<void>()
  using _first = back.journal.events.on('record:stored', () => {
    host.spaces.revoke(space, guest.id).then(() => removed.resolve(), removed.reject)
  })
  await town.link(back, host)
  await town.until(removed.promise)
  await town.run(120_000)
  assert.ok(texts(back, space).length < 4_000, `${texts(back, space).length} came`)
  await town.link(back, host).catch(() => undefined)
  await town.run(120_000)
  assert.ok(texts(back, space).length < 4_000)
})

test('what an admin erased comes back to those who heard it once the erasure is void', async () => {
  await using town = new Neighbourhood(31)
  const founder = await town.start(1)
  const { id: space } = await town.until(founder.spaces.create({ name: 'village', personal: false }))
  const [deputy, author, heard] = [await town.start(2), await town.start(3), await town.start(4)]
  await town.admit(founder, deputy, space, 'admin')
  for (const peer of [author, heard]) await town.admit(deputy, peer, space)
  await town.mesh()
  const [record] = await town.think(author, space, 'to be erased')
  await town.run(10_000)

  for (const peer of [deputy, author, heard]) await town.unlink(founder, peer)
  await town.unlink(author, deputy)
  await town.unlink(author, heard)
  await town.until(deputy.spaces.erase(space, record!.id))
  await town.run(5_000)
  assert.deepEqual(
    [heard, author].map((peer) => texts(peer, space)),
    [['undefined'], ['to be erased']],
  )

  // Whoever keeps the body comes only after the others have all heard that the erasure is void.
  await town.until(founder.spaces.revoke(space, deputy.id))
  await town.link(founder, heard)
  await town.run(5_000)
  await town.link(author, heard)
  await town.run(10_000)
  for (const peer of [founder, author, heard]) assert.deepEqual(texts(peer, space), ['to be erased'])
})
