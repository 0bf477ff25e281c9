import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Events, type PeerId, peerIdOfKey, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { Link, TransportEvents } from '../../../src/network/index.ts'
import { Doorkeeper, STRANGER_TIMEOUT_MS, STRANGERS_MAX } from '../../../src/node/doorkeeper.ts'

const peer = (n: number): PeerId => peerIdOfKey(new Uint8Array(32).fill(n))

/** A house with links, and who was turned out of it. */
class House {
  readonly clock = new VirtualClock()
  readonly events = new Events<TransportEvents>(silentLogger())
  readonly members = new Set<PeerId>()
  readonly turnedOut: PeerId[] = []
  readonly #links = new Map<PeerId, Link>()
  readonly keeper = new Doorkeeper({
    transport: {
      events: this.events,
      links: () => [...this.#links.values()],
      disconnect: async (gone) => {
        this.turnedOut.push(gone)
        this.#links.delete(gone)
        this.events.emit('peer:disconnect', { peer: gone, reason: 'test' })
      },
    },
    isMember: (candidate) => this.members.has(candidate),
    clock: this.clock,
    log: silentLogger(),
  })

  enter(who: PeerId, direction: Link['direction'] = 'inbound'): void {
    const link: Link = { peer: who, direction, kind: 'direct', address: '/x', encryption: 'simulated', since: 0 }
    this.#links.set(who, link)
    this.events.emit('peer:connect', link)
  }
}

async function house(): Promise<House> {
  const made = new House()
  await made.keeper.start()
  return made
}

test('a stranger who does not join is turned out after a while, one who joins stays', async () => {
  const home = await house()
  home.enter(peer(1))
  home.enter(peer(2))
  home.clock.advance(STRANGER_TIMEOUT_MS / 2)
  assert.deepEqual(home.turnedOut, [])
  home.members.add(peer(2))
  home.clock.advance(STRANGER_TIMEOUT_MS)
  assert.deepEqual(home.turnedOut, [peer(1)])
  assert.deepEqual(home.keeper.status().figures, { strangers: 0, strangersClosed: 1 })
  await home.keeper.stop()
})

test('however many strangers come, members find room', async () => {
  const home = await house()
  home.members.add(peer(200))
  home.enter(peer(200))
  for (let n = 0; n < STRANGERS_MAX + 3; n++) home.enter(peer(n))
  assert.deepEqual(home.turnedOut, [peer(0), peer(1), peer(2)], 'the oldest go')
  assert.equal(home.keeper.status().figures?.strangers, STRANGERS_MAX)
  await home.keeper.stop()
})

test('whom we dialled is not turned out: it may be the one who lets us in', async () => {
  const home = await house()
  home.enter(peer(1), 'outbound')
  home.clock.advance(STRANGER_TIMEOUT_MS * 2)
  assert.deepEqual(home.turnedOut, [])
  await home.keeper.stop()
})

test('who was a member and is none any more is a stranger from then on', async () => {
  const home = await house()
  home.members.add(peer(1))
  home.enter(peer(1))
  home.clock.advance(STRANGER_TIMEOUT_MS * 2)
  home.members.delete(peer(1))
  home.clock.advance(STRANGER_TIMEOUT_MS / 2)
  assert.deepEqual(home.turnedOut, [])
  home.clock.advance(STRANGER_TIMEOUT_MS)
  assert.deepEqual(home.turnedOut, [peer(1)])
  await home.keeper.stop()
})

test('links that were there before the start are looked at too, and none after the end', async () => {
  const home = new House()
  home.enter(peer(1))
  await home.keeper.start()
  assert.equal(home.keeper.status().figures?.strangers, 1)
  await home.keeper.stop()
  home.clock.advance(STRANGER_TIMEOUT_MS * 2)
  assert.deepEqual(home.turnedOut, [])
  assert.equal(home.clock.pendingTimers, 0)
})
