import { PlexusError } from '../base/index.ts'

export type NodeErrorCode =
  | 'ERR_INVALID_INPUT'
  | 'ERR_UNKNOWN_OPERATION'
  | 'ERR_NOT_FOUND'
  | 'ERR_STOPPING'
  | 'ERR_COMPONENT_DOWN'
  | 'ERR_COMPONENT_INVALID'
  | 'ERR_COMPONENT_LOST'

export class NodeError extends PlexusError<NodeErrorCode> {
  override readonly name = 'NodeError'
}
