import {
  listPeers,
  type NodeEvent,
  type NodeStatus,
  type PeerReport,
  type PlexusNode,
  type ProcessFigures,
} from '../../node/index.ts'
import type { Vitals } from './vitals.ts'

/** The newest events that come with a sample. */
const EVENTS_SHOWN = 20

/** Everything that moves, at one moment: two of these make rates. */
export interface Sample {
  /** Wall clock, milliseconds since 1970. */
  readonly at: number
  /** Milliseconds on a clock of the daemon that never goes back. */
  readonly elapsedMs: number
  readonly status: NodeStatus
  readonly peers: readonly PeerReport[]
  readonly process: ProcessFigures
  readonly events: readonly NodeEvent[]
}

export function takeSample(node: PlexusNode, vitals: Vitals): Sample {
  const status = node.status()
  return {
    at: Date.now(),
    elapsedMs: performance.now(),
    status,
    peers: listPeers(node, status.uptimeMs),
    process: vitals.read(),
    events: node.eventLog.latest(EVENTS_SHOWN),
  }
}
