/** The MCP face: tools for models, over a local socket and loopback HTTP. */
export { HTTP_DEFAULT_PORT, type HttpFaceInit, type HttpRoute } from './adapters/http.ts'
export { McpError, type McpErrorCode } from './errors.ts'
export { createMcpFace, type McpFace, MESSAGE_MAX_BYTES, STREAMS_MAX } from './face.ts'
export { plainText } from './quotation.ts'
