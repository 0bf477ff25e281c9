import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Crowd, type Life } from './crowd.ts'
import { BODY_BYTES, CALM_MS, storm } from './storm.ts'

test('200 members, 30 % churn, 5 % loss: everyone alive has everything soon after calm, at little more than one copy each', async (t) => {
  const outcome = await storm({ seed: 1, members: 200, messages: 60 })
  t.diagnostic(`${outcome.copies.toFixed(2)} copies, ${outcome.calmMs.toFixed(0)} ms after calm`)
  assert.ok(outcome.lost > 1000, 'many writes vanished')
  assert.equal(outcome.alive, 199)
  assert.equal(outcome.complete, 199, 'what is not yet forgotten reaches also who came late')
  assert.equal(outcome.repeats, 0)
  assert.equal(outcome.faults, 0, 'no honest member breaks a rule')
  assert.ok(outcome.calmMs <= CALM_MS)
  assert.ok(outcome.copies <= 1.3, `${outcome.copies} full copies of each message were received`)
  assert.ok(outcome.controlBytes < BODY_BYTES / 2, `${outcome.controlBytes} bytes besides, for each message`)
})

test('in a small crowd, for many seeds: everything comes, or is known to be missed', async () => {
  for (let seed = 2; seed < 6; seed++) {
    const outcome = await storm({ seed, members: 12, messages: 40 })
    assert.equal(outcome.unaware, 0, `seed ${seed}`)
    assert.equal(outcome.repeats, 0, `seed ${seed}`)
    assert.equal(outcome.faults, 0, `seed ${seed}`)
    assert.ok(outcome.deliveredShare > 0.99, `seed ${seed}: ${outcome.deliveredShare}`)
  }
})

test('the same seed gives the same storm', async () => {
  const once = await storm({ seed: 3, members: 10, messages: 20 })
  assert.deepEqual(await storm({ seed: 3, members: 10, messages: 20 }), once)
})

test('a group that becomes small is reached straight, and nothing is lost or heard twice on the way', async () => {
  await using crowd = new Crowd({ members: 6, degree: 12, seed: 1, directMembersMax: 4 })
  await crowd.start()
  const [speaker, ...others] = crowd.alive as [Life, ...Life[]]
  const copies = (): number => others.reduce((sum, { bus }) => sum + (bus.status().figures?.copiesIn ?? 0), 0)
  for (let number = 1; number <= 5; number++) await speaker.say(number)
  await crowd.pass(2000)
  const alongTree = copies()
  assert.ok(alongTree >= 5 * others.length)
  const [outcast, ...stayed] = others as [Life, ...Life[]]
  crowd.expel(outcast.peer)
  for (let number = 6; number <= 10; number++) await speaker.say(number)
  await crowd.pass(2000)
  assert.equal(copies(), alongTree, 'nothing more is carried by a tree')
  for (const life of stayed) {
    assert.deepEqual(
      life.heard.map(({ number }) => number),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
    assert.equal(life.missed.size, 0)
  }
  assert.equal(outcast.heard.length, 5)
})
