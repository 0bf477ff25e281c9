import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure, holdings, Neighbourhood, texts } from './neighbourhood.ts'

test('a peer whose space is full takes membership but no more data, asks little, and catches up when it has room', async () => {
  await using town = new Neighbourhood(11)
  const { space, peers } = await town.village(3)
  const [writer, full, other] = [peers[0]!, peers[1]!, peers[2]!]
  const { bytes } = full.journal.usage(space)
  full.journal.setQuota(space, { bytes: bytes + 4_000, authorShare: 1 })
  const many = Array.from({ length: 200 }, (_, n) => `thought ${n}`)
  await town.think(writer, space, ...many)
  await town.run(30_000)
  const held = texts(full, space).length
  assert.ok(held > 0 && held < 30, `${held}`)
  assert.equal(texts(other, space).length, 200)
  assert.deepEqual(full.journal.usage(space).full, [undefined])
  assert.equal(figure(full, 'parked') || 0, 0)

  const before = figure(writer, 'served') + figure(other, 'served')
  await town.run(600_000)
  const asked = figure(writer, 'served') + figure(other, 'served') - before
  assert.ok(asked <= 10 * 200, `${asked} records were sent in vain in ten minutes`)

  const late = await town.start(4)
  await town.admit(writer, late, space)
  await town.run(5_000)
  assert.ok(
    full.spaces.get(space)?.members.some(({ peer }) => peer === late.id),
    'membership goes on',
  )

  full.journal.setQuota(space, { bytes: 0, authorShare: 1 })
  await town.run(10_000)
  assert.equal(texts(full, space).length, 200)
  assert.equal(holdings(full, space), holdings(writer, space))
})
