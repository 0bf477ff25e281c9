import type { PeerId, SpaceId } from '../base/index.ts'
import {
  chosenSpace,
  isAtLeast,
  nameOfMember,
  nameOfSpace,
  type PeerName,
  type SpaceInfo,
  type SpaceName,
  type Spaces,
} from '../space/index.ts'
import { QUERY_SPACES_MAX } from './wire.ts'

/** Spaces that another peer and we are members of: at least one. */
export type CommonSpaces = readonly [SpaceId, ...SpaceId[]]

/** What research needs to know of spaces: where to write, what may be read, whom to ask, and what to call them. */
export class SpacesInReach {
  readonly #spaces: Spaces
  readonly #self: PeerId

  constructor(spaces: Spaces, self: PeerId) {
    this.#spaces = spaces
    this.#self = self
  }

  /** Where to write: see `chosenSpace`. */
  target(wanted: string | undefined): SpaceInfo {
    return chosenSpace(this.#spaces.list(), wanted)
  }

  /** The spaces to search: all of ours, or the one that is wanted. */
  readable(wanted: string | undefined): readonly SpaceId[] {
    return wanted === undefined ? this.#spaces.list().map((space) => space.id) : [this.target(wanted).id]
  }

  /** The other members of these spaces who may read, each with the spaces that we have in common with it. */
  askable(spaces: readonly SpaceId[]): ReadonlyMap<PeerId, CommonSpaces> {
    const common = new Map<PeerId, [SpaceId, ...SpaceId[]]>()
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
  mayRead(space: SpaceId, peer: PeerId): boolean {
    const info = this.#spaces.get(space)
    return info !== undefined && !info.personal && isAtLeast(this.#spaces.roleOf(info.id, peer), 'reader')
  }

  spaceName(id: SpaceId): SpaceName {
    return nameOfSpace(this.#spaces, id)
  }

  peerName(peer: PeerId, space: SpaceId): PeerName {
    return nameOfMember(this.#spaces, space, peer)
  }
}
