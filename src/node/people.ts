import { type OperationContext, type PeerId, quotedLine, shortPeerId } from '../base/index.ts'
import { chosenSpace, type SpaceInfo } from '../space/index.ts'
import { NodeError } from './errors.ts'
import type { PlexusNode } from './types.ts'

/** Who belongs, and with which keys, is for people to say, whatever an agent was told. Throws `ERR_FOR_PEOPLE`. */
export function assertPerson({ caller }: OperationContext): void {
  if (caller.kind === 'person') return
  throw new NodeError('ERR_FOR_PEOPLE', 'who belongs to a space is for people to decide', {
    fix: 'Ask the person to do it with the command `plexus`.',
  })
}

/** The space that is meant, by name or id; of those that we are in unless it is named. */
export function spaceMeant(node: PlexusNode, wanted: string | undefined): SpaceInfo {
  return chosenSpace(node.spaces.list(), wanted)
}

/** As `spaceMeant`, but a shared space that this device is no member of any more where there is no other: that is what there is to tell. */
export function spaceToShow(node: PlexusNode, wanted: string | undefined): SpaceInfo {
  const shared = node.spaces.list().filter(({ personal }) => !personal)
  const former = shared.every(({ self }) => self === undefined) ? shared.at(-1) : undefined
  return wanted === undefined && former !== undefined ? former : spaceMeant(node, wanted)
}

/** What can be told apart by name or id. */
interface Named {
  readonly peer: PeerId
  readonly name: string
}

/** All that bear this name; or the one with this peer id, or whose peer id ends so. Throws `ERR_NOT_FOUND`. */
export function called<T extends Named>(candidates: readonly T[], text: string, where: string): readonly T[] {
  const exact = candidates.filter(({ peer, name }) => peer === text || name === text)
  if (exact.length > 0) return exact
  const byEnd = candidates.filter(({ peer }) => text.length >= 4 && peer.endsWith(text))
  if (byEnd.length > 0) return byEnd
  const known = candidates.slice(0, 20).map(({ name }) => quotedLine(name))
  throw new NodeError('ERR_NOT_FOUND', `nobody in ${quotedLine(where)} is called ${JSON.stringify(text)}`, {
    fix:
      known.length === 0 ? 'There is nobody else in it.' : `Use one of: ${known.join(', ')}; or the end of a peer id.`,
  })
}

/** The one that is meant. Throws `ERR_NOT_FOUND` for nobody and for several. */
export function theOneCalled<T extends Named>(candidates: readonly T[], text: string, where: string): T {
  const [only, other] = called(candidates, text, where)
  if (only !== undefined && other === undefined) return only
  const ids = called(candidates, text, where).map(({ peer }) => shortPeerId(peer))
  throw new NodeError('ERR_NOT_FOUND', `several in ${quotedLine(where)} are called ${JSON.stringify(text)}`, {
    fix: `Say which by the end of its peer id: ${ids.join(', ')}.`,
  })
}
