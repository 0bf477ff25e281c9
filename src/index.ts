/** The door of the package: a whole peer in one call. Each layer is also reachable alone, e.g. `plexus/bus`. */
export { createNode, type NodeInit, type NodeStatus, type PlexusNode } from './node/index.ts'
