import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attendant, type Meeting, meeting, read, stateOf, text } from './meeting.ts'

/** Two that are linked over a third, who relays. */
async function relayed(seed: number): Promise<{ room: Meeting; a: Attendant; b: Attendant; upgrade: () => void }> {
  const room = await meeting(3, seed)
  const [a, b, relay] = room.all as [Attendant, Attendant, Attendant]
  const [where = ''] = relay.transport.addresses()
  a.transport.dial(b.peer, [`${where}/p2p-circuit`]).catch(() => undefined)
  await room.pass(500)
  assert.equal(a.transport.links()[0]?.kind, 'relayed')
  assert.equal(stateOf(a, b), 'ready')
  const upgrade = (): void => {
    a.transport.dial(b.peer, b.transport.addresses(), { direct: true }).catch(() => undefined)
  }
  return { room, a, b, upgrade }
}

for (const seed of [1, 2, 3, 4]) {
  test(`lanes move to a direct link: nothing is lost, doubled or out of order (seed ${seed})`, async () => {
    const { room, a, b, upgrade } = await relayed(seed)
    await using _room = room
    const events: string[] = []
    for (const { bus } of [a, b]) {
      bus.events.on('peer:lost', ({ reason }) => events.push(`lost: ${reason}`))
      bus.events.on('messages:missed', ({ count }) => events.push(`missed ${count}`))
    }
    const heard = { a: [] as string[], b: [] as string[] }
    a.bus.subscribe('t', {}, async ({ body }) => void heard.a.push(read(body)))
    b.bus.subscribe('t', {}, async ({ body }) => void heard.b.push(read(body)))
    b.bus.respond('slow', async (body) => {
      await new Promise<void>((resolve) => room.clock.setTimer(3_000, resolve))
      return body
    })
    const answer = a.bus.request(b.peer, 'slow', text('asked before'), { timeoutMs: 10_000 })
    const said: string[] = []
    for (let count = 0; count < 200; count++) {
      if (count === 50) upgrade()
      said.push(String(count))
      await Promise.all([a.bus.publish('t', 'k', text(String(count))), b.bus.publish('t', 'k', text(String(count)))])
      await room.pass(3)
    }
    await room.pass(60_000)
    assert.equal(read(await answer), 'asked before')
    assert.deepEqual(events, [])
    assert.deepEqual(b.bus.presence().find(({ peer }) => peer === a.peer)?.link?.kind, 'direct')
    assert.deepEqual(
      [a, b].map(({ transport }) => transport.links().filter(({ kind }) => kind === 'relayed').length),
      [0, 0],
    )
    // What was published here and what came from there are each in their order.
    assert.deepEqual(ofPeer(heard.a), { mine: said, theirs: said })
    assert.deepEqual(ofPeer(heard.b), { mine: said, theirs: said })
  })
}

/** Every number is heard twice: once from ourselves, once from the other; the first time is in order, and so is the second. */
function ofPeer(heard: readonly string[]): { mine: string[]; theirs: string[] } {
  const [mine, theirs]: [string[], string[]] = [[], []]
  const seen = new Set<string>()
  for (const one of heard) {
    if (seen.has(one)) theirs.push(one)
    else mine.push(one)
    seen.add(one)
  }
  return { mine, theirs }
}

test('bulk that is under way when the lanes move arrives whole', async () => {
  const { room, a, b, upgrade } = await relayed(5)
  await using _room = room
  const sizes: number[] = []
  b.bus.receive('blob', async ({ body }) => void sizes.push(body.byteLength))
  const sending = (async () => {
    for (let count = 1; count <= 100; count++) {
      await a.bus.send(b.peer, 'blob', new Uint8Array(50_000 + count), { priority: 'low' })
    }
  })()
  await room.pass(20)
  upgrade()
  await room.pass(20_000)
  await sending
  assert.deepEqual(
    sizes,
    Array.from({ length: 100 }, (_, index) => 50_001 + index),
  )
})
