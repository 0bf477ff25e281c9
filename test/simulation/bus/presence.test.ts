import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BusEvents } from '../../../src/bus/index.ts'
import { probeFrame } from '../../../src/bus/presence/presence-frames.ts'
import { type Attendant, type Meeting, meeting, read, stateOf, text } from './meeting.ts'
import { RawPeer } from './raw-peer.ts'

/** Two silent heartbeats after the last sign of life, then three rounds; each a fifth longer at most. */
const DETECTION_MS = 3 * 6_000 + 3 * 2_400

/** What one peer is told about another, as text. */
function chronicle(at: Attendant, about: Attendant): string[] {
  const lines: string[] = []
  const note = <Name extends keyof BusEvents>(name: Name, tell: (event: BusEvents[Name]) => string): void => {
    at.bus.events.on(name, (event) => {
      if ('peer' in event && event.peer === about.peer) lines.push(tell(event))
    })
  }
  note('peer:suspected', () => 'suspected')
  note('peer:recovered', ({ via }) => `recovered${via === undefined ? '' : ' by another'}`)
  note('peer:lost', ({ reason }) => `lost: ${reason}`)
  note('link:changed', ({ kind, before }) => `${before} to ${kind}`)
  return lines
}

async function everybodyLinked(size: number, seed = 1): Promise<Meeting> {
  const room = await meeting(size, seed)
  for (const [n, one] of room.all.entries()) await room.connect(one, ...room.all.slice(n + 1))
  await room.pass(5_000)
  return room
}

test('a link that falls silent is told from a peer that dies: another member reaches it, and passes messages on', async () => {
  await using room = await everybodyLinked(3)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  const told = chronicle(a, b)
  b.bus.respond('echo', async (body) => body)
  room.network.partition([a.peer], [b.peer])
  await room.pass(DETECTION_MS)
  assert.deepEqual(told.slice(0, 2), ['suspected', 'recovered by another'])
  assert.match(told[2] ?? '', /its link to us is silent, but .* reaches it/)
  assert.deepEqual(told.slice(3), ['direct to relayed'])
  const presence = a.bus.presence().find(({ peer }) => peer === b.peer)
  assert.equal(presence?.state, 'reachable')
  assert.equal(presence?.via, c.peer)
  assert.match(presence?.reason ?? '', /^reachable via .*silent/)
  const asked = a.bus.request(b.peer, 'echo', text('round the corner'))
  await room.pass(500)
  assert.equal(read(await asked), 'round the corner')

  room.network.heal()
  await room.connect(a, b)
  await room.pass(2_000)
  assert.equal(stateOf(a, b), 'ready')
  assert.equal(stateOf(b, a), 'ready')
  assert.equal(told.at(-1), 'relayed to direct')
})

test('a peer that dies silently is gone within the bound, and nobody passes on to it', async () => {
  await using room = await everybodyLinked(4)
  const [a, b] = room.all as [Attendant, Attendant]
  const told = chronicle(a, b)
  room.network.freeze(b.peer)
  await room.pass(DETECTION_MS)
  assert.deepEqual(told.slice(0, 2), ['suspected', 'lost: no sign of life, and nobody who was asked reaches it'])
  await room.pass(5_000)
  assert.equal(stateOf(a, b), 'connecting')
  await assert.rejects(a.bus.request(b.peer, 'echo', text('')), { code: 'ERR_PEER_NOT_READY' })
})

test('a peer that wakes in time keeps its lanes, and what was sent meanwhile arrives', async () => {
  await using room = await meeting(2)
  const [a, b] = room.all as [Attendant, Attendant]
  await room.connect(a, b)
  await room.pass(2_000)
  const told = chronicle(a, b)
  const heard: string[] = []
  b.bus.receive('note', ({ body }) => void heard.push(read(body)))
  room.network.freeze(b.peer)
  while (stateOf(a, b) === 'ready') await room.pass(500)
  assert.equal(a.bus.presence()[0]?.fix, 'Nothing to do: others are asked whether they reach it.')
  assert.equal(a.bus.status().state, 'degraded')
  await a.bus.send(b.peer, 'note', text('sleep well'))
  room.network.thaw(b.peer)
  await room.pass(2_500)
  assert.deepEqual(told, ['suspected', 'recovered'], 'and nothing else')
  assert.deepEqual(heard, ['sleep well'])
  assert.equal(stateOf(a, b), 'ready')
})

test('whatever links fall silent, no member is gone while another reaches it, and each that is cut off is noticed in time', async () => {
  const size = 5
  const pair = fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 0, max: size - 1 }))
  const silentPairs = fc.uniqueArray(
    pair.filter(([x, y]) => x < y),
    { selector: ([x, y]) => `${x}-${y}`, maxLength: 6 },
  )
  await fc.assert(
    fc.asyncProperty(silentPairs, fc.integer({ min: 1, max: 1_000 }), async (pairs, seed) => {
      await using room = await everybodyLinked(size, seed)
      const silent = new Set(pairs.map(([x, y]) => `${x}-${y}`))
      const isSilent = (x: number, y: number): boolean => silent.has(x < y ? `${x}-${y}` : `${y}-${x}`)
      for (const [x, y] of pairs) room.network.partition([room.all[x]!.peer], [room.all[y]!.peer])
      await room.pass(DETECTION_MS + 5_000)
      for (let x = 0; x < size; x++) {
        for (let y = 0; y < size; y++) {
          if (x === y) continue
          const helped = room.all.some((_, z) => z !== x && z !== y && !isSilent(x, z) && !isSilent(z, y))
          const state = stateOf(room.all[x]!, room.all[y]!) ?? 'unknown'
          const expected = !isSilent(x, y) ? ['ready'] : helped ? ['reachable'] : ['offline', 'connecting']
          assert.ok(expected.includes(state), `${x} sees ${y} as ${state}, silent: ${[...silent].join(' ')}`)
        }
      }
    }),
    { numRuns: 25 },
  )
})

test('nobody is made to ping for others more than now and then, nor for those whom the asker may not know', async () => {
  await using room = await meeting(3)
  const [a, b, c] = room.all as [Attendant, Attendant, Attendant]
  await room.connect(a, b)
  await c.bus.stop()
  const raw = new RawPeer(c.transport)
  await room.connect(a, c)
  await Promise.all([raw.open(a.peer), room.pass(500)])
  const before = b.bus.status().figures?.bytesIn ?? 0
  for (let token = 0; token < 1_000; token++) await raw.say('control', probeFrame({ token, about: b.peer }))
  await room.pass(1_000)
  const after = b.bus.status().figures?.bytesIn ?? 0
  assert.ok((a.bus.status().figures?.probesRefused ?? 0) > 900)
  assert.ok(after - before < 100 * 9, `${after - before} bytes for a thousand questions`)
  a.door.secret.add(b.peer)
  const refused = a.bus.status().figures?.probesRefused ?? 0
  await raw.say('control', probeFrame({ token: 1, about: b.peer }))
  await room.pass(100)
  assert.equal(a.bus.status().figures?.probesRefused, refused + 1)
  raw.stop()
})
