/** The MCP face: tools for models, over a local socket, loopback HTTP, and in MCP servers of others. */
export type { HttpFaceInit, HttpRoute } from './adapters/http.ts'
export { McpError, type McpErrorCode } from './errors.ts'
export { createMcpFace, type McpFace, MESSAGE_MAX_BYTES, STREAMS_MAX } from './face.ts'
export type { HostServer } from './host-server.ts'
export { type LocalPeer, type LocalPeerInit, localPeer } from './local-peer.ts'
export type { PlexusPeer } from './peer.ts'
export { plainText } from './quotation.ts'
export { type Plexus, type PlexusStatus, type WithPlexusOptions, withPlexus } from './with-plexus.ts'
