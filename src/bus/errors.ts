import { PlexusError, type PlexusErrorOptions } from '../base/index.ts'

export type BusErrorCode =
  | 'ERR_BUS_STOPPED'
  | 'ERR_PEER_NOT_READY'
  | 'ERR_PEER_LOST'
  | 'ERR_EXPIRED'
  | 'ERR_MESSAGE_TOO_LARGE'
  | 'ERR_OVERLOADED'
  | 'ERR_TOPIC_INVALID'
  | 'ERR_KIND_INVALID'
  | 'ERR_KIND_TAKEN'
  | 'ERR_NO_RESPONDER'
  | 'ERR_REQUEST_TIMEOUT'
  | 'ERR_REQUEST_CANCELLED'
  | 'ERR_ANSWER_STREAMED'
  | 'ERR_ANSWER_FORGOTTEN'
  | 'ERR_REMOTE'
  | 'ERR_LANE_PROTOCOL'

export interface BusErrorOptions extends PlexusErrorOptions {
  readonly remoteCode?: string
}

export class BusError extends PlexusError<BusErrorCode> {
  override readonly name = 'BusError'
  /** For `ERR_REMOTE`: the code that the other peer's responder gave. */
  readonly remoteCode: string | undefined

  constructor(code: BusErrorCode, message: string, options: BusErrorOptions = {}) {
    super(code, message, options)
    this.remoteCode = options.remoteCode
  }
}
