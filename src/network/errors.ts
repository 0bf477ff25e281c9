import { PlexusError, type PlexusErrorOptions } from '../base/index.ts'

export type NetworkErrorCode =
  | 'ERR_ADDRESS_IN_USE'
  | 'ERR_CHANNEL_CLOSED'
  | 'ERR_LISTEN'
  | 'ERR_MALFORMED_MESSAGE'
  | 'ERR_NOT_CONNECTED'
  | 'ERR_OVERLOADED'
  | 'ERR_PROTOCOL_UNSUPPORTED'
  | 'ERR_TIMEOUT'
  | 'ERR_UNREACHABLE'
  | 'ERR_WRONG_PEER'

/** Why one address did not lead to the peer. */
export interface AddressFailure {
  readonly address: string
  readonly code: 'ERR_UNREACHABLE' | 'ERR_TIMEOUT' | 'ERR_WRONG_PEER'
  readonly reason: string
}

export interface NetworkErrorOptions extends PlexusErrorOptions {
  readonly failures?: readonly AddressFailure[]
}

export class NetworkError extends PlexusError<NetworkErrorCode> {
  override readonly name = 'NetworkError'
  /** Of a failed dial: what happened at each address that was tried. */
  readonly failures: readonly AddressFailure[]

  constructor(code: NetworkErrorCode, message: string, options: NetworkErrorOptions = {}) {
    super(code, message, options)
    this.failures = options.failures ?? []
  }
}
