import type { Clock, Component, Logger, PeerId, Random } from '../base/index.ts'
import {
  type ConnectionKeeper,
  dialBack,
  type Reach,
  reachability,
  relayOffer,
  relayReservations,
  type Transport,
} from '../network/index.ts'
import type { Spaces } from '../space/index.ts'
import type { AddressBook } from './address-book.ts'

/** How others get to us. */
export interface ReachReport extends Reach {
  /** The members that relay for us. */
  readonly relays: readonly PeerId[]
  /** Whether we relay for members. */
  readonly relaying: boolean
}

export interface NodeReachInit {
  /** Relay for members; remembered. Default: as last time, at first not. */
  readonly relay: boolean | undefined
}

export interface NodeReachComponents {
  readonly transport: Transport
  readonly keeper: ConnectionKeeper
  readonly spaces: Spaces
  readonly addresses: AddressBook
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/**
 * Joins what concerns the way from others to us: members say whether they can dial us, a place at a relaying member is held
 * while they cannot from anywhere, and what both find is told with our addresses.
 */
export class NodeReach {
  /** To be started in this order. */
  readonly components: readonly Component[]
  /** To be called when membership has changed. */
  readonly reconsider: () => void
  /** To be called when more is known of where a member is. */
  readonly onAddresses: () => void
  readonly report: () => ReachReport
  readonly #keeper: ConnectionKeeper

  constructor(init: NodeReachInit, components: NodeReachComponents) {
    const { transport, spaces, addresses } = components
    this.#keeper = components.keeper
    const isMember = (peer: PeerId): boolean => spaces.peers().has(peer)
    const relaying = init.relay ?? addresses.setting('relay') === 'on'
    addresses.keepSetting('relay', relaying ? 'on' : 'off')
    let throughRelays: readonly string[] = []
    const tellAddresses = (): void => transport.alsoAt([...reach.reach().addresses, ...throughRelays])
    const reach = reachability({
      mayAsk: isMember,
      onChange: () => {
        tellAddresses()
        places.reconsider()
      },
    })(components)
    const places = relayReservations({
      mayUse: isMember,
      isNeeded: () => reach.reach().from !== 'anywhere',
      addressesOf: addresses.addressesOf,
      onAddresses: (found) => {
        throughRelays = found
        tellAddresses()
      },
    })(components)
    const offer = relaying ? relayOffer({ mayRelay: isMember })(components) : undefined
    const forMembers = dialBack({ mayAsk: isMember })(components)
    this.components = [...(offer === undefined ? [] : [offer]), forMembers, reach, places]
    this.reconsider = () => {
      offer?.reconsider()
      reach.reconsider()
      places.reconsider()
    }
    this.onAddresses = () => places.reconsider()
    this.report = () => ({ ...reach.reach(), relays: places.held(), relaying })
  }

  /** Why a relayed peer is not reached directly, as far as we have tried. */
  whyRelayed(peer: PeerId): string | undefined {
    return this.#keeper.contacts().find((contact) => contact.peer === peer && contact.state === 'relayed')?.reason
  }
}
