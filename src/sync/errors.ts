import { PlexusError, type PlexusErrorOptions } from '../base/index.ts'
import type { JoinRefusal } from '../space/index.ts'

export type SyncErrorCode =
  | 'ERR_TICKET_MALFORMED'
  | 'ERR_TICKET_EXPIRED'
  | 'ERR_JOIN_REFUSED'
  | 'ERR_JOIN_UNREACHABLE'
  | 'ERR_JOIN_ANSWER'
  | 'ERR_ALREADY_MEMBER'
  | 'ERR_LINK_TICKET'
  | 'ERR_LINK_UNREACHABLE'
  | 'ERR_LINK_BUSY'
  | 'ERR_LINK_NONE'
  | 'ERR_LINK_WORDS'
  | 'ERR_LINK_REFUSED'
  | 'ERR_LINK_LATE'
  | 'ERR_LINK_LOST'
  | 'ERR_LINK_FAILED'
  | 'ERR_LINK_IN_SPACES'
  | 'ERR_LINK_NO_KEY'
  | 'ERR_SYNC_STOPPED'
  | 'ERR_SYNC_MALFORMED'
  | 'ERR_SYNC_NOT_MEMBER'
  | 'ERR_SYNC_VERSION'
  | 'ERR_SYNC_BUSY'
  | 'ERR_SYNC_NO_HOLDER'

/** Why an issuer refused, as it said. `ERR_JOIN_BUSY`: too many requests at this time. */
export type JoinRefusalCode = JoinRefusal | 'ERR_JOIN_BUSY'

export interface SyncErrorOptions extends PlexusErrorOptions {
  readonly reason?: JoinRefusalCode
}

export class SyncError extends PlexusError<SyncErrorCode> {
  override readonly name = 'SyncError'
  /** For `ERR_JOIN_REFUSED`: the code that the issuer gave. */
  readonly reason: JoinRefusalCode | undefined

  constructor(code: SyncErrorCode, message: string, options: SyncErrorOptions = {}) {
    super(code, message, options)
    this.reason = options.reason
  }
}
