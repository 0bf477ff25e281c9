import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Events,
  type PeerId,
  peerIdOfKey,
  type SpaceId,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import {
  type ContactStatus,
  runFor,
  runUntil,
  SimulatedDirectory,
  type TransportEvents,
} from '../../../src/network/index.ts'
import { ANNOUNCE_MS, MemberDiscovery } from '../../../src/node/member-discovery.ts'
import { DISCOVERY_WINDOW_MS, memberKey, type SpaceEvents, type SpaceInfo } from '../../../src/space/index.ts'

const SPACE = 'ab'.repeat(32) as SpaceId
const SECRET = new Uint8Array(32).fill(7)
const [ANN, BEN, EVE] = [1, 2, 3].map((n) => peerIdOfKey(new Uint8Array(32).fill(n))) as [PeerId, PeerId, PeerId]

interface Member {
  readonly discovery: MemberDiscovery
  readonly learned: { readonly peer: PeerId; readonly addresses: readonly string[] }[]
  addresses: readonly string[]
  state: ContactStatus['state']
}

/** Two members of one space and whatever they ask of a directory, on a virtual clock. */
class Town {
  readonly clock = new VirtualClock(20_000 * DISCOVERY_WINDOW_MS + 12 * 3_600_000)
  readonly directory = new SimulatedDirectory({ clock: this.clock })

  async member(self: PeerId, other: PeerId, secret: Uint8Array = SECRET): Promise<Member> {
    const log = silentLogger()
    const member: Omit<Member, 'discovery'> = {
      learned: [],
      addresses: [`/ip4/10.0.0.1/tcp/1/p2p/${self}`],
      state: 'waiting',
    }
    const space = {
      id: SPACE,
      personal: false,
      self: {},
      members: [{ peer: self }, { peer: other }],
    } as unknown as SpaceInfo
    const contact = (): ContactStatus => {
      return { peer: other, state: member.state, reason: undefined, since: 0, nextAttemptAt: undefined, addresses: [] }
    }
    const discovery = new MemberDiscovery({
      discovery: this.directory.discoveryOf(self),
      spaces: { events: new Events<SpaceEvents>(log), list: () => [space], discoverySecret: () => secret },
      keeper: {
        contacts: () => [contact()],
        learn: (peer, addresses) => void member.learned.push({ peer, addresses }),
      },
      transport: { self, addresses: () => member.addresses, events: new Events<TransportEvents>(log) },
      clock: this.clock,
      random: seededRandom(1),
      log,
    })
    await discovery.start()
    return Object.assign(member, { discovery })
  }
}

test('members that cannot reach each other learn where the other is', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  const ben = await town.member(BEN, ANN)
  await runFor(town.clock, 60_000)
  assert.deepEqual(ann.learned[0], { peer: BEN, addresses: ['/ip4/10.0.0.1/tcp/1'] })
  assert.deepEqual(ben.learned[0]?.peer, ANN)
  assert.equal(ann.discovery.status().state, 'ok')
  await Promise.all([ann.discovery.stop(), ben.discovery.stop()])
  assert.equal(town.clock.pendingTimers, 0)
})

test('who is linked is not looked for', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  const ben = await town.member(BEN, ANN)
  ann.state = 'linked'
  await runFor(town.clock, 600_000)
  assert.deepEqual(ann.learned, [])
  assert.ok(ben.learned.length > 0)
})

test('whoever does not have the secret finds nobody, and is found by nobody', async () => {
  const town = new Town()
  await town.member(ANN, EVE)
  const eve = await town.member(EVE, ANN, new Uint8Array(32).fill(8))
  await runFor(town.clock, 3_600_000)
  assert.deepEqual(eve.learned, [])
})

test('what others announce under the key of a member is nothing to us', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  // Eve saw the key that Ann asks for.
  const announcing = town.directory.discoveryOf(EVE).announce(memberKey(SECRET, BEN, 20_000), ['/ip4/10.0.0.66/tcp/6'])
  await runFor(town.clock, 600_000)
  await announcing
  assert.deepEqual(ann.learned, [])
})

test('over days, they keep finding each other under keys of the day', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  await town.member(BEN, ANN)
  for (let day = 0; day < 3; day++) {
    ann.learned.length = 0
    await runFor(town.clock, DISCOVERY_WINDOW_MS)
    assert.ok(ann.learned.length > 20, `${ann.learned.length} times on day ${day}`)
  }
  const keys = town.directory.discoveryOf(EVE).figures().keys ?? 0
  assert.ok(keys >= 8 && keys <= 10, `${keys} keys: two of each day`)
})

test('a directory that is down is told with a reason, asked less and less often, and used once it is back', async () => {
  const town = new Town()
  town.directory.isUp = false
  const ann = await town.member(ANN, BEN)
  const ben = await town.member(BEN, ANN)
  await runFor(town.clock, 3_600_000)
  const { state, reason, fix } = ann.discovery.status()
  assert.deepEqual([state, reason], ['degraded', 'the directory does not answer'])
  assert.ok(fix)
  town.directory.isUp = true
  await runFor(town.clock, ANNOUNCE_MS)
  assert.ok(ann.learned.length > 0 && ben.learned.length > 0)
  assert.equal(ann.discovery.status().state, 'ok')
})

test('a peer that nobody can reach says so', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  ann.addresses = []
  await runFor(town.clock, 60_000)
  const { state, reason } = ann.discovery.status()
  assert.equal(state, 'degraded')
  assert.match(reason ?? '', /none of its addresses/)
})

test('who holds a content is found by members of its space, for a day', async () => {
  const town = new Town()
  const ann = await town.member(ANN, BEN)
  const ben = await town.member(BEN, ANN)
  const eve = await town.member(EVE, ANN, new Uint8Array(32).fill(8))
  const content = 'c0'.repeat(32)
  const holders = async (of: Member, what: string = content): Promise<readonly PeerId[]> => {
    return await runUntil(
      town.clock,
      Array.fromAsync(of.discovery.findContent(SPACE, what), ({ peer }) => peer),
    )
  }
  await runUntil(town.clock, ann.discovery.announceContent(SPACE, content))
  assert.deepEqual(await holders(ben), [ANN])
  assert.deepEqual(await holders(ben, 'c1'.repeat(32)), [])
  assert.deepEqual(await holders(eve), [])
  await runFor(town.clock, DISCOVERY_WINDOW_MS)
  assert.deepEqual(await holders(ben), [], 'unless it is announced again')
})
