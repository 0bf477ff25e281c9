import type { PeerId } from '../base/index.ts'
import type { Bus, BusEvents } from '../bus/index.ts'
import type { ConnectionKeeper } from '../network/index.ts'
import type { Spaces } from '../space/index.ts'
import type { Linking, Sync } from '../sync/index.ts'
import type { AddressBook } from './address-book.ts'
import type { NodeReach } from './reach.ts'

/**
 * Joins what the parts know of each other's peers: members are wanted, addresses heard anywhere are tried and kept, and
 * all that serves members asks again whom it may serve whenever membership changes.
 */
export function introduce(parts: {
  readonly spaces: Spaces
  readonly bus: Bus
  readonly sync: Sync
  readonly linking: Linking
  readonly keeper: ConnectionKeeper
  readonly addresses: AddressBook
  readonly reach: NodeReach
}): Disposable {
  const { spaces, bus, sync, linking, keeper, addresses, reach } = parts
  const subscriptions = new DisposableStack()
  const wantMembers = (): void =>
    keeper.setWanted(
      new Map([...spaces.peers()].map((peer): [PeerId, readonly string[]] => [peer, addresses.addressesOf(peer)])),
    )
  const onMembership = (): void => {
    wantMembers()
    bus.reconsider()
    reach.reconsider()
  }
  subscriptions.use(spaces.events.on('members:changed', onMembership))
  subscriptions.use(spaces.events.on('space:added', onMembership))
  const onAddresses = ({ peer, addresses: heard }: BusEvents['peer:addresses']): void => keeper.learn(peer, heard)
  subscriptions.use(bus.events.on('peer:addresses', onAddresses))
  subscriptions.use(sync.events.on('peer:addresses', onAddresses))
  subscriptions.use(linking.events.on('peer:addresses', onAddresses))
  subscriptions.use(
    keeper.events.on('address:learned', (learned) => {
      addresses.remember(learned.peer, learned.addresses)
      reach.onAddresses()
    }),
  )
  wantMembers()
  return subscriptions
}
