import type { PeerId, SpaceId } from '../base/index.ts'
import type { Admission } from '../bus/index.ts'
import { isAtLeast, type Spaces } from '../space/index.ts'

const SPACE_TOPIC = /^space\/([0-9a-f]{64})\//
const SPACE_GROUP = /^space\/([0-9a-f]{64})$/

/** Answers the bus's questions from the evaluated membership of our spaces: who shares no space with us gets nothing. */
export function admissionOf(spaces: Spaces): Admission {
  const sharedWith = (peer: PeerId): readonly SpaceId[] =>
    spaces
      .list()
      .filter((space) => spaces.roleOf(space.id, peer) !== undefined)
      .map((space) => space.id)
  // The bus asks for every message.
  const readers = new Map<SpaceId, ReadonlySet<PeerId>>()
  spaces.events.on('members:changed', ({ space }) => readers.delete(space))
  const readersOf = (space: SpaceId): ReadonlySet<PeerId> | undefined => {
    const known = readers.get(space)
    const info = known === undefined ? spaces.get(space) : undefined
    if (info === undefined) return known
    const found = new Set(info.members.filter(({ role }) => isAtLeast(role, 'reader')).map(({ peer }) => peer))
    readers.set(space, found)
    return found
  }
  return {
    mayTakePart: (peer) =>
      spaces.peers().has(peer)
        ? { allowed: true }
        : { allowed: false, reason: 'not a member of any space of this peer' },
    mayUseTopic: (peer, topic) => {
      const space = SPACE_TOPIC.exec(topic)?.[1]
      // Topics outside a space are open to everyone who was admitted to the bus at all. Those of a space carry its records,
      // which a relay may pass on and not read.
      return space === undefined ? spaces.peers().has(peer) : isAtLeast(spaces.roleOf(space as SpaceId, peer), 'reader')
    },
    groupOf: (topic) => {
      const space = SPACE_TOPIC.exec(topic)?.[1]
      return space === undefined ? undefined : `space/${space}`
    },
    membersOf: (group) => {
      const space = SPACE_GROUP.exec(group)?.[1]
      return space === undefined ? undefined : readersOf(space as SpaceId)
    },
    mayIntroduce: (to, about) => sharedWith(to).some((space) => spaces.roleOf(space, about) !== undefined),
  }
}
