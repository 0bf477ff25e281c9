import { type PeerId, systemClock } from '../src/base/index.ts'
import { createBus, openAdmission } from '../src/bus/index.ts'
import { libp2pTransport } from '../src/network/index.ts'

const REFUSAL_TIMEOUT_MS = 10_000

/**
 * Somebody who knows a peer's address and speaks the protocol perfectly, but is a member of nothing: opens lanes and
 * returns the sentence with which they are refused.
 */
export async function refusalOfLanes(peer: PeerId, addresses: readonly string[]): Promise<string> {
  await using transport = await libp2pTransport({ listen: [] })()
  await using bus = createBus({ name: 'mallory' })({ transport, admission: openAdmission })
  await transport.start()
  await bus.start()
  const deadline = new AbortController()
  using _timer = systemClock().setTimer(REFUSAL_TIMEOUT_MS, () =>
    deadline.abort(new Error('nobody refused the stranger')),
  )
  const refused = bus.events.next('peer:refused', { signal: deadline.signal, matches: ({ by }) => by === 'them' })
  const letIn = bus.events.next('peer:ready', { signal: deadline.signal })
  await transport.dial(peer, addresses, { signal: deadline.signal })
  const first = await Promise.race([refused, letIn])
  deadline.abort()
  await Promise.allSettled([refused, letIn])
  if (!('reason' in first)) throw new Error(`${bus.self} was let in without an invitation`)
  return first.reason
}
