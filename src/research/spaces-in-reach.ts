import type { PeerId, SpaceId } from '../base/index.ts'
import {
  defaultSpace,
  isAtLeast,
  nameOfMember,
  nameOfSpace,
  type PeerName,
  type SpaceInfo,
  type SpaceName,
  type Spaces,
  spaceCalled,
} from '../space/index.ts'
import { QUERY_SPACES_MAX } from './wire.ts'

/** What research needs to know of spaces: where to write, what may be read, whom to ask, and what to call them. */
export class SpacesInReach {
  readonly #spaces: Spaces
  readonly #self: PeerId

  constructor(spaces: Spaces, self: PeerId) {
    this.#spaces = spaces
    this.#self = self
  }

  /** The space called `wanted`, by name or id; without a name the newest shared one, else the personal one. */
  target(wanted: string | undefined): SpaceInfo {
    const all = this.#spaces.list()
    return wanted === undefined ? defaultSpace(all) : spaceCalled(all, wanted)
  }

  /** The spaces to search: all of ours, or the one that is wanted. */
  readable(wanted: string | undefined): readonly SpaceId[] {
    return wanted === undefined ? this.#spaces.list().map((space) => space.id) : [this.target(wanted).id]
  }

  /** The other members of these spaces who may read, each with the spaces that we have in common with it. */
  askable(spaces: readonly SpaceId[]): ReadonlyMap<PeerId, readonly SpaceId[]> {
    const common = new Map<PeerId, SpaceId[]>()
    for (const id of spaces) {
      const space = this.#spaces.get(id)
      if (space === undefined || space.personal) continue
      for (const { peer, role } of space.members) {
        if (peer === this.#self || !isAtLeast(role, 'reader')) continue
        const shared = common.get(peer)
        if (shared === undefined) common.set(peer, [id])
        else if (shared.length < QUERY_SPACES_MAX) shared.push(id)
      }
    }
    return common
  }

  /** Whether this peer may hear what we hold in this space. */
  mayRead(space: string, peer: PeerId): boolean {
    const info = this.#spaces.get(space as SpaceId)
    return info !== undefined && !info.personal && isAtLeast(this.#spaces.roleOf(info.id, peer), 'reader')
  }

  spaceName(id: string): SpaceName {
    return nameOfSpace(this.#spaces, id as SpaceId)
  }

  peerName(peer: string, space: string): PeerName {
    return nameOfMember(this.#spaces, space as SpaceId, peer as PeerId)
  }
}
