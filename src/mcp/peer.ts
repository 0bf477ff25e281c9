import type { OperationContext } from '../base/index.ts'
import type { NodeStatus } from '../node/index.ts'

/** A peer as tools use it. A `PlexusNode` is one; `localPeer()` makes one of the daemon of this user. */
export interface PlexusPeer {
  /** Runs an operation; rejects with a `PlexusError`. */
  call(operation: string, input: unknown, context?: Partial<OperationContext>): Promise<unknown>
  /** How it is doing. Starts nothing. */
  status(): NodeStatus | Promise<NodeStatus>
}
