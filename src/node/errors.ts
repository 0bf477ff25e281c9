import { PlexusError } from '../base/index.ts'

export type NodeErrorCode = 'ERR_INVALID_INPUT' | 'ERR_UNKNOWN_OPERATION' | 'ERR_NOT_FOUND' | 'ERR_STOPPING'

export class NodeError extends PlexusError<NodeErrorCode> {
  override readonly name = 'NodeError'
}
