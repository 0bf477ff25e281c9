/** The way to the daemon of this user: where it is, how to start it, and a conversation with it. */
export { ControlClient, connectSocket } from './adapters/client.ts'
export { DAEMON_NODE_FLAGS } from './adapters/daemon-node-flags.ts'
export { assertOwnSockets, type Profile, plexusHome, prepareFolder, profileOf } from './adapters/profile.ts'
export { type DaemonOptions, ensureDaemon, type StartReport, startDaemon } from './adapters/start-daemon.ts'
export { ControlError, type ControlErrorCode, RemoteError } from './errors.ts'
export {
  CONTROL_LINE_MAX_CHARS,
  CONTROL_MAX_CONNECTIONS,
  CONTROL_MAX_IN_FLIGHT,
  CONTROL_UNREAD_MAX_BYTES,
  type ControlFailure,
  type ControlReply,
  type ControlRequest,
  lineSplitter,
} from './protocol.ts'
