import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

const MEMBERS = 8
const ROUNDS = 4

/** A village that publishes along a tree, whose members stand in a ring, each linked with the two on its left and on its right. */
async function ring(town: Neighbourhood) {
  const village = await town.village(MEMBERS)
  for (const [index, a] of village.peers.entries()) {
    for (const [other, b] of village.peers.entries()) {
      const distance = Math.min(Math.abs(index - other), MEMBERS - Math.abs(index - other))
      if (index < other && distance > 2) await town.unlink(a, b)
    }
  }
  await town.run(2000)
  return village
}

test('records come from authors without a link, along the tree, as they are written', async () => {
  await using town = new Neighbourhood(1, { directMembersMax: 0 })
  const { space, peers } = await ring(town)
  // The first messages of each show where its tree was broken with the links.
  for (let round = 1; round < ROUNDS; round++) {
    for (const peer of peers) await town.think(peer, space, `${round} from ${peer.name}`)
    await town.run(5000)
  }
  const fetched = peers.map((peer) => figure(peer, 'fetched'))
  for (const peer of peers) {
    assert.equal(peer.transport.links().length, 4)
    await town.think(peer, space, `from ${peer.name}`)
  }
  await town.run(1000)
  for (const peer of peers) assert.equal(texts(peer, space).length, ROUNDS * MEMBERS)
  const more = peers.map((peer, index) => figure(peer, 'fetched') - (fetched[index] ?? 0))
  const all = MEMBERS * (MEMBERS - 1)
  assert.ok(sum(more) < all / 2, `${sum(more)} of ${all} were not brought by the tree, but fetched`)
})

test('who learns that it missed messages compares with a member, and has the records', async () => {
  await using town = new Neighbourhood(2, { directMembersMax: 0 })
  const { space, peers } = await ring(town)
  const [author, ...others] = peers as [(typeof peers)[number], ...(typeof peers)[number][]]
  const away = others[3]!
  for (const { peer } of away.transport.links()) town.network.cut(away.id, peer)
  await town.run(1000)
  await town.think(author, space, 'while it is away')
  await town.run(40_000)
  await town.link(away, peers[3]!)
  await town.run(5000)
  for (const peer of peers) assert.equal(holdings(peer, space), holdings(author, space))
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
