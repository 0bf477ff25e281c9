import type { PeerId } from '../base/index.ts'
import type { Link } from './transport.ts'

/** What the table needs to know of a connection. */
export interface Linked {
  readonly link: Link
}

/**
 * Which connections lead to which peer. Two peers that dial each other at the same moment end up with two
 * connections; both then prefer the same one, and the other can go once nothing runs on it.
 */
export class LinkTable<Connection extends Linked> {
  readonly #self: PeerId
  readonly #byPeer = new Map<PeerId, Connection[]>()
  #size = 0

  constructor(self: PeerId) {
    this.#self = self
  }

  get size(): number {
    return this.#size
  }

  /** Says whether it is the first to its peer. */
  add(connection: Connection): boolean {
    const { peer } = connection.link
    const known = this.#byPeer.get(peer)
    this.#size++
    if (known !== undefined) {
      known.push(connection)
      return false
    }
    this.#byPeer.set(peer, [connection])
    return true
  }

  /** Says whether it was the last to its peer; `false` too for one that is not in the table. */
  remove(connection: Connection): boolean {
    const { peer } = connection.link
    const known = this.#byPeer.get(peer)
    const index = known?.indexOf(connection) ?? -1
    if (known === undefined || index === -1) return false
    known.splice(index, 1)
    this.#size--
    return known.length === 0 && this.#byPeer.delete(peer)
  }

  peers(): readonly PeerId[] {
    return [...this.#byPeer.keys()]
  }

  of(peer: PeerId): readonly Connection[] {
    return this.#byPeer.get(peer) ?? []
  }

  /** The connection that both ends use for new streams: a direct one, the oldest that the peer with the smaller id opened. */
  preferred(peer: PeerId): Connection | undefined {
    const known = this.of(peer)
    const direct = known.filter((connection) => connection.link.kind === 'direct')
    const candidates = direct.length > 0 ? direct : known
    const opener = this.#self < peer ? 'outbound' : 'inbound'
    return candidates.find((connection) => connection.link.direction === opener) ?? candidates[0]
  }

  /** Those that `preferred` passes over. */
  surplus(peer: PeerId): readonly Connection[] {
    const preferred = this.preferred(peer)
    return this.of(peer).filter((connection) => connection !== preferred)
  }
}
