/** The door of the package: a whole peer, or the network for an MCP server, in one call. Each layer is also reachable alone, e.g. `plexus/bus`. */
export { type Plexus, type WithPlexusOptions, withPlexus } from './mcp/index.ts'
export { createNode, type NodeInit, type NodeStatus, type PlexusNode } from './node/index.ts'
