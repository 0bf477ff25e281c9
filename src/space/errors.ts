import { PlexusError } from '../base/index.ts'

export type SpaceErrorCode =
  | 'ERR_SPACE_UNKNOWN'
  | 'ERR_SPACE_ROLE'
  | 'ERR_SPACE_PERSONAL'
  | 'ERR_SPACE_ARGUMENT'
  | 'ERR_SPACE_DETACHED'
  | 'ERR_SPACE_LAST_ADMIN'
  | 'ERR_SPACE_RECOVERY'
  | 'ERR_SPACE_NOT_HELD'
  | 'ERR_TICKET_MALFORMED'
  | 'ERR_TICKET_EXPIRED'

export class SpaceError extends PlexusError<SpaceErrorCode> {
  override readonly name = 'SpaceError'
}
