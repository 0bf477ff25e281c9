import { type PeerId, quotedLine, type SpaceId } from '../base/index.ts'
import { SpaceError } from './errors.ts'
import type { SpaceInfo, Spaces } from './types.ts'

/** A member in a report. */
export interface PeerName {
  readonly peer: PeerId
  /** Chosen by the peer itself: untrusted text. */
  readonly name: string
  readonly self: boolean
}

/** A space in a report. */
export interface SpaceName {
  readonly id: SpaceId
  readonly name: string
  readonly personal: boolean
}

/** An id may be cut to this many digits where it says which space is meant. */
const ID_PREFIX_MIN_CHARS = 8

/**
 * The space that somebody means by `wanted`: its name, its id, or at least the first eight digits of that. Among spaces of one name a
 * personal one comes first, whatever others call theirs; then the newest that we are in; then the newest. Throws `ERR_SPACE_UNKNOWN`.
 */
export function spaceCalled(spaces: readonly SpaceInfo[], wanted: string): SpaceInfo {
  const named = spaces.filter(({ name }) => name === wanted)
  const found =
    spaces.find(({ id }) => id === wanted) ??
    named.find(({ personal }) => personal) ??
    named.findLast(({ self }) => self !== undefined) ??
    named.at(-1) ??
    onlyOne(spaces.filter(({ id }) => wanted.length >= ID_PREFIX_MIN_CHARS && id.startsWith(wanted)))
  if (found !== undefined) return found
  throw unknown(spaces, `no space is called ${JSON.stringify(wanted)}`)
}

function onlyOne<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined
}

/**
 * Where something goes when nobody says where: the newest shared space that we are still in, else the personal one. Throws
 * `ERR_SPACE_UNKNOWN`.
 */
export function defaultSpace(spaces: readonly SpaceInfo[]): SpaceInfo {
  const ours = spaces.filter(({ self }) => self !== undefined)
  const found = ours.findLast((space) => !space.personal) ?? ours.find((space) => space.personal)
  if (found !== undefined) return found
  throw unknown(spaces, 'there is no space to write to')
}

/** The space called `wanted`, else the default one. Throws `ERR_SPACE_UNKNOWN`. */
export function chosenSpace(spaces: readonly SpaceInfo[], wanted: string | undefined): SpaceInfo {
  return wanted === undefined ? defaultSpace(spaces) : spaceCalled(spaces, wanted)
}

export function nameOfSpace(spaces: Spaces, id: SpaceId): SpaceName {
  const space = spaces.get(id)
  return { id, name: space?.name ?? '?', personal: space?.personal ?? false }
}

export function nameOfMember(spaces: Spaces, id: SpaceId, peer: PeerId): PeerName {
  const space = spaces.get(id)
  const isIt = (candidate: { readonly peer: PeerId }): boolean => candidate.peer === peer
  const member = space?.members.find(isIt) ?? spaces.former(id).find(isIt)
  return { peer, name: member?.name ?? 'former member', self: peer === space?.self?.peer }
}

function unknown(spaces: readonly SpaceInfo[], message: string): SpaceError {
  const names = [...new Set(spaces.map((space) => quotedLine(space.name)))].join(', ')
  const fix = names === '' ? 'Make one with `plexus space create`, or join one.' : `Use one of: ${names}; or its id.`
  return new SpaceError('ERR_SPACE_UNKNOWN', message, { fix })
}
