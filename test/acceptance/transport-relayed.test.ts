import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { seededRandom, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { libp2pTransport, relayOffer, relayReservations, type Transport } from '../../src/network/index.ts'
import { channelChecks } from './channels.ts'
import { checkOn, linkedPair, nextEvent, type TransportBench } from './transport-bench.ts'

/** Peers that listen nowhere and reach each other through one that relays. */
async function relayedBench(): Promise<TransportBench> {
  const clock = systemClock()
  const log = silentLogger()
  const random = seededRandom(1)
  const make = (listen: readonly string[]): Promise<Transport> =>
    libp2pTransport({ deviceSeed: systemRandom().bytes(32), listen })({ clock, log })
  await using cleanup = new AsyncDisposableStack()
  const relay = cleanup.use(await make(['/ip4/127.0.0.1/tcp/0']))
  await relay.start()
  const offer = cleanup.use(relayOffer({ mayRelay: () => true })({ transport: relay, clock, log }))
  await offer.start()
  const running = cleanup.move()
  return {
    peer: async () => {
      const peer = running.use(await make([]))
      const reservations = running.use(
        relayReservations({
          mayUse: (other) => other === relay.self,
          isNeeded: () => true,
          addressesOf: () => [],
          onAddresses: (addresses) => peer.alsoAt(addresses),
        })({ transport: peer, clock, random, log }),
      )
      const start = peer.start.bind(peer)
      return Object.assign(peer, {
        start: async () => {
          await start()
          await reservations.start()
          const reachable = nextEvent(peer, 'self:addresses')
          await peer.dial(relay.self, relay.addresses())
          await reachable
        },
      })
    },
    again: () => assert.fail('not here'),
    deadAddress: '',
    deadReason: '',
    silentAddress: '',
    elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    run: (body) => body(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

describe('libp2p through a relay: channels', () => {
  const check = checkOn(relayedBench)
  check('the link says that it is relayed, by whom and why', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const [link] = a.links().filter(({ peer }) => peer === b.self)
    const [back] = b.links().filter(({ peer }) => peer === a.self)
    assert.equal(link?.kind, 'relayed')
    assert.equal(back?.kind, 'relayed')
    assert.equal(link?.via, back?.via)
    assert.match(link?.reason ?? '', /relays$/)
    assert.ok(link?.address.endsWith('/p2p-circuit'))
  })
  channelChecks(check)
})
