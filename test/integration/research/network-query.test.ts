import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type SpaceId, seededRandom, silentLogger, systemClock } from '../../../src/base/index.ts'
import { type Bus, createBus, openAdmission } from '../../../src/bus/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'
import { route } from '../../../src/node/router.ts'
import { Research } from '../../../src/research/index.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'
import { admit, handOver, PERSON } from '../../unit/research/fixture.ts'

interface LivePeer extends DurableHalf {
  readonly bus: Bus
  readonly transport: Transport
  readonly research: Research
}

const SIZE = 5
const { signal } = new AbortController()
const clock = systemClock()
const log = silentLogger()

/** Identity, records, spaces, a bus over libp2p on the loopback interface, and a library; no sync, so that nothing is copied. */
async function livePeer(seed: number): Promise<LivePeer> {
  const half = durableHalf({ name: `peer-${seed}`, seed, clock })
  const deviceSeed = half.identity.exportDeviceSeed()
  const transport = await libp2pTransport({ deviceSeed })({ clock, log })
  const bus = createBus({ name: `peer-${seed}` })({
    transport,
    admission: openAdmission,
    clock,
    random: seededRandom(seed),
    log,
  })
  const research = new Research({}, { ...half, clock, log, bus })
  for (const view of research.views) half.journal.register(view)
  await transport.start()
  await bus.start()
  route(bus, research.handlers, assert.fail)
  return { ...half, bus, transport, research, [Symbol.dispose]: () => half[Symbol.dispose]() }
}

describe('research.query between real peers', () => {
  const peers: LivePeer[] = []
  let space: SpaceId

  before(async () => {
    for (let seed = 1; seed <= SIZE; seed++) peers.push(await livePeer(seed))
    const [host, ...guests] = peers as [LivePeer, ...LivePeer[]]
    space = (await host.spaces.create({ name: 'lab', personal: false })).id
    for (const guest of guests) await admit(host, guest, space)
    for (const guest of guests) handOver(host, guest, space)
    const [asker, ...others] = peers as [LivePeer, ...LivePeer[]]
    const ready = others.map(({ bus }) =>
      asker.bus.events.next('peer:ready', {
        signal: AbortSignal.timeout(20_000),
        matches: ({ peer }) => peer === bus.self,
      }),
    )
    await Promise.all(others.map(({ bus, transport }) => asker.transport.dial(bus.self, transport.addresses())))
    await Promise.all(ready)
  })

  after(async () => {
    for (const { bus, transport } of peers) {
      await bus.stop()
      await transport.stop()
    }
    for (const peer of peers) peer[Symbol.dispose]()
  })

  it('finds one paper of each of them and says who holds it', async () => {
    await Promise.all(
      peers.map(({ research }, n) => research.add({ title: `Consensus, part ${n}`, year: 2000 + n }, PERSON)),
    )
    const [asker] = peers as [LivePeer]
    const { answers, coverage } = await asker.research.ask({ question: 'consensus', deadlineMs: 10_000 }, signal)
    assert.deepEqual(coverage, { asked: SIZE - 1, answered: SIZE - 1, silent: [] })
    const held = answers.map(({ title, heldBy, signature }) => [title, heldBy[0]?.peer, signature])
    const expected = peers.map(({ bus }, n) => [`Consensus, part ${n}`, bus.self, n === 0 ? 'valid' : 'unverified'])
    assert.deepEqual(held.sort(), expected.sort())
  })

  it('answers with what there is when a peer has gone', async () => {
    const [asker, gone] = peers as [LivePeer, LivePeer]
    const lost = asker.bus.events.next('peer:lost', {
      signal: AbortSignal.timeout(20_000),
      matches: ({ peer }) => peer === gone.bus.self,
    })
    await gone.bus.stop()
    await lost
    const { answers, coverage } = await asker.research.ask({ question: 'consensus', deadlineMs: 5_000 }, signal)
    assert.deepEqual([answers.length, coverage.asked, coverage.answered], [SIZE - 1, SIZE - 1, SIZE - 2])
    assert.deepEqual(
      coverage.silent.map(({ peer }) => peer),
      [gone.bus.self],
    )
    assert.ok(coverage.silent[0]?.reason)
  })
})
