import { PlexusError } from '../base/index.ts'

export type McpErrorCode =
  | 'ERR_HTTP_LISTEN'
  | 'ERR_HTTP_TOKEN'
  | 'ERR_NOT_FOUND'
  | 'ERR_CURSOR'
  | 'ERR_HOST_SERVER'
  | 'ERR_TOOL_REFUSED'
  | 'ERR_PLEXUS_CLOSED'

export class McpError extends PlexusError<McpErrorCode> {
  override readonly name = 'McpError'
}
