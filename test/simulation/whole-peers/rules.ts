import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import type { LogClass } from '../../../src/records/index.ts'

interface LogOf {
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: LogClass
  readonly log: string
}

/** How far a log counts in the eyes of a peer: up to this number. */
export function endOf(node: PlexusNode, { space, author, class: logClass, log }: LogOf): number {
  if (!node.spaces.admitsLog(space, author, logClass)) return 0
  // Between two commits a rule may be older than the records that are held; asking for the membership renews it.
  node.spaces.get(space)
  return node.spaces.ruleOf(space, author, log).end?.seq ?? Number.POSITIVE_INFINITY
}
