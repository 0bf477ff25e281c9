import type { Startable } from '@libp2p/interface'
import type { ExtraServices } from './options.ts'

/**
 * Something that runs inside a libp2p node, and is not loaded unless somebody asks for it. Made before the node, it outlives
 * the node's restarts.
 */
export interface Libp2pExtra {
  /** Of the service, unique in a node. */
  readonly name: string
  load(): Promise<(components: ExtraComponents) => Startable>
}

/** What libp2p gives to a service. */
export type ExtraComponents = Parameters<ExtraServices[string]>[0]
