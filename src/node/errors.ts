import { PlexusError } from '../base/index.ts'

export type NodeErrorCode =
  | 'ERR_INVALID_INPUT'
  | 'ERR_UNKNOWN_OPERATION'
  | 'ERR_NOT_FOUND'
  | 'ERR_FOR_PEOPLE'
  | 'ERR_STOPPING'
  | 'ERR_COMPONENT_DOWN'
  | 'ERR_COMPONENT_INVALID'
  | 'ERR_COMPONENT_LOST'
  | 'ERR_BACKUP_EMPTY'
  | 'ERR_BACKUP_EXISTS'
  | 'ERR_BACKUP_UNREADABLE'
  | 'ERR_BACKUP_UNKNOWN'
  | 'ERR_BACKUP_DAMAGED'
  | 'ERR_RESTORE_OCCUPIED'
  | 'ERR_RESTORE_KEY'

export class NodeError extends PlexusError<NodeErrorCode> {
  override readonly name = 'NodeError'
}
