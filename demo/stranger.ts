import { type PeerId, silentLogger, systemClock, systemRandom } from '../src/base/index.ts'
import { createBus } from '../src/bus/index.ts'
import { identityFromSeeds } from '../src/identity/index.ts'
import { libp2pTransport } from '../src/network/index.ts'

const REFUSAL_TIMEOUT_MS = 10_000

/**
 * Somebody who knows a peer's address and speaks the protocol perfectly, but is a member of nothing: opens lanes and
 * returns the sentence with which they are refused.
 */
export async function refusalOfLanes(peer: PeerId, addresses: readonly string[]): Promise<string> {
  const components = { clock: systemClock(), random: systemRandom(), log: silentLogger() }
  const seed = (): Uint8Array => components.random.bytes(32)
  const identity = identityFromSeeds({ device: seed(), principal: seed(), sealing: seed() }, { name: 'mallory' })
  await using transport = await libp2pTransport({ deviceSeed: identity.exportDeviceSeed(), listen: [] })(components)
  await transport.start()
  const everybody = {
    mayTakePart: () => ({ allowed: true }) as const,
    mayUseTopic: () => true,
    mayIntroduce: () => true,
  }
  await using bus = createBus({ name: 'mallory' })({ transport, admission: everybody, ...components })
  await bus.start()
  const deadline = new AbortController()
  using _timer = components.clock.setTimer(REFUSAL_TIMEOUT_MS, () =>
    deadline.abort(new Error('nobody refused the stranger')),
  )
  const refused = bus.events.next('peer:refused', { signal: deadline.signal, matches: ({ by }) => by === 'them' })
  const letIn = bus.events.next('peer:ready', { signal: deadline.signal })
  await transport.dial(peer, addresses, { signal: deadline.signal })
  const first = await Promise.race([refused, letIn])
  deadline.abort()
  await Promise.allSettled([refused, letIn])
  if (!('reason' in first)) throw new Error(`${identity.device.peer} was let in without an invitation`)
  return first.reason
}
