import type { Duplex } from 'node:stream'
import type { Logger } from '../base/index.ts'
import type { PlexusNode } from '../node/index.ts'
import type { HttpFace, HttpFaceInit } from './adapters/http.ts'

/** MCP connections over the local socket at one time; each client of this machine is one. */
export const STREAMS_MAX = 256
/** The largest JSON-RPC message; larger things travel by id. */
export const MESSAGE_MAX_BYTES: number = 4 * 1024 * 1024
/** Answers that wait for a client to read them; beyond it nothing more is read from that client. */
export const UNREAD_MAX_BYTES: number = 1024 * 1024

/** Everything by which MCP clients reach a node. */
export interface McpFace {
  /** Speaks MCP, newline-delimited, over a stream: a shim's socket. */
  serveStream(stream: Duplex): void
  listenHttp(init: HttpFaceInit): Promise<Pick<HttpFace, 'url' | 'note'>>
  /** Ends all connections. */
  close(): Promise<void>
  readonly clients: number
}

export interface McpFaceComponents {
  readonly node: PlexusNode
  readonly log: Logger
}

/** Loads the SDK first: who only wants `withPlexus` brings one of their own. */
export async function createMcpFace(components: McpFaceComponents): Promise<McpFace> {
  const { serving } = await import('./serving.ts')
  return serving(components)
}
