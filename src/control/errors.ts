import { PlexusError } from '../base/index.ts'

export type ControlErrorCode =
  | 'ERR_PROFILE_NAME'
  | 'ERR_DAEMON_NOT_RUNNING'
  | 'ERR_DAEMON_START'
  | 'ERR_DAEMON_LOST'
  | 'ERR_DAEMON_RUNNING'
  | 'ERR_DAEMON_REPLY'
  | 'ERR_HOME'

export class ControlError extends PlexusError<ControlErrorCode> {
  override readonly name = 'ControlError'
}

/** An error that happened inside the daemon and came over the control socket. */
export class RemoteError extends PlexusError {
  override readonly name = 'RemoteError'
}
