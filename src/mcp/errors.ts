import { PlexusError } from '../base/index.ts'

export type McpErrorCode = 'ERR_HTTP_LISTEN' | 'ERR_HTTP_TOKEN' | 'ERR_NOT_FOUND' | 'ERR_CURSOR'

export class McpError extends PlexusError<McpErrorCode> {
  override readonly name = 'McpError'
}
