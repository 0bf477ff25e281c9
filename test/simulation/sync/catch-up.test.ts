import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index + 1}`)
}

test('a joiner holds what the host holds, and both know it', async () => {
  await using town = new Neighbourhood(1)
  const host = await town.start(1)
  const guest = await town.start(2)
  const { id } = await town.until(host.spaces.create({ name: 'lab', personal: false }))
  await town.think(host, id, 'a', 'b', 'c')
  const ticket = await town.invite(host, id)
  const steps: string[] = []
  const report = await town.until(guest.sync.join(ticket, { name: 'guest', onStep: (step) => steps.push(step) }))
  assert.deepEqual(steps, ['ticket-read', 'connected', 'admitted', 'membership-received', 'in-step'])
  // Genesis, key, invite, admission, key for the guest; and three thoughts.
  assert.deepEqual(report, { space: id, name: 'lab', issuer: host.id, members: 2, records: 8 })
  assert.equal(holdings(guest, id), holdings(host, id))
  await town.run(1_000)
  assert.deepEqual(guest.sync.progress(), [{ space: id, behind: 0, inStepWith: [host.id], parked: 0 }])
  assert.deepEqual(host.sync.progress(), [{ space: id, behind: 0, inStepWith: [guest.id], parked: 0 }])
})

test('what one writes is with all others in the same breath', async () => {
  await using town = new Neighbourhood(2)
  const { space, peers } = await town.village(4)
  const fetched = peers.map((peer) => figure(peer, 'fetched'))
  for (const peer of peers) await town.think(peer, space, `from ${peer.name}`)
  await town.run(50)
  for (const peer of peers) assert.equal(texts(peer, space).length, 4)
  await town.run(2_000)
  for (const peer of peers) assert.equal(holdings(peer, space), holdings(peers[0]!, space))
  assert.deepEqual(
    peers.map((peer) => figure(peer, 'fetched')),
    fetched,
    'what came by itself was not fetched as well',
  )
})

test('members who are not linked to the author hear of its records from others', async () => {
  await using town = new Neighbourhood(3)
  const [a, b, c] = [await town.start(1), await town.start(2), await town.start(3)]
  const { id } = await town.until(b.spaces.create({ name: 'line', personal: false }))
  await town.admit(b, a, id)
  await town.admit(b, c, id)
  await town.run(2_000)
  await town.think(a, id, 'over the hill')
  await town.run(1_000)
  assert.deepEqual(texts(c, id), ['over the hill'])
})

test('500 records written while a peer is away are all there after it comes back', async () => {
  await using town = new Neighbourhood(4)
  const { space, peers } = await town.village(3)
  await town.think(peers[2]!, space, 'before')
  await town.run(1_000)
  await town.kill(3)
  await town.think(peers[0]!, space, ...numbered('a', 300))
  await town.think(peers[1]!, space, ...numbered('b', 200))
  await town.run(10_000)
  const back = await town.start(3)
  await town.mesh()
  await town.run(5_000)
  assert.equal(holdings(back, space), holdings(peers[0]!, space))
  assert.equal(holdings(peers[1]!, space), holdings(peers[0]!, space))
  assert.equal(texts(back, space).length, 501)
  assert.equal(figure(back, 'fetched'), 500, 'each record was fetched once, though two peers hold it')
})

test('two halves that wrote apart are one after the partition', async () => {
  await using town = new Neighbourhood(5)
  const { space, peers } = await town.village(6)
  const ids = peers.map(({ id }) => id)
  town.network.partition(ids.slice(0, 3), ids.slice(3))
  for (const peer of peers) await town.think(peer, space, ...numbered(peer.name, 20))
  await town.run(120_000)
  assert.equal(texts(peers[0]!, space).length, 60)
  assert.equal(texts(peers[5]!, space).length, 60)
  town.network.heal()
  await town.run(10_000)
  await town.mesh()
  await town.run(60_000)
  for (const peer of peers) {
    assert.equal(holdings(peer, space), holdings(peers[0]!, space))
    assert.equal(texts(peer, space).length, 120)
  }
})

test('a long run of own records is announced and fetched in bulk', async () => {
  await using town = new Neighbourhood(6)
  const { space, peers } = await town.village(3)
  const before = figure(peers[1]!, 'fetched')
  await town.think(peers[0]!, space, ...numbered('n', 2_000))
  await town.run(5_000)
  for (const peer of peers) assert.equal(holdings(peer, space), holdings(peers[0]!, space))
  assert.ok(figure(peers[1]!, 'fetched') - before > 1_000)
})

test('a late joiner is helped by all members and fetches nothing twice', async () => {
  await using town = new Neighbourhood(7)
  const { space, peers } = await town.village(4)
  for (const peer of peers) await town.think(peer, space, ...numbered(peer.name, 400))
  await town.run(10_000)
  const late = await town.start(5)
  const ticket = await town.invite(peers[0]!, space)
  const joining = late.sync.join(ticket, { name: 'late' })
  for (const peer of peers) await town.link(late, peer)
  await town.until(joining)
  await town.run(10_000)
  assert.equal(holdings(late, space), holdings(peers[0]!, space))
  assert.equal(figure(late, 'fetched'), 1_600)
})

test('records of an author who is not known yet wait for the control records that admit it', async () => {
  await using town = new Neighbourhood(8)
  const { space, peers } = await town.village(3)
  const [founder, admin, third] = [peers[0]!, peers[1]!, peers[2]!]
  await town.until(founder.spaces.setRole(space, admin.id, 'admin'))
  await town.run(1_000)
  // The admission is known to `admin` alone, who is cut off; the new member then links to `third` by itself.
  town.network.partition([admin.id], [founder.id, third.id])
  const guest = await town.start(9)
  await town.admit(admin, guest, space)
  await town.think(guest, space, 'hello from nowhere')
  await town.link(guest, third)
  await town.run(60_000)
  assert.deepEqual(texts(third, space), [], 'a stranger to third: no lanes')
  town.network.heal()
  await town.run(60_000)
  await town.mesh()
  await town.run(120_000)
  for (const peer of [founder, admin, third]) {
    assert.deepEqual(texts(peer, space), ['hello from nowhere'])
    assert.equal(holdings(peer, space), holdings(guest, space))
  }
})
